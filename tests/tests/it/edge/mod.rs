//! What every answer carries, whoever made it; and in the modules, what the server does not put up with.

mod gate;
mod hashing;
mod limits;
mod sockets;
mod waiting;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Answer, TestServer};

#[tokio::test]
async fn every_answer_has_the_security_headers_and_a_request_id() {
    let server = TestServer::start().await;
    let long = format!("{{\"email\":\"{}\"}}", "a".repeat(70_000));
    let login = "/api/auth/login";
    let json_type = ("content-type", "application/json");
    let table = [
        (server.request(Method::GET, "/api/health"), 200),
        (server.request(Method::GET, "/.well-known/jwks.json"), 200),
        (server.request(Method::GET, "/openapi.json"), 200),
        (server.request(Method::GET, "/docs"), 200),
        (server.request(Method::GET, "/dev/mailbox"), 200),
        (server.request(Method::GET, "/nowhere"), 404),
        (server.request(Method::GET, login), 405),
        (server.request(Method::OPTIONS, login), 405),
        (server.request(Method::POST, login).header("content-type", "text/plain").body("x"), 415),
        (server.request(Method::POST, login).header(json_type.0, json_type.1).body(long), 413),
        (server.request(Method::POST, login).header(json_type.0, json_type.1).body("{"), 422),
        (server.request(Method::GET, "/api/auth/me"), 401),
        (server.request(Method::GET, "/api/auth/me").header("X-Tenant-ID", "??"), 400),
    ];
    for (request, status) in table {
        let answer = Answer::of(request.send().await).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        for name in [
            "x-content-type-options",
            "x-frame-options",
            "referrer-policy",
            "content-security-policy",
            "cross-origin-resource-policy",
            "permissions-policy",
            "cache-control",
            "x-request-id",
        ] {
            assert!(answer.headers.contains_key(name), "{status} lacks {name}: {answer:?}");
        }
        assert!(!answer.headers.contains_key("server"), "{status}");
    }
}

#[tokio::test]
async fn limits_by_address_answer_in_words() {
    let server = TestServer::with(&[("RATE_LIMIT_LOGIN_PER_MINUTE", "2")]).await;
    let invalid = json!({"email": "ada@example.com"});
    for _ in 0..5 {
        let answer = server.post("/api/auth/login", &invalid).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "validation does not use the limit up");
    }
    let mut refused = None;
    // The window may turn over in between, once.
    for _ in 0..6 {
        let answer = server.login("ada@example.com", "wrong").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a limit");
    refused.refused(429, "2 per 1 minute");
    assert!(refused.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn published_keys_verify_and_hide_their_private_half() {
    let server = TestServer::start().await;
    let keys = Answer::of(server.request(Method::GET, "/.well-known/jwks.json").send().await).await;
    let key = &keys.expect(StatusCode::OK).body["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("sig")));
    assert!(key["kid"].is_string() && key["d"].is_null(), "{key}");
}

#[tokio::test]
async fn hs256_speaks_with_sister_services_and_publishes_nothing() {
    let secret = "sEcr3t-of-a-test-with-enough-variety-0123456789";
    let server = TestServer::with(&[("JWT_ALGORITHM", "HS256"), ("SECRET_KEY", secret)]).await;
    let tokens = server.signed_in("kim@example.com").await;
    server.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    let keys = Answer::of(server.request(Method::GET, "/.well-known/jwks.json").send().await).await;
    assert_eq!(keys.body, json!({"keys": []}));
}

#[tokio::test]
async fn the_server_says_whether_it_is_ready() {
    let server = TestServer::start().await;
    let ready = Answer::of(server.request(Method::GET, "/health/ready").send().await).await;
    assert_eq!(
        ready.expect(StatusCode::OK).body,
        json!({"status": "ready", "degraded": false, "dependencies": {"store": "up"}})
    );
    assert!(server.base().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn figures_for_monitoring_come_from_the_store() {
    let server = TestServer::with(&[("MAIL_PROVIDER", "off"), ("METRICS_TOKEN", "0123456789abcdef")]).await;
    server.register("ada@example.com").await.expect(StatusCode::CREATED);
    let stranger = Answer::of(server.request(Method::GET, "/metrics").send().await).await;
    stranger.refused(401, "Not authenticated");
    let figures = server.get("/metrics", "0123456789abcdef").await.expect(StatusCode::OK).body;
    let figures = figures.as_str().expect("text");
    for line in ["auth_store_up 1", "auth_outbox_waiting 1", "auth_outbox_dead 0"] {
        assert!(figures.lines().any(|said| said == line), "{line}: {figures}");
    }
    let age = figures.lines().find_map(|line| line.strip_prefix("auth_outbox_oldest_age_seconds "));
    let age: f64 = age.expect("an age").parse().expect("a number");
    assert!(age > 0.0 && age < 60.0, "{age}");
}
