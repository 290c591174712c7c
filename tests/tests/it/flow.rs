//! What a person does, from registering to signing out, in the texts of the contract.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Answer, PASSWORD, TestServer};

const NEW_PASSWORD: &str = "another Good one 4711!";

#[tokio::test]
async fn a_newcomer_goes_all_the_way() {
    let server = TestServer::start().await;
    let email = "ada@example.com";

    let account = server
        .post(
            "/api/auth/register",
            &json!({"email": " Ada@Example.COM ", "password": PASSWORD, "full_name": "Ada L"}),
        )
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(account.body["email"], email);
    assert_eq!(account.body["is_verified"], false);
    let id = account.body["id"].as_i64().expect("an integer id");
    assert!(id > 0 && id < 1 << 53);

    server.login(email, PASSWORD).await.refused(403, "email_not_verified");
    let token = server.mailed_token(email, "/verify-email").await;
    server
        .post("/api/auth/verify-email", &json!({"token": token}))
        .await
        .message("Email successfully verified");
    server
        .post("/api/auth/verify-email", &json!({"token": token}))
        .await
        .refused(400, "Invalid verification token");

    let login = server.login(email, PASSWORD).await.expect(StatusCode::OK);
    assert_eq!(login.body["token_type"], "bearer");
    assert_eq!(login.body["expires_in"], 1800);
    assert_eq!(login.body["password_change_required"], false);
    assert!(login.body["grace_period"].is_object());
    let first = login.tokens();

    let me = server.get("/api/auth/me", &first.access).await.expect(StatusCode::OK);
    assert_eq!(me.body["id"], id);
    assert_eq!(me.body["full_name"], "Ada L");
    assert!(me.body["last_login"].as_str().is_some_and(|time| time.ends_with('Z')));

    let second = server.post("/api/auth/refresh", &json!({"refresh_token": first.refresh})).await.tokens();
    assert_ne!(second.refresh, first.refresh);

    let sessions = server.get("/api/auth/sessions", &second.access).await.expect(StatusCode::OK);
    assert_eq!(sessions.body.as_array().map(Vec::len), Some(1));
    assert_eq!(sessions.body[0]["is_current"], true);
    let session = sessions.body[0]["id"].as_i64().expect("an integer id");

    let path = format!("/api/auth/sessions/{session}");
    server.send(Method::DELETE, &path, &second.access, None).await.message("Session successfully revoked");
    let gone = server.get("/api/auth/me", &second.access).await;
    gone.refused(401, "Could not validate credentials");
    assert_eq!(gone.headers["www-authenticate"], "Bearer");
    server
        .post("/api/auth/refresh", &json!({"refresh_token": second.refresh}))
        .await
        .refused(401, "Invalid refresh token");
}

#[tokio::test]
async fn a_late_replay_ends_the_session_and_tells_its_owner() {
    let server = TestServer::with(&[("REFRESH_GRACE_SECONDS", "0")]).await;
    let email = "bob@example.com";
    let first = server.signed_in(email).await;
    let second = server.post("/api/auth/refresh", &json!({"refresh_token": first.refresh})).await.tokens();
    let replay = server.post("/api/auth/refresh", &json!({"refresh_token": first.refresh})).await;
    replay.refused(401, "Invalid refresh token");
    server.get("/api/auth/me", &second.access).await.refused(401, "Could not validate credentials");
    server
        .post("/api/auth/refresh", &json!({"refresh_token": second.refresh}))
        .await
        .refused(401, "Invalid refresh token");
}

#[tokio::test]
async fn a_forgotten_password_is_reset_once_and_the_old_one_is_dead() {
    let server = TestServer::start().await;
    let email = "eve@example.com";
    let before = server.signed_in(email).await;
    let text = "If your email is registered, you will receive a password reset email";
    server.post("/api/auth/forgot-password", &json!({"email": email})).await.message(text);
    server.post("/api/auth/forgot-password", &json!({"email": "nobody@example.com"})).await.message(text);
    let token = server.mailed_token(email, "/reset-password").await;

    let weak = json!({"token": token, "new_password": "short"});
    assert_eq!(server.post("/api/auth/reset-password", &weak).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    server
        .post("/api/auth/verify-email", &json!({"token": token}))
        .await
        .refused(400, "Invalid verification token");

    let reset = json!({"token": token, "new_password": NEW_PASSWORD});
    server.post("/api/auth/reset-password", &reset).await.message("Password successfully reset");
    server
        .post("/api/auth/reset-password", &reset)
        .await
        .refused(400, "Invalid or expired password reset token");
    server.get("/api/auth/me", &before.access).await.refused(401, "Could not validate credentials");
    server.login(email, PASSWORD).await.refused(401, "Incorrect email or password");
    server.login(email, NEW_PASSWORD).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn failures_lock_known_and_unknown_addresses_alike() {
    let server = TestServer::start().await;
    server.signed_in("cyd@example.com").await;
    for email in ["cyd@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            server.login(email, "wrong").await.refused(401, "Incorrect email or password");
        }
        let locked = server.login(email, PASSWORD).await;
        locked.refused(423, "account_locked");
        assert_eq!(locked.headers["x-error-type"], "account_locked");
        let wait: u64 = locked.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((25..=30).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn passwords_are_changed_in_both_ways() {
    let server = TestServer::start().await;
    let email = "dan@example.com";
    let tokens = server.signed_in(email).await;
    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});

    let path = "/api/user/change-password-user";
    let send =
        async |body: serde_json::Value| server.send(Method::POST, path, &tokens.access, Some(&body)).await;
    send(change("wrong", NEW_PASSWORD)).await.refused(400, "Current password is incorrect");
    send(change(PASSWORD, PASSWORD))
        .await
        .refused(400, "New password must be different from current password");
    send(change(PASSWORD, NEW_PASSWORD)).await.message("Password successfully changed");
    server.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);

    let body = json!({"new_password": PASSWORD});
    let changed = server.send(Method::POST, "/api/auth/change-password", &tokens.access, Some(&body)).await;
    changed.message("Password successfully changed");
    assert_eq!(changed.body["require_logout"], true);
    server.get("/api/auth/me", &tokens.access).await.refused(401, "Could not validate credentials");
    server.login(email, PASSWORD).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_account_moves_to_another_address() {
    let server = TestServer::start().await;
    let tokens = server.signed_in("old@example.com").await;
    let body = json!({"new_email": "new@example.com", "password": "wrong"});
    let path = "/api/auth/me/change-email";
    server
        .send(Method::POST, path, &tokens.access, Some(&body))
        .await
        .refused(400, "Current password is incorrect");
    let body = json!({"new_email": "new@example.com", "password": PASSWORD});
    server.send(Method::POST, path, &tokens.access, Some(&body)).await.message("Confirmation email sent");
    let token = server.mailed_token("new@example.com", "/verify-email").await;
    server.login("old@example.com", PASSWORD).await.expect(StatusCode::OK);
    server
        .post("/api/auth/verify-email", &json!({"token": token}))
        .await
        .message("Email successfully verified");
    server.login("old@example.com", PASSWORD).await.refused(401, "Incorrect email or password");
    server.login("new@example.com", PASSWORD).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_profile_is_changed_and_an_account_closed() {
    let server = TestServer::start().await;
    let tokens = server.signed_in("fay@example.com").await;
    let me = "/api/auth/me";
    let patch =
        async |body| server.send(Method::PATCH, me, &tokens.access, Some(&body)).await.expect(StatusCode::OK);
    assert_eq!(patch(json!({"full_name": "Fay"})).await.body["full_name"], "Fay");
    assert_eq!(patch(json!({})).await.body["full_name"], "Fay");
    assert_eq!(patch(json!({"full_name": null})).await.body["full_name"], json!(null));

    let status = server.get("/api/auth/me/password-status", &tokens.access).await.expect(StatusCode::OK);
    assert_eq!(status.body["is_password_temporary"], false);

    let close = json!({"password": PASSWORD});
    server.send(Method::DELETE, me, &tokens.access, Some(&close)).await.message("Account deactivated");
    server.get(me, &tokens.access).await.refused(401, "Could not validate credentials");
    server.login("fay@example.com", PASSWORD).await.refused(401, "Incorrect email or password");
}

#[tokio::test]
async fn sessions_are_validated_extended_recovered_and_ended() {
    let server = TestServer::start().await;
    let email = "gil@example.com";
    let first = server.signed_in(email).await;
    let second = server.login(email, PASSWORD).await.tokens();

    let valid = server.send(Method::POST, "/api/auth/validate-session", &first.access, None).await;
    assert_eq!((valid.status.as_u16(), &valid.body["valid"]), (200, &json!(true)));
    let foreign = Answer::of(
        server
            .request(Method::POST, "/api/auth/validate-session")
            .bearer_auth(&first.access)
            .header("X-Refresh-Token", "rt_unknown")
            .send()
            .await,
    )
    .await;
    foreign.refused(401, "session_invalidated");

    let extended = server.send(Method::POST, "/api/auth/extend-session", &first.access, None).await;
    assert_eq!((extended.status.as_u16(), &extended.body["extension_minutes"]), (200, &json!(180)));
    assert_eq!(extended.body["sessions_extended"], 2);

    let others = server.send(Method::DELETE, "/api/auth/sessions", &second.access, None).await;
    assert_eq!(others.expect(StatusCode::OK).body["sessions_revoked"], 1);
    server
        .send(Method::POST, "/api/auth/validate-session", &first.access, None)
        .await
        .refused(401, "session_invalidated");

    let recovered =
        server.send(Method::POST, "/api/auth/recover-session", &second.access, None).await.tokens();
    server.get("/api/auth/me", &second.access).await.refused(401, "Could not validate credentials");
    server.get("/api/auth/me", &recovered.access).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn signing_out_works_in_every_form() {
    let server = TestServer::start().await;
    let email = "hal@example.com";
    let text = "Successfully logged out";
    let path = "/api/auth/logout";
    let by_body = server.signed_in(email).await;
    server.post(path, &json!({"refresh_token": by_body.refresh})).await.message(text);
    server.get("/api/auth/me", &by_body.access).await.refused(401, "Could not validate credentials");
    server.post(path, &json!({"refresh_token": by_body.refresh})).await.message(text);
    server.post(path, &json!({"refresh_token": "anything"})).await.message(text);

    let by_bearer = server.login(email, PASSWORD).await.tokens();
    server.send(Method::POST, path, &by_bearer.access, None).await.message(text);
    server.get("/api/auth/me", &by_bearer.access).await.refused(401, "Could not validate credentials");

    let one = server.login(email, PASSWORD).await.tokens();
    let other = server.login(email, PASSWORD).await.tokens();
    server.send(Method::POST, path, &one.access, Some(&json!({"all": true}))).await.message(text);
    server.get("/api/auth/me", &other.access).await.refused(401, "Could not validate credentials");

    let nothing = server.post(path, &json!({})).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(nothing.body["detail"][0]["loc"], json!(["body", "refresh_token"]));
}

#[tokio::test]
async fn tenants_do_not_meet() {
    let server = TestServer::with(&[("TENANTS", "default,web")]).await;
    let tokens = server.signed_in("ivy@example.com").await;
    let ask = async |tenant: &str| {
        let request = server.request(Method::GET, "/api/auth/me").bearer_auth(&tokens.access);
        Answer::of(request.header("X-Tenant-ID", tenant).send().await).await
    };
    ask("Default").await.expect(StatusCode::OK);
    ask("web").await.refused(401, "Token is not valid for this tenant");
    ask("none").await.refused(400, "Unknown tenant");
    ask("a b").await.refused(400, "Unknown tenant");

    let register = server
        .request(Method::POST, "/api/auth/register")
        .header("X-Tenant-ID", "web")
        .json(&json!({"email": "ivy@example.com", "password": PASSWORD}));
    Answer::of(register.send().await).await.expect(StatusCode::CREATED);
    server.register("ivy@example.com").await.refused(400, "Email already registered");
}
