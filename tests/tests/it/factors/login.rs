//! Logins in two steps: the token for the password, several factors, devices that are known.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    MASKED_NUMBER, NUMBER, asks, call, header, login_with, mailed, server, take_app, take_number, texted,
};
use crate::harness::{Answer, Api, PASSWORD, TestServer};

const VERIFY: &str = "/api/auth/mfa/verify";

#[tokio::test]
async fn a_token_stands_for_the_password() {
    let server = server().await;
    let email = "ada@example.com";
    let ada = server.signed_in(email).await;
    let (mut app, _) = take_app(&server, &ada).await;

    let asked = server.login(email, PASSWORD).await;
    let token = asks(&asked, "TOTP code required", "TOTP", "TOTP");
    assert_eq!((header(&asked, "x-phone-masked"), header(&asked, "x-email-masked")), (None, None));
    let empty = login_with(&server, email, "").await;
    assert_ne!(asks(&empty, "TOTP code required", "TOTP", "TOTP"), token);

    let proof = |code: &str| json!({"mfa_token": token, "code": code, "method": "totp"});
    let wrong = server.post(VERIFY, &proof(&app.wrong_code())).await;
    wrong.refused(400, "Invalid MFA code");
    assert_eq!(wrong.body["code"], "invalid_mfa_code");
    let entered = server.post(VERIFY, &proof(&app.code())).await.expect(StatusCode::OK);
    for field in ["access_token", "refresh_token", "token_type", "expires_in", "grace_period"] {
        assert!(!entered.body[field].is_null(), "{field}: {entered:?}");
    }
    assert_eq!(entered.body["password_change_required"], false);

    let used = server.post(VERIFY, &proof(&app.code())).await;
    used.refused(401, "Invalid or expired MFA session");
    assert_eq!(
        (&used.body["code"], header(&used, "www-authenticate")),
        (&json!("invalid_mfa_session"), Some("Bearer"))
    );
    let made_up = json!({"mfa_token": format!("mt_{}", "A".repeat(43)), "code": "123456"});
    server.post(VERIFY, &made_up).await.refused(401, "Invalid or expired MFA session");
}

#[tokio::test]
async fn several_factors_are_offered_and_each_is_enough() {
    let server = server().await;
    let email = "bob@example.com";
    let bob = server.signed_in(email).await;
    let (mut app, _) = take_app(&server, &bob).await;
    take_number(&server, &bob).await;
    call(&server, &bob, "/api/email-mfa/setup", &Value::Null).await.expect(StatusCode::OK);
    mailed(&server, email, 1).await;

    let ask = async || {
        let asked = server.login(email, PASSWORD).await;
        let detail = "MFA code required - choose your preferred method";
        let token = asks(&asked, detail, "MULTIPLE", "TOTP,SMS,Email");
        assert_eq!(header(&asked, "x-phone-masked"), Some(MASKED_NUMBER));
        assert_eq!(header(&asked, "x-email-masked"), Some("bo*@example.com"));
        token
    };
    ask().await;
    login_with(&server, email, &app.code()).await.expect(StatusCode::OK);
    let token = ask().await;
    let proof = json!({"mfa_token": token, "code": texted(&server).await});
    server.post(VERIFY, &proof).await.expect(StatusCode::OK);
    server
        .post("/api/email-mfa/send-login-code", &super::credentials(email))
        .await
        .message("MFA code sent successfully");
    login_with(&server, email, &mailed(&server, email, 2).await).await.expect(StatusCode::OK);
    let me = server.get("/api/auth/me", &bob.access).await;
    for (field, value) in [
        ("mfa_enabled", json!(true)),
        ("sms_mfa_enabled", json!(true)),
        ("phone_verified", json!(true)),
        ("phone_number", json!(NUMBER)),
        ("email_mfa_enabled", json!(true)),
        ("biometric_mfa_enabled", json!(false)),
    ] {
        assert_eq!(me.body[field], value, "{field}");
    }
}

/// A login of a browser, as its front end's server hands it on.
async fn from_browser(api: &Api, email: &str, agent: &str, code: Option<&str>) -> Answer {
    let body = json!({"email": email, "password": PASSWORD, "totp_code": code});
    let request = api.request(Method::POST, "/api/auth/login").header("user-agent", agent);
    Answer::of(request.header("x-platform", "iOS").json(&body).send().await).await
}

#[tokio::test]
async fn a_device_that_proved_its_factor_signs_in_again_without() {
    let server = TestServer::start().await;
    let email = "cyd@example.com";
    let cyd = server.signed_in(email).await;
    let (mut app, _) = take_app(&server, &cyd).await;
    let (mine, other) = ("Mozilla/5.0 (mine)", "Mozilla/5.0 (other)");
    asks(&from_browser(&server, email, mine, None).await, "TOTP code required", "TOTP", "TOTP");
    from_browser(&server, email, mine, Some(&app.code())).await.expect(StatusCode::OK);

    let again = from_browser(&server, email, mine, None).await.tokens();
    let wrong = from_browser(&server, email, mine, Some(&app.wrong_code())).await;
    wrong.refused(400, "Invalid MFA code");
    asks(&from_browser(&server, email, other, None).await, "TOTP code required", "TOTP", "TOTP");

    let listed = server.get("/api/auth/me/mfa-devices", &again.access).await.expect(StatusCode::OK);
    let [device] = listed.body["device_verifications"].as_array().expect("a list").as_slice() else {
        panic!("one device: {listed:?}")
    };
    assert_eq!((&device["mfa_method"], &device["platform"]), (&json!("TOTP"), &json!("ios")));
    assert_eq!(device["ip_address"], "127.0.0.1");
    let fingerprint = device["device_fingerprint"].as_str().expect("a text");
    assert!(fingerprint.len() == 19 && fingerprint.ends_with("..."), "{fingerprint}");

    let revoke = "/api/auth/me/revoke-mfa-devices";
    call(&server, &again, revoke, &Value::Null).await.message("Revoked 1 MFA device verifications");
    call(&server, &again, revoke, &Value::Null).await.message("Revoked 0 MFA device verifications");
    asks(&from_browser(&server, email, mine, None).await, "TOTP code required", "TOTP", "TOTP");
}
