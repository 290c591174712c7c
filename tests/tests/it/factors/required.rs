//! Where a second factor is demanded of everybody: the time without, and its end.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{asks, call, credentials, header, login_with, mailed, take_app};
use crate::harness::{PASSWORD, TestServer};

const REQUIRED: [(&str, &str); 2] = [("MFA_REQUIRED", "true"), ("MFA_DEVICE_BYPASS_MINUTES", "0")];

#[tokio::test]
async fn a_new_account_may_do_without_for_some_days() {
    let server = TestServer::with(&REQUIRED).await;
    let email = "ada@example.com";
    let ada = server.signed_in(email).await;
    let login = server.login(email, PASSWORD).await.expect(StatusCode::OK);
    let grace = &login.body["grace_period"];
    assert_eq!(
        (&grace["in_grace_period"], &grace["days_remaining"], &grace["grace_period_days"]),
        (&json!(true), &json!(30), &json!(30))
    );
    assert_eq!(grace["auto_enable_method"], "email");
    let end = grace["expires_at"].as_str().expect("a time");
    assert!(end.len() == 32 && end.ends_with("+00:00"), "{end}");
    assert_eq!(grace["expires_at"], grace["auto_enable_at"]);
    let told = server.get("/api/email-mfa/grace-period", &ada.access).await.expect(StatusCode::OK);
    assert_eq!(&told.body, grace);
    let refreshed = server.post("/api/auth/refresh", &json!({"refresh_token": ada.refresh})).await;
    assert_eq!(&refreshed.body["grace_period"], grace);

    let (mut app, _) = take_app(&server, &server.login(email, PASSWORD).await.tokens()).await;
    let login = login_with(&server, email, &app.code()).await.expect(StatusCode::OK);
    assert_eq!(
        login.body["grace_period"],
        json!({
            "in_grace_period": false, "days_remaining": 0, "grace_period_days": 30,
            "expires_at": null, "auto_enable_at": null, "auto_enable_method": "email",
        })
    );
}

#[tokio::test]
async fn after_them_mail_is_switched_on_and_stays() {
    let settings = [REQUIRED[0], REQUIRED[1], ("EMAIL_MFA_GRACE_PERIOD_DAYS", "0")];
    let server = TestServer::with(&settings).await;
    let email = "bob@example.com";
    server.register(email).await.expect(StatusCode::CREATED);
    let token = server.mailed_token(email, "/verify-email").await;
    server.post("/api/auth/verify-email", &json!({"token": token})).await.expect(StatusCode::OK);

    let asked = server.login(email, PASSWORD).await;
    asks(&asked, "Email code required", "Email", "Email");
    assert_eq!(header(&asked, "x-email-masked"), Some("bo*@example.com"));
    server.post("/api/email-mfa/send-login-code", &credentials(email)).await.expect(StatusCode::OK);
    let bob = login_with(&server, email, &mailed(&server, email, 1).await).await.tokens();

    let last = call(&server, &bob, "/api/email-mfa/disable", &Value::Null).await;
    last.refused(400, "Cannot disable. At least one MFA method must remain enabled.");
    assert_eq!(last.body["code"], "last_factor");
    take_app(&server, &bob).await;
    let disabled = call(&server, &bob, "/api/email-mfa/disable", &Value::Null).await;
    disabled.message("Email MFA disabled successfully");
    let last = call(&server, &bob, "/api/auth/mfa/disable", &json!({"password": PASSWORD})).await;
    last.refused(400, "Cannot disable. At least one MFA method must remain enabled.");
}

#[tokio::test]
async fn where_nothing_is_demanded_nobody_is_in_such_a_time() {
    let server = TestServer::start().await;
    let cyd = server.signed_in("cyd@example.com").await;
    let grace = server.get("/api/email-mfa/grace-period", &cyd.access).await;
    assert_eq!(
        grace.body,
        json!({
            "in_grace_period": false, "days_remaining": 0, "grace_period_days": 30,
            "expires_at": null, "auto_enable_at": null, "auto_enable_method": "none",
        })
    );
}
