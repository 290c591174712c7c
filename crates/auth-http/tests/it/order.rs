//! The order of the checks, the texts of the bearer check, and the context of a request.

use serde_json::{Value, json};

use crate::toy::{Toy, get, good, post};

const SIGNED: &str = "/toy/signed";

#[actix_web::test]
async fn checks_come_in_the_order_of_the_contract() {
    let broken = "{\"email\":";
    let invalid = json!({ "email": "ada" }).to_string();
    let right = good().to_string();
    let table = [
        // body, tenant, token → status, detail
        (broken, Some("nowhere"), None, 422, None),
        (invalid.as_str(), Some("nowhere"), None, 400, Some("Unknown tenant")),
        (invalid.as_str(), None, None, 401, Some("Not authenticated")),
        ("", None, None, 401, Some("Not authenticated")),
        (invalid.as_str(), None, Some("good"), 422, None),
        (right.as_str(), None, Some("good"), 200, None),
    ];
    for (body, tenant, token, status, detail) in table {
        let mut request = post(SIGNED).set_payload(body.to_owned());
        if let Some(tenant) = tenant {
            request = request.insert_header(("x-tenant-id", tenant));
        }
        if let Some(token) = token {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        let answer = Toy::new().send(request).await;
        assert_eq!(answer.status, status, "{body} {tenant:?} {token:?}: {}", answer.text);
        if let Some(detail) = detail {
            assert_eq!(answer.detail(), detail);
        }
    }
}

#[actix_web::test]
async fn bearer_refusals_have_the_texts_clients_know() {
    let table = [
        (None, "Not authenticated"),
        (Some("Basic dXNlcjpwYXNz"), "Not authenticated"),
        (Some("Bearer"), "Could not validate credentials"),
        (Some("Bearer "), "Could not validate credentials"),
        (Some("Bearer rubbish"), "Could not validate credentials"),
        (Some("Bearer ended"), "Could not validate credentials"),
        (Some("bearer refresh"), "Invalid token type"),
        (Some("BEARER nobody"), "Invalid authentication credentials"),
        (Some("Bearer gone"), "User not found"),
    ];
    for (header, detail) in table {
        let mut request = get("/toy/me");
        if let Some(header) = header {
            request = request.insert_header(("authorization", header));
        }
        let answer = Toy::new().send(request).await;
        assert_eq!((answer.status, answer.detail()), (401, json!(detail)), "{header:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{header:?}");
    }
    let foreign =
        get("/toy/me").insert_header(("authorization", "Bearer good")).insert_header(("x-tenant-id", "web"));
    assert_eq!(Toy::new().send(foreign).await.detail(), "Token is not valid for this tenant");
}

#[actix_web::test]
async fn credentials_are_never_ambiguous() {
    let request = get("/toy/me")
        .append_header(("authorization", "Bearer good"))
        .append_header(("authorization", "Bearer gone"));
    let answer = Toy::new().send(request).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("ambiguous_credentials")));
}

#[actix_web::test]
async fn a_store_that_is_down_lets_nobody_pass() {
    for path in ["/toy/me", "/toy/signed", "/toy/perhaps"] {
        let request = if path == "/toy/me" { get(path) } else { post(path).set_json(good()) };
        let answer = Toy::new().send(request.insert_header(("authorization", "Bearer down"))).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{path}");
        assert_eq!(answer.detail(), "Service temporarily unavailable");
    }
}

#[actix_web::test]
async fn an_optional_token_is_the_handlers_to_weigh() {
    for (header, who) in
        [("", "nobody"), ("Bearer good", "somebody"), ("Bearer x", "refused"), ("Bearer", "refused")]
    {
        let mut request = post("/toy/perhaps");
        if !header.is_empty() {
            request = request.insert_header(("authorization", header));
        }
        assert_eq!(Toy::new().send(request).await.json()["who"], who, "{header}");
    }
}

#[actix_web::test]
async fn tenants_are_known_or_refused() {
    let table = [
        (None, Some("default")),
        (Some("web"), Some("web")),
        (Some("WEB"), Some("web")),
        (Some("iopex"), None),
        (Some(""), None),
        (Some("../x"), None),
        (Some("w\u{e9}b"), None),
    ];
    for (header, tenant) in table {
        let mut request = get("/toy/who");
        if let Some(header) = header {
            request = request.insert_header(("x-tenant-id", header.as_bytes()));
        }
        let answer = Toy::new().send(request).await;
        match tenant {
            Some(tenant) => assert_eq!(answer.json()["tenant"], tenant, "{header:?}"),
            None => assert_eq!(
                (answer.status, answer.json()["code"].as_str()),
                (400, Some("unknown_tenant")),
                "{header:?}"
            ),
        }
    }
    let twice =
        get("/toy/who").append_header(("x-tenant-id", "web")).append_header(("x-tenant-id", "default"));
    assert_eq!(Toy::new().send(twice).await.status, 400);
}

#[actix_web::test]
async fn the_client_is_the_peer_unless_a_trusted_proxy_says_otherwise() {
    let seen = async |peer: &str, trusted: &[&str]| -> Value {
        let toy = Toy::with(|settings| {
            settings.trusted_proxies = trusted.iter().map(|net| net.parse().unwrap()).collect();
        });
        let request = get("/toy/who")
            .peer_addr(peer.parse().unwrap())
            .insert_header(("x-forwarded-for", "6.6.6.6, 1.2.3.4"))
            .insert_header(("forwarded", "for=7.7.7.7"))
            .insert_header(("x-real-ip", "8.8.8.8"));
        toy.send(request).await.json()["ip"].clone()
    };
    assert_eq!(seen("203.0.113.9:1", &[]).await, "203.0.113.9");
    assert_eq!(seen("10.0.0.1:1", &["10.0.0.0/8"]).await, "1.2.3.4");
    assert_eq!(seen("203.0.113.9:1", &["10.0.0.0/8"]).await, "203.0.113.9");
}

#[actix_web::test]
async fn the_context_carries_what_the_audit_log_keeps() {
    let request = get("/toy/who")
        .insert_header(("user-agent", "Toy/1.0\t(tests)"))
        .insert_header(("x-request-id", "client-made-42"));
    let answer = Toy::new().send(request).await;
    assert_eq!(answer.json()["user_agent"], "Toy/1.0(tests)");
    assert_eq!(answer.json()["request_id"], "client-made-42");
    assert_eq!(answer.header("x-request-id"), "client-made-42");
}
