//! Sessions through the pool in cookies, and the lane of a device.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{PoolSettings, THERE, login};
use crate::{
    cookies::{Browser, takes_cookies_back},
    harness::{Answer, TestServer},
};

const ADA: &str = "ada@example.com";

fn wish(password: &str) -> Value {
    json!({"email": ADA, "password": password, "session": "cookie"})
}

/// That the answer gives the tokens to the browser and not to the page.
#[track_caller]
fn in_cookies(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for absent in ["access_token", "refresh_token", "token_type"] {
        assert!(answer.body.get(absent).is_none(), "{absent}: {answer:?}");
    }
    assert!(answer.body["csrf_token"].is_string(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_through_the_pool_lives_in_cookies() {
    let cognito = PoolSettings::new();
    let server = cognito.serve().await;
    cognito.add(ADA).await;
    let foreign = server.post("/api/cognito/login", &wish(THERE)).await;
    foreign.refused(403, "CSRF token missing or invalid");
    let mut browser = Browser::new(&server);
    in_cookies(&browser.call(Method::POST, "/api/cognito/login", Some(&wish(THERE))).await);
    let me = browser.call(Method::GET, "/api/auth/me", None).await.expect(StatusCode::OK);
    assert_eq!(me.body["email"], ADA);
    in_cookies(&browser.call(Method::POST, "/api/auth/refresh", Some(&json!({}))).await);

    let forged = browser.send(Method::POST, "/api/cognito/logout", None, None).await;
    forged.refused(403, "CSRF token missing or invalid");
    let out = browser.call(Method::POST, "/api/cognito/logout", None).await;
    out.message("Successfully logged out");
    assert!(takes_cookies_back(&out), "{out:?}");
    browser.call(Method::GET, "/api/auth/csrf", None).await.refused(401, "Not authenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answered_challenge_of_the_pool_gives_cookies_too() {
    let cognito = PoolSettings::new();
    let server = cognito.serve().await;
    cognito.pool.invite(ADA, "Temporary-w0rd");
    let mut browser = Browser::new(&server);
    let asked = browser.call(Method::POST, "/api/cognito/login", Some(&wish("Temporary-w0rd"))).await;
    asked.refused(400, "New password required");
    let answer = json!({"mfa_token": asked.body["mfa_token"], "new_password": THERE, "session": "cookie"});
    server.post("/api/cognito/challenge", &answer).await.refused(403, "CSRF token missing or invalid");
    in_cookies(&browser.call(Method::POST, "/api/cognito/challenge", Some(&answer)).await);
    browser.call(Method::GET, "/api/auth/me", None).await.expect(StatusCode::OK);
}

async fn from_device(server: &TestServer, device: &str) -> Answer {
    let request = server.request(Method::POST, "/api/cognito/login").header("X-Device-Token", device);
    Answer::of(request.json(&json!({"email": ADA, "password": THERE})).send().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_signs_in_through_the_pool_while_strangers_fail() {
    let cognito = PoolSettings::new();
    let server = cognito.serve().await;
    cognito.add(ADA).await;
    let known = login(&server, ADA, THERE).await.expect(StatusCode::OK);
    let device = known.body["device_token"].as_str().expect("a token").to_owned();
    for _ in 0..5 {
        login(&server, ADA, "Wr0ng-words").await.refused(401, "Incorrect email or password");
    }
    assert_eq!(login(&server, ADA, THERE).await.status, StatusCode::LOCKED);
    let again = from_device(&server, &device).await.expect(StatusCode::OK);
    assert_eq!(again.body["device_token"], device.as_str());
}
