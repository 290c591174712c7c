//! The shell: what every answer carries, whoever made it.

use actix_web::{http::Method, test::TestRequest};
use serde_json::json;

use crate::toy::{self, Toy, good};

/// Requests with a host that is allowed; a later header replaces it.
fn get(path: &str) -> TestRequest {
    toy::get(path).insert_header(("host", "localhost"))
}

fn post(path: &str) -> TestRequest {
    toy::post(path).insert_header(("host", "localhost"))
}

/// One request for each way in which an answer can come about.
fn every_kind() -> Vec<(u16, TestRequest)> {
    let preflight = |origin: &'static str| {
        post("/toy/everything")
            .method(Method::OPTIONS)
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "POST"))
    };
    vec![
        (200, get("/toy/who")),
        (400, get("/toy/who").insert_header(("x-tenant-id", "nowhere"))),
        (400, get("/toy/who").insert_header(("host", "evil.example"))),
        (401, get("/toy/me")),
        (404, get("/nowhere")),
        (404, get("/toy/who/nowhere")),
        (405, post("/toy/who")),
        (413, post("/toy/everything").insert_header(("content-length", "99999999"))),
        (414, get(&format!("/{}", "x".repeat(9000)))),
        (415, post("/toy/everything").insert_header(("content-type", "text/plain"))),
        (422, post("/toy/everything").set_payload("{")),
        (423, get("/toy/refuses")),
        (431, get("/toy/who").insert_header(("x-long", "x".repeat(17_000)))),
        (500, get("/toy/panic")),
        (500, get("/toy/store-broken")),
        (503, get("/toy/slow")),
        (503, get("/toy/store-down")),
        (200, preflight("https://app.example")),
        (400, preflight("https://evil.example")),
        (200, get("/docs")),
        (200, get("/docs/start.js")),
        (200, get("/docs/swagger-ui.css")),
        (404, get("/docs/oauth2-redirect.html")),
        (200, get("/openapi.json")),
    ]
}

/// A toy that allows one host and one origin.
fn strict() -> Toy {
    Toy::with(|settings| {
        settings.allowed_hosts = vec!["localhost".to_owned()];
        settings.cors_origins = vec!["https://app.example".to_owned()];
    })
}

const ALWAYS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    ),
    ("x-robots-tag", "noindex, nofollow"),
];

#[actix_web::test]
async fn every_answer_carries_the_safe_headers_and_an_id() {
    let toy = strict();
    for (status, request) in every_kind() {
        let answer = toy.send(request).await;
        let what = format!("{status} {}", answer.text.chars().take(80).collect::<String>());
        assert_eq!(answer.status, status, "{what}");
        for (name, value) in ALWAYS {
            assert_eq!(answer.header(name), value, "{what}");
        }
        assert_eq!(answer.header("x-request-id").len(), 31, "{what}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{what}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{what}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{what}");
        assert!(!answer.header("cache-control").is_empty(), "{what}");
        assert!(!answer.header("content-type").is_empty(), "{what}");
        for absent in ["server", "x-powered-by", "strict-transport-security"] {
            assert_eq!(answer.header(absent), "", "{what}");
        }
    }
}

#[actix_web::test]
async fn errors_have_one_shape() {
    let toy = strict();
    for (status, request) in every_kind() {
        let answer = toy.send(request).await;
        if status < 400 || answer.header("content-type").starts_with("text/plain") {
            continue;
        }
        let body = answer.json();
        assert_eq!(answer.header("content-type"), "application/json", "{status}");
        assert_eq!(body["request_id"], answer.header("x-request-id"), "{status}");
        assert!(body["code"].is_string() && !body["detail"].is_null(), "{status} {body}");
        assert_eq!(answer.header("cache-control"), "no-store", "{status}");
    }
}

#[actix_web::test]
async fn errors_come_as_problem_json_on_request() {
    let toy = strict();
    for (status, request) in every_kind() {
        let answer = toy.send(request.insert_header(("accept", "application/problem+json"))).await;
        if status < 400 || answer.header("content-type").starts_with("text/plain") {
            continue;
        }
        let body = answer.json();
        assert_eq!(answer.header("content-type"), "application/problem+json", "{status}");
        assert_eq!((&body["type"], &body["status"]), (&json!("about:blank"), &json!(status)), "{body}");
        assert!(
            body["title"].is_string() && body["detail"].is_string() && body["code"].is_string(),
            "{body}"
        );
        assert_eq!(body["errors"].is_array(), status == 422, "{body}");
    }
}

#[actix_web::test]
async fn faults_never_show_what_is_inside() {
    let toy = strict();
    for path in ["/toy/panic", "/toy/store-broken", "/toy/store-down"] {
        let answer = toy.send(get(path)).await;
        for inside in ["purpose", "hunter2", "secret-host"] {
            assert!(!answer.text.contains(inside), "{path}: {}", answer.text);
        }
    }
    assert_eq!(toy.send(get("/toy/panic")).await.detail(), "Internal server error");
}

#[actix_web::test]
async fn a_panic_costs_one_request() {
    let toy = Toy::new();
    assert_eq!(toy.send(get("/toy/panic")).await.status, 500);
    assert_eq!(toy.send(get("/toy/who")).await.status, 200);
}

#[actix_web::test]
async fn methods_that_a_path_lacks_are_405() {
    let toy = Toy::new();
    let table = [
        (Method::POST, "/toy/who", "GET"),
        (Method::HEAD, "/toy/who", "GET"),
        (Method::OPTIONS, "/toy/who", "GET"),
        (Method::TRACE, "/toy/everything", "POST"),
        (Method::GET, "/toy/everything", "POST"),
        (Method::PUT, "/toy/me", "GET, DELETE"),
        (Method::from_bytes(b"BREW").unwrap(), "/toy/me", "GET, DELETE"),
    ];
    for (method, path, allow) in table {
        let answer = toy.send(get(path).method(method.clone())).await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
        assert_eq!(answer.detail(), "Method Not Allowed", "{method} {path}");
    }
    assert_eq!(toy.send(get("/nowhere").method(Method::POST)).await.detail(), "Not Found");
}

#[actix_web::test]
async fn one_trailing_slash_is_none() {
    let toy = Toy::new();
    let table = [
        (get("/toy/who/"), 200),
        (get("/toy/who/?x=1"), 200),
        (get("/toy/things/5/?page=a"), 200),
        (post("/toy/everything/").set_json(good()), 200),
        (get("/toy/who//"), 404),
        (get("//"), 404),
        (get("/"), 404),
        (get("//toy/who/"), 404),
    ];
    for (request, status) in table {
        let answer = toy.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert_eq!(toy.send(get("/toy/things/5/?page=a")).await.json(), json!({ "thing": 5, "page": "a" }));
}

#[actix_web::test]
async fn hosts_outside_of_the_list_are_refused_in_plain_text() {
    let toy = strict();
    for (host, status) in
        [("localhost", 200), ("LOCALHOST:8000", 200), ("evil.example", 400), ("localhost.evil", 400)]
    {
        let answer = toy.send(get("/toy/who").insert_header(("host", host))).await;
        assert_eq!(answer.status, status, "{host}");
        if status == 400 {
            assert_eq!(answer.text, "Invalid host header");
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        }
    }
    let anyone = Toy::new().send(get("/toy/who").insert_header(("host", "evil.example"))).await;
    assert_eq!(anyone.status, 200);
}

#[actix_web::test]
async fn request_ids_are_kept_only_if_harmless() {
    let toy = Toy::new();
    for (sent, kept) in
        [("abcd-1234", true), ("short", false), ("has space in it", false), ("<script>alert", false)]
    {
        let answer = toy.send(get("/nowhere").insert_header(("x-request-id", sent))).await;
        assert_eq!(answer.header("x-request-id") == sent, kept, "{sent}");
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
    }
    let (one, two) = (toy.send(get("/nowhere")).await, toy.send(get("/nowhere")).await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}

#[actix_web::test]
async fn production_insists_on_https() {
    let toy = Toy::with(|settings| settings.production = true);
    for path in ["/toy/who", "/nowhere", "/docs"] {
        let answer = toy.send(get(path)).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=63072000; includeSubDomains",
            "{path}"
        );
    }
}

#[actix_web::test]
async fn a_draining_server_closes_connections() {
    let toy = Toy::new();
    assert!(!toy.send(get("/toy/who")).await.closes);
    toy.drain.begin();
    for path in ["/toy/who", "/nowhere"] {
        assert!(toy.send(get(path)).await.closes, "{path}");
    }
}

#[actix_web::test]
async fn a_lock_says_how_long() {
    let answer = Toy::new().send(get("/toy/refuses")).await;
    assert_eq!((answer.status, answer.detail()), (423, json!("account_locked")));
    assert_eq!((answer.header("x-error-type"), answer.header("retry-after")), ("account_locked", "30"));
}
