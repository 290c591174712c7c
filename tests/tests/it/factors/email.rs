//! Codes by mail as a second factor.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{asks, call, credentials, header, login_with, mailed, server, take_app, take_number};
use crate::harness::PASSWORD;

const SEND_LOGIN: &str = "/api/email-mfa/send-login-code";

#[tokio::test]
async fn codes_by_mail_are_on_at_once_and_ask_at_the_next_login() {
    let server = server().await;
    let email = "ada@example.com";
    let ada = server.signed_in(email).await;
    let status = "/api/email-mfa/status";
    let off = server.get(status, &ada.access).await;
    off.message("Email MFA is disabled");
    assert_eq!(off.body["email"], Value::Null);

    let setup = call(&server, &ada, "/api/email-mfa/setup", &Value::Null).await;
    setup.message("Email MFA enabled and verification code sent to your email");
    assert_eq!(setup.body["email"], email);
    let on = server.get(status, &ada.access).await;
    on.message("Email MFA is enabled");
    assert_eq!(on.body["email"], email);

    let verify = "/api/email-mfa/verify";
    let code = mailed(&server, email, 1).await;
    let proved = call(&server, &ada, verify, &json!({"mfa_code": code})).await;
    proved.message("Email MFA verification successful");
    assert_eq!(proved.body["email"], Value::Null);
    call(&server, &ada, verify, &json!({"mfa_code": code}))
        .await
        .refused(400, "No MFA code found or code has expired");
    let sent = call(&server, &ada, "/api/email-mfa/send-code", &Value::Null).await;
    sent.message("MFA code sent successfully");
    assert_eq!(sent.body["email"], email);
    mailed(&server, email, 2).await;

    let asked = server.login(email, PASSWORD).await;
    asks(&asked, "Email code required", "Email", "Email");
    assert_eq!(header(&asked, "x-email-masked"), Some("ad*@example.com"));
    let sent = server.post(SEND_LOGIN, &credentials(email)).await;
    sent.message("MFA code sent successfully");
    assert_eq!(sent.body["email"], email);
    login_with(&server, email, &mailed(&server, email, 3).await).await.expect(StatusCode::OK);

    let disabled = call(&server, &ada, "/api/email-mfa/disable", &json!({"password": PASSWORD})).await;
    disabled.message("Email MFA disabled successfully");
    assert_eq!(disabled.body["email"], Value::Null);
    server.login(email, PASSWORD).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_code_for_one_thing_is_good_for_no_other() {
    let server = server().await;
    let email = "bob@example.com";
    let bob = server.signed_in(email).await;
    call(&server, &bob, "/api/email-mfa/setup", &json!({})).await.expect(StatusCode::OK);
    let proof = mailed(&server, email, 1).await;
    login_with(&server, email, &proof).await.refused(400, "Invalid MFA code");
}

#[tokio::test]
async fn a_login_code_is_mailed_to_nobody_who_did_not_prove_the_password() {
    let server = server().await;
    let email = "cyd@example.com";
    let cyd = server.signed_in(email).await;
    server.register("new@example.com").await.expect(StatusCode::CREATED);
    let not_required = "MFA is not required for this user";
    for (body, status, detail) in [
        (json!({}), 400, "Email and password are required"),
        (json!({"email": email, "password": ""}), 400, "Email and password are required"),
        (json!({"email": 7, "password": PASSWORD}), 400, "Email and password are required"),
        (json!({"email": "nonsense", "password": PASSWORD}), 400, not_required),
        (json!({"email": email, "password": "wrong"}), 400, not_required),
        (credentials("nobody@example.com"), 400, not_required),
        (credentials(email), 400, not_required),
        (credentials("new@example.com"), 403, "email_not_verified"),
    ] {
        server.post(SEND_LOGIN, &body).await.refused(status, detail);
    }
    take_number(&server, &cyd).await;
    server.post(SEND_LOGIN, &credentials(email)).await.refused(400, "SMS code required");
    call(&server, &cyd, "/api/sms-mfa/disable", &Value::Null).await.expect(StatusCode::OK);
    take_app(&server, &cyd).await;
    server.post(SEND_LOGIN, &credentials(email)).await.refused(400, "TOTP code required");
    for _ in 0..5 {
        let wrong = json!({"email": email, "password": "wrong"});
        server.post(SEND_LOGIN, &wrong).await.refused(400, not_required);
    }
    server.post(SEND_LOGIN, &credentials(email)).await.refused(423, "account_locked");
}
