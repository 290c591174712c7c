//! What the pool asks for besides a password.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{PoolSettings, THERE, login, signed_in};
use crate::{factors::App, harness::Answer};

/// An app with the secret of the mock, which is shorter than any of ours: to the computation, zeros behind
/// it make no difference (RFC 2104).
fn scan(secret: &str) -> App {
    let value = |c: u8| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == c);
    let bits: Vec<bool> = secret
        .to_ascii_uppercase()
        .bytes()
        .map(|c| value(c).expect("base32"))
        .flat_map(|value| (0..5).rev().map(move |bit| value >> bit & 1 == 1))
        .collect();
    let bytes = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit)));
    let padded: Vec<u8> = bytes.chain(std::iter::repeat(0)).take(20).collect();
    App::scan(&data_encoding::BASE32_NOPAD.encode(&padded))
}

/// The mock takes the code of the present half minute only: waits for the next one if this is nearly over.
async fn early_in_the_half_minute() {
    let left =
        30 - chrono::DateTime::timestamp(&auth_domain::port::Clock::now(&auth_crypto::SystemClock)) % 30;
    if left < 12 {
        tokio::time::sleep(std::time::Duration::from_secs(left.unsigned_abs())).await;
    }
}

/// The token of a login that the pool asks more for.
#[track_caller]
fn asked(answer: &Answer, challenge: &str, detail: &str) -> String {
    answer.refused(400, detail);
    assert_eq!(
        (&answer.body["code"], &answer.body["challenge"]),
        (&json!("mfa_required"), &json!(challenge))
    );
    answer.body["mfa_token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_at_the_pool_is_set_up_and_asked_for() {
    let cognito = PoolSettings::new();
    let api = cognito.serve().await;
    let ada = "ada@example.com";
    cognito.add(ada).await;
    let tokens = signed_in(&api, ada).await;
    let setup = api.send(Method::POST, "/api/cognito/mfa/setup", &tokens.access, Some(&json!({}))).await;
    let setup = setup.expect(StatusCode::OK);
    let app = scan(setup.body["secret"].as_str().expect("a secret"));
    early_in_the_half_minute().await;
    let activate = async |code: String| {
        let body = json!({"code": code});
        api.send(Method::POST, "/api/cognito/mfa/activate", &tokens.access, Some(&body)).await
    };
    activate(app.wrong_code()).await.refused(400, "Invalid TOTP code");
    activate(app.shown()).await.message("MFA successfully activated");

    let token = asked(&login(&api, ada, THERE).await, "SOFTWARE_TOKEN_MFA", "TOTP code required");
    let answer = async |code: String| {
        api.post("/api/cognito/challenge", &json!({"mfa_token": token, "code": code})).await
    };
    answer(app.wrong_code()).await.refused(400, "Invalid MFA code");
    // It is of no use where the factors of this server are asked for.
    let verify = json!({"mfa_token": token, "code": app.shown()});
    api.post("/api/auth/mfa/verify", &verify).await.refused(401, "Invalid or expired MFA session");
    let signed_in = answer(app.shown()).await.tokens();
    api.get("/api/auth/me", &signed_in.access).await.expect(StatusCode::OK);
    answer(app.shown()).await.refused(401, "Invalid or expired MFA session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_password_is_replaced_at_the_first_login() {
    let cognito = PoolSettings::new();
    let api = cognito.serve().await;
    let ada = "ada@example.com";
    cognito.pool.invite(ada, "Temporary-w0rd");
    let begun = login(&api, ada, "Temporary-w0rd").await;
    let token = asked(&begun, "NEW_PASSWORD_REQUIRED", "New password required");
    let missing = api.post("/api/cognito/challenge", &json!({"mfa_token": token, "code": "1"})).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY, "{missing:?}");
    let answer = json!({"mfa_token": token, "new_password": THERE});
    api.post("/api/cognito/challenge", &answer).await.tokens();
    signed_in(&api, ada).await;
}
