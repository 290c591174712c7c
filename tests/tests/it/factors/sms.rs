//! Text messages as a second factor.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    MASKED_NUMBER, NUMBER, asks, call, credentials, header, login_with, server, take_number, texted,
};
use crate::harness::{PASSWORD, TestServer};

const SEND: &str = "/api/sms-mfa/send-code";
const VERIFY: &str = "/api/sms-mfa/verify";

#[tokio::test]
async fn a_number_counts_once_it_is_proved() {
    let server = server().await;
    let email = "ada@example.com";
    let ada = server.signed_in(email).await;
    let setup = call(&server, &ada, "/api/sms-mfa/setup", &json!({"phone_number": "(212) 555-0123"})).await;
    setup.message("SMS MFA enabled and verification code sent to your phone");
    assert_eq!(setup.body["message_id"], Value::Null);
    let text = server.messages(NUMBER).await.remove(0);
    assert!(text.starts_with("Your verification code is: ") && text.ends_with("in 5 minutes."), "{text}");
    let me = server.get("/api/auth/me", &ada.access).await;
    assert_eq!(
        (&me.body["sms_mfa_enabled"], &me.body["phone_verified"], &me.body["phone_number"]),
        (&json!(true), &json!(false), &json!(NUMBER))
    );
    server.login(email, PASSWORD).await.expect(StatusCode::OK);

    let first = texted(&server).await;
    let sent = call(&server, &ada, SEND, &Value::Null).await;
    sent.message("MFA code sent successfully");
    assert!(sent.body["message_id"].is_string(), "{sent:?}");
    let second = texted(&server).await;
    if first != second {
        call(&server, &ada, VERIFY, &json!({"mfa_code": first})).await.refused(400, "Invalid MFA code");
    }
    let proved = call(&server, &ada, VERIFY, &json!({"mfa_code": second})).await;
    proved.message("Phone number verified successfully");
    assert_eq!(proved.body["message_id"], Value::Null);
    call(&server, &ada, VERIFY, &json!({"mfa_code": second}))
        .await
        .refused(400, "No MFA code found or code has expired");

    let asked = server.login(email, PASSWORD).await;
    asks(&asked, "SMS code required", "SMS", "SMS");
    assert_eq!(header(&asked, "x-phone-masked"), Some(MASKED_NUMBER));
    assert!(server.messages(NUMBER).await[0].starts_with("Your login code is: "));
    login_with(&server, email, &texted(&server).await).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_login_code_is_sent_again_after_the_password() {
    let server = server().await;
    let email = "bob@example.com";
    let path = "/api/auth/resend-sms-code";
    let bob = server.signed_in(email).await;
    server.post(path, &credentials(email)).await.refused(400, "SMS MFA is not enabled for this user");
    take_number(&server, &bob).await;
    server
        .post(path, &json!({"email": email, "password": "wrong"}))
        .await
        .refused(400, "Invalid credentials");
    server.post(path, &credentials("nobody@example.com")).await.refused(400, "Invalid credentials");
    server.post(path, &credentials(email)).await.message("SMS code sent successfully");
    login_with(&server, email, &texted(&server).await).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn credentials_stand_in_for_a_token_where_front_ends_do_so() {
    let server = server().await;
    let email = "cyd@example.com";
    let cyd = server.signed_in(email).await;
    take_number(&server, &cyd).await;

    let sent = server.post(SEND, &credentials(email)).await;
    sent.message("MFA code sent successfully");
    let body = json!({"email": email, "password": PASSWORD, "code": texted(&server).await});
    let entered = server.post(VERIFY, &body).await.tokens();
    server.get("/api/auth/me", &entered.access).await.expect(StatusCode::OK);
    server.post(VERIFY, &body).await.refused(400, "Invalid MFA code");
    let wrong = json!({"email": email, "password": "wrong", "mfa_code": "123456"});
    server.post(VERIFY, &wrong).await.refused(401, "Incorrect email or password");
    server
        .post(SEND, &json!({"email": email, "password": "wrong"}))
        .await
        .refused(400, "Invalid credentials");

    for (path, body) in
        [(SEND, Value::Null), (SEND, json!({"email": email})), (VERIFY, json!({"mfa_code": "123456"}))]
    {
        let anonymous = server.post(path, &body).await;
        anonymous.refused(401, "Not authenticated");
        assert_eq!(header(&anonymous, "www-authenticate"), Some("Bearer"));
    }
}

#[tokio::test]
async fn it_is_switched_off_by_its_owner() {
    let server = server().await;
    let email = "dan@example.com";
    let before = server.signed_in(email).await;
    let dan = server.login(email, PASSWORD).await.tokens();
    take_number(&server, &dan).await;
    let path = "/api/sms-mfa/disable";
    call(&server, &before, path, &Value::Null).await.refused(403, "Recent login required");
    // A password alone is what the factor is there to make up for.
    let password = json!({"password": PASSWORD});
    call(&server, &before, path, &password).await.refused(403, "Recent login required");
    let disabled = call(&server, &dan, path, &password).await;
    disabled.message("SMS MFA disabled successfully");
    assert_eq!(disabled.body["message_id"], Value::Null);
    server.login(email, PASSWORD).await.expect(StatusCode::OK);
    let me = server.get("/api/auth/me", &before.access).await;
    assert_eq!(
        (&me.body["sms_mfa_enabled"], &me.body["phone_verified"], &me.body["phone_number"]),
        (&json!(false), &json!(true), &json!(NUMBER))
    );
}

#[tokio::test]
async fn limits_speak_the_words_of_the_contract() {
    let settings = [("SMS_MAX_PER_HOUR", "2"), ("SMS_MAX_NUMBERS", "1"), ("MFA_DEVICE_BYPASS_MINUTES", "0")];
    let server = TestServer::with(&settings).await;
    let email = "eve@example.com";
    let eve = server.signed_in(email).await;
    take_number(&server, &eve).await;
    let other = json!({"phone_number": "+12125550199"});
    let pairs = call(&server, &eve, "/api/sms-mfa/setup", &other).await;
    pairs.refused(429, "Too many phone numbers");
    assert!(header(&pairs, "retry-after").is_some());
    // Login codes are counted apart from those that prove a number.
    for _ in 0..2 {
        server.post("/api/auth/resend-sms-code", &credentials(email)).await.expect(StatusCode::OK);
    }
    let often = server.post("/api/auth/resend-sms-code", &credentials(email)).await;
    often.refused(429, "2 per 1 hour");
    assert_eq!(often.body["code"], "rate_limited");
    assert!(header(&often, "retry-after").is_some());
    // The login says what it asks for all the same, and not that something was sent.
    let asked = server.login(email, PASSWORD).await;
    asks(&asked, "SMS code required", "SMS", "SMS");
    assert_eq!(header(&asked, "x-phone-masked"), None);
}

#[tokio::test]
async fn switched_off_altogether_nothing_is_sent() {
    let server = TestServer::with(&[("SMS_PROVIDER", "off")]).await;
    let fay = server.signed_in("fay@example.com").await;
    let off = call(&server, &fay, "/api/sms-mfa/setup", &json!({"phone_number": NUMBER})).await;
    off.refused(503, "Service temporarily unavailable");
    assert!(server.messages(NUMBER).await.is_empty());
    let me = server.get("/api/auth/me", &fay.access).await;
    assert_eq!(me.body["sms_mfa_enabled"], false);
}
