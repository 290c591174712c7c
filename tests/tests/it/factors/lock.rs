//! Guessing stops where the lock rule says, however it is gone about.

use serde_json::json;

use super::{asks, call, header, login_with, server, take_app};
use crate::harness::{Answer, PASSWORD};

#[track_caller]
fn locked(answer: &Answer) {
    answer.refused(423, "account_locked");
    assert_eq!(header(answer, "x-error-type"), Some("account_locked"));
    let wait: u32 = header(answer, "retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    assert!((1..=30).contains(&wait), "{wait}");
}

#[tokio::test]
async fn five_wrong_codes_lock_and_a_new_challenge_resets_nothing() {
    let server = server().await;
    let email = "ada@example.com";
    let ada = server.signed_in(email).await;
    let (mut app, codes) = take_app(&server, &ada).await;
    let verify = async |token: &str, code: &str| {
        server.post("/api/auth/mfa/verify", &json!({"mfa_token": token, "code": code})).await
    };
    let challenge = async || asks(&server.login(email, PASSWORD).await, "TOTP code required", "TOTP", "TOTP");

    let (first, wrong) = (challenge().await, app.wrong_code());
    for _ in 0..3 {
        verify(&first, &wrong).await.refused(400, "Invalid MFA code");
    }
    let second = challenge().await;
    verify(&second, &wrong).await.refused(400, "Invalid MFA code");
    login_with(&server, email, &wrong).await.refused(400, "Invalid MFA code");

    let right = app.code();
    locked(&verify(&second, &right).await);
    locked(&login_with(&server, email, &right).await);
    locked(&server.login(email, PASSWORD).await);
    locked(&call(&server, &ada, "/api/auth/mfa/disable", &json!({"code": right})).await);
    // Who does not know the password learns nothing of it.
    server.login(email, "wrong").await.refused(401, "Incorrect email or password");
    // Nobody guesses a recovery code: its owner gets in.
    login_with(&server, email, &codes[0]).await.tokens();
    login_with(&server, email, &codes[0]).await.refused(400, "Invalid MFA code");
}

#[tokio::test]
async fn a_challenge_takes_five_codes() {
    let server = server().await;
    let email = "bob@example.com";
    let bob = server.signed_in(email).await;
    let (mut app, _) = take_app(&server, &bob).await;
    let token = asks(&server.login(email, PASSWORD).await, "TOTP code required", "TOTP", "TOTP");
    let wrong = app.wrong_code();
    let proof = |code: &str| json!({"mfa_token": token, "code": code});
    for _ in 0..3 {
        server.post("/api/auth/mfa/verify", &proof(&wrong)).await.refused(400, "Invalid MFA code");
    }
    // A right code elsewhere takes the account's count back, and not the challenge's.
    login_with(&server, email, &app.code()).await.tokens();
    for _ in 0..2 {
        server.post("/api/auth/mfa/verify", &proof(&wrong)).await.refused(400, "Invalid MFA code");
    }
    let right = server.post("/api/auth/mfa/verify", &proof(&app.code())).await;
    right.refused(401, "Invalid or expired MFA session");
}
