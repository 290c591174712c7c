//! Every operation about second factors, as it answers what is not fit for it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{call, credentials, server};
use crate::harness::{Answer, PASSWORD};

/// All that want a token.
const SIGNED: [(&str, &str); 16] = [
    ("GET", "/api/auth/mfa"),
    ("POST", "/api/auth/mfa/setup"),
    ("POST", "/api/auth/mfa/activate"),
    ("POST", "/api/auth/mfa/disable"),
    ("POST", "/api/auth/mfa/recovery-codes"),
    ("GET", "/api/auth/me/mfa-devices"),
    ("POST", "/api/auth/me/revoke-mfa-devices"),
    ("POST", "/api/sms-mfa/setup"),
    ("POST", "/api/sms-mfa/send-code"),
    ("POST", "/api/sms-mfa/verify"),
    ("POST", "/api/sms-mfa/disable"),
    ("POST", "/api/email-mfa/setup"),
    ("POST", "/api/email-mfa/send-code"),
    ("POST", "/api/email-mfa/verify"),
    ("GET", "/api/email-mfa/status"),
    ("GET", "/api/email-mfa/grace-period"),
];

#[tokio::test]
async fn nobody_changes_factors_without_a_token() {
    let server = server().await;
    for (method, path) in SIGNED {
        let method: Method = method.parse().expect("a method");
        let mut request = server.request(method.clone(), path);
        if method == Method::POST {
            request = request.json(&json!({}));
        }
        Answer::of(request.send().await).await.refused(401, "Not authenticated");
        let rubbish = server.send(method, path, "rubbish", None).await;
        rubbish.refused(401, "Could not validate credentials");
    }
}

#[tokio::test]
async fn without_factors_each_operation_says_so() {
    let server = server().await;
    let email = "ada@example.com";
    let ada = server.signed_in(email).await;
    let (sms_off, email_off) =
        ("SMS MFA is not enabled for this user", "Email MFA is not enabled for this user");
    let code = json!({"mfa_code": "123456"});
    for (path, body, slug, detail) in [
        ("/api/auth/mfa/activate", json!({"totp_code": "123456"}), "mfa_not_set_up", "MFA not set up"),
        ("/api/auth/mfa/recovery-codes", json!({"password": PASSWORD}), "mfa_not_set_up", "MFA not set up"),
        ("/api/sms-mfa/send-code", Value::Null, "sms_mfa_not_enabled", sms_off),
        ("/api/sms-mfa/verify", code.clone(), "sms_mfa_not_enabled", sms_off),
        ("/api/email-mfa/send-code", Value::Null, "email_mfa_not_enabled", email_off),
        ("/api/email-mfa/verify", code.clone(), "email_mfa_not_enabled", email_off),
    ] {
        let refused = call(&server, &ada, path, &body).await;
        refused.refused(400, detail);
        assert_eq!(refused.body["code"], slug);
    }
    // What is off already can be switched off.
    for (path, body, text) in [
        ("/api/auth/mfa/disable", json!({"password": PASSWORD}), "MFA successfully disabled"),
        ("/api/sms-mfa/disable", Value::Null, "SMS MFA disabled successfully"),
        ("/api/email-mfa/disable", Value::Null, "Email MFA disabled successfully"),
    ] {
        call(&server, &ada, path, &body).await.message(text);
    }
    let status = server.get("/api/auth/mfa", &ada.access).await.expect(StatusCode::OK);
    assert_eq!(
        status.body,
        json!({"mfa_enabled": false, "methods": [], "phone_masked": null, "recovery_codes_left": 0})
    );
    let devices = server.get("/api/auth/me/mfa-devices", &ada.access).await;
    assert_eq!(devices.body, json!({"device_verifications": []}));
}

/// What is said about one field: `type`, `loc`, `msg`, and whether its content is echoed.
#[track_caller]
fn invalid(answer: &Answer, kind: &str, field: &str, msg: &str) {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    let error = &answer.body["detail"][0];
    assert_eq!((&error["type"], &error["msg"]), (&json!(kind), &json!(msg)), "{answer:?}");
    assert_eq!(error["loc"], json!(["body", field]));
    assert!(!field.ends_with("code") || error.get("input").is_none_or(Value::is_object), "{answer:?}");
}

#[tokio::test]
async fn codes_have_six_digits_and_are_not_echoed() {
    let server = server().await;
    let email = "bob@example.com";
    let bob = server.signed_in(email).await;
    let (short, long) =
        ("String should have at least 6 characters", "String should have at most 6 characters");
    let digits = "Value error, MFA code must contain only digits";
    for (code, kind, msg) in [
        (json!("12345"), "string_too_short", short),
        (json!(""), "string_too_short", short),
        (json!("1234567"), "string_too_long", long),
        (json!("12345x"), "value_error", digits),
        (json!("\u{ff11}23456"), "value_error", digits),
        (json!(123_456), "string_type", "Input should be a valid string"),
    ] {
        for path in ["/api/sms-mfa/verify", "/api/email-mfa/verify"] {
            let answer = call(&server, &bob, path, &json!({"mfa_code": code})).await;
            invalid(&answer, kind, "mfa_code", msg);
        }
        let mut login = credentials(email);
        login["code"] = code;
        invalid(&server.post("/api/sms-mfa/verify", &login).await, kind, "code", msg);
    }
    let none = call(&server, &bob, "/api/sms-mfa/verify", &json!({})).await;
    invalid(&none, "missing", "mfa_code", "Field required");
}

#[tokio::test]
async fn fields_are_checked_before_anything_is_done() {
    let server = server().await;
    let cyd = server.signed_in("cyd@example.com").await;
    let no_number = "Value error, Phone number must be between 10 and 15 digits";
    let abroad = "Value error, Phone numbers of this country are not supported";
    let premium = "Value error, Phone number must be able to receive text messages";
    for (number, msg) in [
        ("123", no_number),
        ("call me", no_number),
        ("+1212555012345678", no_number),
        ("+447400123456", abroad),
        ("+19002345678", premium),
    ] {
        let answer = call(&server, &cyd, "/api/sms-mfa/setup", &json!({"phone_number": number})).await;
        invalid(&answer, "value_error", "phone_number", msg);
        assert_eq!(answer.body["detail"][0]["ctx"], json!({"error": {}}));
    }
    let table = [
        ("/api/sms-mfa/setup", json!({}), "phone_number"),
        ("/api/auth/mfa/activate", json!({}), "totp_code"),
        ("/api/auth/mfa/disable", json!({}), "password"),
        ("/api/auth/mfa/disable", json!({"password": "", "code": null}), "password"),
        ("/api/auth/mfa/recovery-codes", json!({}), "password"),
        ("/api/auth/mfa/verify", json!({}), "mfa_token"),
        ("/api/auth/resend-sms-code", json!({}), "email"),
    ];
    for (path, body, field) in table {
        invalid(&call(&server, &cyd, path, &body).await, "missing", field, "Field required");
    }
    let list = server.post("/api/email-mfa/send-login-code", &json!([])).await;
    assert_eq!(list.body["detail"][0]["type"], "dict_type", "{list:?}");
}

#[tokio::test]
async fn reports_of_applications_are_taken_whatever_they_say() {
    let server = server().await;
    let path = "/api/auth/log-mobile-auth";
    for body in [
        json!({}),
        json!({"auth_method": "biometric", "app_version": "2.4.1", "user_email": "ada@example.com",
            "timestamp": "2026-07-01T12:00:00Z"}),
        json!({"auth_method": [1], "app_version": null, "timestamp": 1_782_907_200, "more": {"x": "y"}}),
    ] {
        let logged = server.post(path, &body).await.expect(StatusCode::OK);
        assert_eq!(logged.body, json!({"status": "logged"}));
    }
    let list = server.post(path, &json!([])).await;
    assert_eq!((list.status.as_u16(), &list.body["detail"][0]["type"]), (422, &json!("dict_type")));
}
