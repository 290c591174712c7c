//! Second factors over everything that is real: Redis keeps the codes, SNS and a mail server carry them.

use std::time::Duration;

use auth_testkit::part::{KeptMail, Moto};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{PostOffice, eventually, verifies};
use crate::harness::{Answer, Api, PASSWORD, parts::REDIS};

const EMAIL: &str = "ada@example.com";
const NUMBER: &str = "+12125550170";

/// The code of the newest mail of that subject.
async fn mailed_code(office: &PostOffice, subject: &str, seen: usize) -> String {
    let mut found = Vec::new();
    eventually(Duration::from_secs(20), subject, async || {
        found = office.mails_to(EMAIL).into_iter().filter(|mail| is_about(mail, subject)).collect();
        found.len() > seen
    })
    .await;
    digits_after(&found.last().expect("a mail").text)
}

fn is_about(mail: &KeptMail, subject: &str) -> bool {
    mail.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("subject") && value.contains(subject))
}

fn texted_code() -> String {
    let sms = block_in_place(|| Moto::shared().sms_to(NUMBER)).pop().expect("a text message");
    digits_after(&sms.message)
}

fn digits_after(text: &str) -> String {
    let (_, rest) = text.split_once("code is: ").expect("a code");
    rest.chars().take_while(char::is_ascii_digit).collect()
}

async fn post(api: &Api, access: &str, path: &str, body: &Value) -> Answer {
    api.send(Method::POST, path, access, Some(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_by_mail_and_text_message_complete_a_login() {
    let (office, moto, redis) = (PostOffice::open(), block_in_place(|| Moto::shared().url()), REDIS.url());
    let server = office.server(&[
        ("REDIS_URL", &redis),
        ("REDIS_KEY_PREFIX", "codes-e2e:"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &moto),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ]);
    let api = Api::at(server.base());
    api.register(EMAIL).await.expect(StatusCode::CREATED);
    assert!(verifies(&api, &office.mail_to(EMAIL).await).await);
    let access = api.login(EMAIL, PASSWORD).await.tokens().access;

    post(&api, &access, "/api/email-mfa/setup", &json!({})).await.expect(StatusCode::OK);
    let code = json!({"mfa_code": mailed_code(&office, "Verification Code", 0).await});
    post(&api, &access, "/api/email-mfa/verify", &code).await.expect(StatusCode::OK);
    post(&api, &access, "/api/sms-mfa/setup", &json!({"phone_number": NUMBER})).await.expect(StatusCode::OK);
    post(&api, &access, "/api/sms-mfa/verify", &json!({"mfa_code": texted_code()}))
        .await
        .expect(StatusCode::OK);

    let asked = api.login(EMAIL, PASSWORD).await;
    asked.refused(400, "MFA code required - choose your preferred method");
    let by_text = json!({"mfa_token": asked.body["mfa_token"], "code": texted_code()});
    let access = api.post("/api/auth/mfa/verify", &by_text).await.tokens().access;
    post(&api, &access, "/api/auth/me/revoke-mfa-devices", &json!({})).await.expect(StatusCode::OK);

    let credentials = json!({"email": EMAIL, "password": PASSWORD});
    api.login(EMAIL, PASSWORD).await.expect(StatusCode::BAD_REQUEST);
    api.post("/api/email-mfa/send-login-code", &credentials).await.expect(StatusCode::OK);
    let mut login = credentials;
    login["totp_code"] = mailed_code(&office, "Login Code", 0).await.into();
    api.post("/api/auth/login", &login).await.tokens();
    api.post("/api/auth/login", &login).await.refused(400, "Invalid MFA code");

    let keys = REDIS.cli(&["--scan", "--pattern", "codes-e2e:*"]);
    assert!(!keys.trim().is_empty(), "Redis was in use");
    assert!(!keys.contains(EMAIL) && !keys.contains("12125550170"), "{keys}");
}
