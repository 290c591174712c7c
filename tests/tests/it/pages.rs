//! The pages that mailed links lead to.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, TestServer};

const PAGES: [&str; 4] =
    ["/verify-email?token=abc", "/reset-password?token=abc", "/forgot-password", "/unlock?token=abc"];

#[tokio::test]
async fn without_a_front_end_the_server_has_pages_of_its_own() {
    let server = TestServer::start().await;
    for page in PAGES {
        let mut policies = Vec::new();
        for _ in 0..2 {
            let answer = Answer::of(server.request(Method::GET, page).send().await).await;
            assert_eq!(answer.status, 200, "{page}");
            assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
            assert_eq!(answer.headers["referrer-policy"], "no-referrer");
            assert_eq!(answer.headers["cache-control"], "no-store");
            assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin");
            policies.push(answer.headers["content-security-policy"].to_str().unwrap().to_owned());
        }
        assert!(policies[0].contains("object-src 'none'; frame-ancestors 'none'"), "{}", policies[0]);
        assert_ne!(policies[0], policies[1], "a nonce is used once");
    }
}

#[tokio::test]
async fn with_a_front_end_there_is_only_the_one_that_opens_an_account() {
    let server = TestServer::with(&[("FRONTEND_URL", "https://app.example.com")]).await;
    for page in PAGES {
        let answer = Answer::of(server.request(Method::GET, page).send().await).await;
        assert_eq!(answer.status, if page.starts_with("/unlock") { 200 } else { 404 }, "{page}");
    }
}

#[tokio::test]
async fn opening_a_link_does_not_use_it_up() {
    let server = TestServer::start().await;
    server.register("ada@example.com").await;
    let token = server.mailed_token("ada@example.com", "verify-email").await;
    let page = format!("/verify-email?token={token}");
    for _ in 0..3 {
        assert_eq!(Answer::of(server.request(Method::GET, &page).send().await).await.status, 200);
    }
    let verified = server.post("/api/auth/verify-email", &json!({ "token": token })).await;
    assert_eq!(verified.status, 200);
}
