//! Authenticator apps and recovery codes.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{App, asks, call, login_with, server, take_app, texts};
use crate::harness::PASSWORD;

#[tokio::test]
async fn an_app_is_set_up_with_a_picture_and_put_to_work_with_a_code() {
    let server = server().await;
    let ada = server.signed_in("ada@example.com").await;

    call(&server, &ada, "/api/auth/mfa/activate", &json!({"totp_code": "123456"}))
        .await
        .refused(400, "MFA not set up");
    let setup = call(&server, &ada, "/api/auth/mfa/setup", &Value::Null).await.expect(StatusCode::OK);
    let secret = setup.body["secret"].as_str().expect("a secret");
    assert_eq!(secret.len(), 32);
    assert_eq!(
        setup.body["qr_code_uri"],
        format!("otpauth://totp/Auth:ada%40example.com?secret={secret}&issuer=Auth")
    );
    let picture = setup.body["qr_code_svg"].as_str().expect("a picture");
    assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && picture.ends_with("</svg>"));
    assert!(!picture.contains(secret), "the picture says it in modules only");

    let mut app = App::scan(secret);
    let wrong = json!({"totp_code": app.wrong_code()});
    call(&server, &ada, "/api/auth/mfa/activate", &wrong).await.refused(400, "Invalid TOTP code");
    server.login("ada@example.com", PASSWORD).await.expect(StatusCode::OK);

    let right = json!({"totp_code": app.code()});
    let activated = call(&server, &ada, "/api/auth/mfa/activate", &right).await;
    activated.message("MFA successfully activated");
    assert_eq!(texts(&activated.body["recovery_codes"]).len(), 10);
    let me = server.get("/api/auth/me", &ada.access).await;
    assert_eq!((&me.body["mfa_enabled"], &me.body["sms_mfa_enabled"]), (&json!(true), &json!(false)));
    let status = server.get("/api/auth/mfa", &ada.access).await;
    assert_eq!(
        status.body,
        json!({"mfa_enabled": true, "methods": ["TOTP"], "phone_masked": null, "recovery_codes_left": 10})
    );
}

#[tokio::test]
async fn a_second_secret_waits_while_the_first_goes_on_working() {
    let server = server().await;
    let email = "bob@example.com";
    let bob = server.signed_in(email).await;
    let (mut app, _) = take_app(&server, &bob).await;
    let setup = call(&server, &bob, "/api/auth/mfa/setup", &Value::Null).await.expect(StatusCode::OK);
    let other = App::scan(setup.body["secret"].as_str().expect("a secret"));
    assert_ne!(other.of(1), app.of(1));
    login_with(&server, email, &app.code()).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_code_is_good_once() {
    let server = server().await;
    let email = "cyd@example.com";
    let cyd = server.signed_in(email).await;
    let (mut app, _) = take_app(&server, &cyd).await;
    let code = app.code();
    login_with(&server, email, &code).await.expect(StatusCode::OK);
    let again = login_with(&server, email, &code).await;
    again.refused(400, "Invalid MFA code");
    assert_eq!(again.body["code"], "invalid_mfa_code");
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_app_once() {
    let server = server().await;
    let email = "dan@example.com";
    let dan = server.signed_in(email).await;
    let (_, codes) = take_app(&server, &dan).await;
    login_with(&server, email, &codes[0].to_lowercase()).await.expect(StatusCode::OK);
    login_with(&server, email, &codes[0]).await.refused(400, "Invalid MFA code");

    let asked = server.login(email, PASSWORD).await;
    let token = asks(&asked, "TOTP code required", "TOTP", "TOTP");
    let proof = json!({"mfa_token": token, "code": codes[1], "method": "Recovery"});
    let again = server.post("/api/auth/mfa/verify", &proof).await.tokens();
    let status = server.get("/api/auth/mfa", &again.access).await;
    assert_eq!(status.body["recovery_codes_left"], 8);

    let renew = call(&server, &again, "/api/auth/mfa/recovery-codes", &json!({"password": PASSWORD})).await;
    assert_eq!(texts(&renew.expect(StatusCode::OK).body["recovery_codes"]).len(), 10);
    login_with(&server, email, &codes[2]).await.refused(400, "Invalid MFA code");
}

#[tokio::test]
async fn the_app_goes_with_a_proof_only() {
    let server = server().await;
    let email = "eve@example.com";
    let before = server.signed_in(email).await;
    let eve = server.login(email, PASSWORD).await.tokens();
    let (mut app, codes) = take_app(&server, &eve).await;

    // A session from before the factor has proved nothing of it.
    let old = call(&server, &before, "/api/auth/mfa/setup", &Value::Null).await;
    old.refused(403, "Recent login required");
    assert_eq!(old.body["code"], "recent_login_required");
    call(&server, &before, "/api/sms-mfa/setup", &json!({"phone_number": super::NUMBER}))
        .await
        .refused(403, "Recent login required");
    call(&server, &before, "/api/email-mfa/setup", &Value::Null).await.refused(403, "Recent login required");

    let path = "/api/auth/mfa/disable";
    let wrong = json!({"password": "wrong"});
    call(&server, &eve, path, &wrong).await.refused(400, "Current password is incorrect");
    let wrong = json!({"code": app.wrong_code()});
    call(&server, &eve, path, &wrong).await.refused(400, "Invalid MFA code");
    let right = json!({"code": app.code()});
    call(&server, &eve, path, &right).await.message("MFA successfully disabled");
    server.login(email, PASSWORD).await.expect(StatusCode::OK);
    let renew = json!({"password": PASSWORD});
    call(&server, &eve, "/api/auth/mfa/recovery-codes", &renew).await.refused(400, "MFA not set up");
    assert_eq!(codes.len(), 10);
}

#[tokio::test]
async fn other_sessions_end_where_that_is_wished_for() {
    let server = server().await;
    let email = "fay@example.com";
    let before = server.signed_in(email).await;
    let fay = server.login(email, PASSWORD).await.tokens();
    let setup = call(&server, &fay, "/api/auth/mfa/setup", &Value::Null).await.expect(StatusCode::OK);
    let mut app = App::scan(setup.body["secret"].as_str().expect("a secret"));
    let activate = json!({"totp_code": app.code(), "end_other_sessions": true});
    call(&server, &fay, "/api/auth/mfa/activate", &activate).await.expect(StatusCode::OK);
    server.get("/api/auth/me", &before.access).await.refused(401, "Could not validate credentials");
    server.get("/api/auth/me", &fay.access).await.expect(StatusCode::OK);
}
