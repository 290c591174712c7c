//! The life of a key, as its owner and as a thief see it.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Server, introspect, make_key, send, text, with_key};
use crate::harness::{PASSWORD, TestServer};

const KEYS: &str = "/api/auth/api-keys";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_shown_once_used_and_revoked() {
    let server = TestServer::start().await;
    let ada = server.signed_in("ada@example.com").await;
    let made = make_key(&server, &ada, "personal", &["profile:read"]).await;
    let key = text(&made);
    assert!(key.starts_with(made["prefix"].as_str().expect("a prefix")) && key.len() == 61, "{made}");
    assert_eq!((&made["kind"], &made["scopes"]), (&json!("personal"), &json!(["profile:read"])));

    let me = with_key(&server, Method::GET, "/api/auth/me", key).await.expect(StatusCode::OK);
    assert_eq!(me.body["email"], "ada@example.com");
    server.get("/api/auth/me", key).await.expect(StatusCode::OK); // as a bearer token, too
    let both = server.request(Method::GET, "/api/auth/me").header("X-API-Key", key).bearer_auth(&ada.access);
    send(both).await.refused(400, "More than one API key or Authorization header");
    let narrow = with_key(&server, Method::GET, "/api/auth/me/activity", key).await;
    narrow.refused(403, "The API key lacks the scope activity:read");
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"activity:read\"";
    assert_eq!(narrow.headers["www-authenticate"], challenge);
    introspect(&server, key, &ada.access).await.refused(403, "The API key lacks the scope tokens:introspect");

    let listed = server.get(KEYS, &ada.access).await.expect(StatusCode::OK).body;
    assert!(!listed.to_string().contains(&key[12..]), "{listed}");
    assert_eq!((&listed[0]["prefix"], &listed[0]["id"]), (&made["prefix"], &made["id"]));
    assert!(listed[0]["last_used_at"].is_string(), "{listed}");
    let activity = server.get("/api/auth/me/activity", &ada.access).await.body;
    let created =
        activity["items"].as_array().expect("events").iter().find(|e| e["event"] == "apikey.created");
    assert_eq!(created.expect("an event")["details"]["key"], made["prefix"], "{activity}");

    // Somebody else's key looks absent.
    let eve = server.signed_in("eve@example.com").await;
    let path = format!("{KEYS}/{}", made["id"]);
    server.send(Method::DELETE, &path, &eve.access, None).await.refused(404, "API key not found");
    for _ in 0..2 {
        server.send(Method::DELETE, &path, &ada.access, None).await.message("API key revoked");
    }
    let dead = with_key(&server, Method::GET, "/api/auth/me", key).await;
    dead.refused(401, "Invalid API key");
    assert_eq!(dead.headers["www-authenticate"], "Bearer");
    let listed = server.get(KEYS, &ada.access).await.body;
    assert!(listed[0]["revoked_at"].is_string(), "{listed}");
    let told = server.messages("ada@example.com").await;
    assert!(told.iter().any(|text| text.contains("An API key was made")), "{told:?}");
}

/// AZ-08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_opens_nothing_that_takes_a_person() {
    let server = TestServer::start().await;
    let ada = server.signed_in("ada@example.com").await;
    let made = make_key(&server, &ada, "personal", &["profile:read", "activity:read"]).await;
    let key = text(&made);
    let wish = json!({ "name": "another", "scopes": ["profile:read"], "password": PASSWORD });
    let change = json!({ "current_password": PASSWORD, "new_password": "An0ther&Password" });
    for (method, path, body) in [
        (Method::POST, KEYS, Some(&wish)),
        (Method::GET, KEYS, None),
        (Method::DELETE, "/api/auth/api-keys/1", None),
        (Method::GET, "/api/auth/sessions", None),
        (Method::DELETE, "/api/auth/sessions", None),
        (Method::PATCH, "/api/auth/me", Some(&json!({ "full_name": "Eve" }))),
        (Method::POST, "/api/auth/change-password", Some(&change)),
        (Method::POST, "/api/auth/mfa/setup", None),
        (Method::GET, "/api/auth/mfa", None),
        (Method::POST, "/api/auth/validate-session", Some(&json!({}))),
    ] {
        let mut request = server.request(method.clone(), path).header("X-API-Key", key);
        if let Some(body) = body {
            request = request.json(body);
        }
        assert_eq!(send(request).await.status, 401, "{method} {path}");
        let answer = server.send(method.clone(), path, key, body).await;
        assert_eq!(answer.status, 401, "{method} {path} as a bearer token");
    }
    let keys = server.get(KEYS, &ada.access).await.body;
    assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_good_in_its_tenant_and_wishes_are_checked() {
    let server = TestServer::with(&[("TENANTS", "default,acme")]).await;
    let ada = server.signed_in("ada@example.com").await;
    let made = make_key(&server, &ada, "personal", &["profile:read"]).await;
    let foreign = server.request(Method::GET, "/api/auth/me").header("X-API-Key", text(&made));
    send(foreign.header("X-Tenant-ID", "acme")).await.refused(401, "Invalid API key");

    let service = json!({ "name": "s", "kind": "service", "scopes": ["tokens:introspect"] });
    let refused = server.send(Method::POST, KEYS, &ada.access, Some(&service)).await;
    refused.refused(403, "Not enough permissions");
    let refused = server.get(&format!("{KEYS}?kind=service"), &ada.access).await;
    refused.refused(403, "Not enough permissions");
    for (name, value) in [
        ("name", json!(" ")),
        ("kind", json!("root")),
        ("scopes", json!([])),
        ("scopes", json!(["profile:write"])),
        ("scopes", json!(["tokens:introspect"])),
        ("scopes", json!("profile:read")),
        ("expires_in_days", json!(0)),
        ("expires_in_days", json!(366)),
        ("expires_in_days", json!("90")),
    ] {
        let mut wish = json!({ "name": "n", "scopes": ["profile:read"] });
        wish[name] = value;
        let refused = server.send(Method::POST, KEYS, &ada.access, Some(&wish)).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["detail"][0]["loc"][1]),
            (422, &json!(name)),
            "{wish}"
        );
    }
    let wish = json!({ "name": "n", "scopes": ["profile:read"], "password": "wrong" });
    let refused = server.send(Method::POST, KEYS, &ada.access, Some(&wish)).await;
    refused.refused(400, "Current password is incorrect");
}

/// Nothing of a key but its prefix is anywhere but in the answer that made it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_seen_nowhere() {
    let server = Server::start(&[("LOG_LEVEL", "DEBUG")]);
    let api = server.api();
    let ada = api.signed_in("ada@example.com").await;
    let made = make_key(&api, &ada, "personal", &["profile:read"]).await;
    let key = text(&made);
    with_key(&api, Method::GET, "/api/auth/me", key).await.expect(StatusCode::OK);
    api.get("/api/auth/sessions", key).await.expect(StatusCode::UNAUTHORIZED);
    let mistyped = format!("{}x", &key[..60]);
    with_key(&api, Method::GET, "/api/auth/me", &mistyped).await.expect(StatusCode::UNAUTHORIZED);
    let secret = &key[12..44];
    let log = server.process.log();
    assert!(log.contains("/api/auth/me") && !log.contains(secret), "the key is in the log");
    let name = server.database.rsplit('/').next().expect("the name of a database");
    let tables = ["api_keys", "audit_events", "outbox", "users"];
    for table in tables {
        let rows = crate::harness::parts::POSTGRES.sql(name, &format!("SELECT t::text FROM {table} t"));
        assert!(!rows.contains(secret), "the key is in {table}");
        assert!(table == "outbox" || rows.lines().count() > 0, "{table} is empty");
    }
    assert!(std::fs::read_dir(server.directory()).expect("a directory").count() < 10);
}
