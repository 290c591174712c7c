//! What a caller may not become, see or reach, whatever is sent along.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, TestServer};

/// Fields that would be worth a try.
fn privileged() -> Value {
    json!({
        "id": 1, "user_id": 1, "sub": "1", "role": "admin", "roles": ["superuser"], "is_superuser": true,
        "is_manager": true, "application_admin": true, "is_verified": true, "email_verified": true,
        "status": "active", "is_one_time_password": true, "mfa_enabled": true, "created_at": "2001-01-01",
    })
}

fn merged(mut body: Value, more: &Value) -> Value {
    let (Some(fields), Some(more)) = (body.as_object_mut(), more.as_object()) else { return body };
    for (name, value) in more {
        fields.entry(name.clone()).or_insert_with(|| value.clone());
    }
    body
}

#[tokio::test]
async fn nobody_writes_a_privilege_into_a_body() {
    let server = TestServer::start().await;
    let email = "eve@example.com";
    let body = merged(json!({"email": email, "password": PASSWORD}), &privileged());
    let made = server.post("/api/auth/register", &body).await.expect(StatusCode::CREATED);
    assert_eq!(made.body["is_verified"], false);
    assert_ne!(made.body["id"], 1);
    server.login(email, PASSWORD).await.refused(403, "email_not_verified");
    let token = server.mailed_token(email, "/verify-email").await;
    server.post("/api/auth/verify-email", &json!({"token": token})).await.expect(StatusCode::OK);

    let login = server.post("/api/auth/login", &body).await.tokens();
    let before = server.get("/api/auth/me", &login.access).await.expect(StatusCode::OK).body;
    for privilege in ["is_superuser", "is_manager", "application_admin", "mfa_enabled"] {
        assert_ne!(before[privilege], true, "{privilege}: {before}");
    }
    let wish = merged(json!({"full_name": "Eve"}), &privileged());
    let patched = server.send(Method::PATCH, "/api/auth/me", &login.access, Some(&wish)).await;
    let mut expected = before;
    expected["full_name"] = json!("Eve");
    let mut after = patched.expect(StatusCode::OK).body;
    after["updated_at"] = expected["updated_at"].clone();
    assert_eq!(after, expected, "only the name changed");
}

#[tokio::test]
async fn another_users_id_in_a_body_chooses_nobody() {
    let server = TestServer::start().await;
    let victim = server.signed_in("ada@example.com").await;
    let thief = server.signed_in("eve@example.com").await;
    let ada = server.get("/api/auth/me", &victim.access).await.body["id"].clone();
    let body = json!({
        "new_password": "a wholly New one 4711!", "current_password": PASSWORD,
        "user_id": ada, "userId": ada, "sub": ada, "email": "ada@example.com",
    });
    server
        .send(Method::POST, "/api/auth/change-password", &thief.access, Some(&body))
        .await
        .expect(StatusCode::OK);
    server.login("ada@example.com", PASSWORD).await.expect(StatusCode::OK);
    server.login("eve@example.com", PASSWORD).await.refused(401, "Incorrect email or password");
}

#[tokio::test]
async fn nobody_has_an_account_at_first() {
    let server = TestServer::start().await;
    for name in ["admin", "root", "administrator", "test", "user"] {
        for password in ["admin", "root", "password", "changeme", "admin123", ""] {
            let answer = server.login(&format!("{name}@example.com"), password).await;
            assert!(answer.status.is_client_error(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn what_belongs_to_others_looks_absent() {
    let server = TestServer::start().await;
    let ada = server.signed_in("ada@example.com").await;
    let eve = server.signed_in("eve@example.com").await;
    let sessions = server.get("/api/auth/sessions", &ada.access).await.expect(StatusCode::OK);
    let foreign = sessions.body[0]["id"].as_i64().expect("an integer id");
    let invented = foreign ^ 0b1_0101;
    let ask = async |id: i64| {
        let path = format!("/api/auth/sessions/{id}");
        let mut answer = server.send(Method::DELETE, &path, &eve.access, None).await;
        answer.body["request_id"] = Value::Null;
        (answer.status, answer.body, header_names(&answer.headers))
    };
    let (seen, unseen) = (ask(foreign).await, ask(invented).await);
    assert_eq!(seen, unseen);
    assert_eq!(seen.0, StatusCode::NOT_FOUND);
    server.get("/api/auth/me", &ada.access).await.expect(StatusCode::OK);
}

fn header_names(headers: &reqwest::header::HeaderMap) -> BTreeSet<String> {
    headers.keys().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_link_is_good_for_its_purpose_alone() {
    let server = TestServer::start().await;
    let email = "ada@example.com";
    server.register(email).await.expect(StatusCode::CREATED);
    let verify = server.mailed_token(email, "/verify-email").await;
    server.post("/api/auth/forgot-password", &json!({"email": email})).await.expect(StatusCode::OK);
    let reset = server.mailed_token(email, "/reset-password").await;

    let with_verify = json!({"token": verify, "new_password": "a wholly New one 4711!"});
    let refused = server.post("/api/auth/reset-password", &with_verify).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    server
        .post("/api/auth/verify-email", &json!({"token": reset}))
        .await
        .refused(400, "Invalid verification token");
    // Neither was used up by being held to the wrong lock.
    server.post("/api/auth/verify-email", &json!({"token": verify})).await.expect(StatusCode::OK);
    let with_reset = json!({"token": reset, "new_password": "a wholly New one 4711!"});
    server.post("/api/auth/reset-password", &with_reset).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_token_names_ids_and_no_person() {
    let server = TestServer::start().await;
    let tokens = server.signed_in("ada@example.com").await;
    let claims: Value = {
        let payload = tokens.access.split('.').nth(1).expect("three parts");
        let bytes = BASE64URL_NOPAD.decode(payload.as_bytes()).expect("base64url");
        serde_json::from_slice(&bytes).expect("an object")
    };
    let names: BTreeSet<&str> = claims.as_object().expect("an object").keys().map(String::as_str).collect();
    let allowed =
        ["amr", "aud", "auth_time", "exp", "iat", "iss", "jti", "nbf", "sid", "sub", "tenant_id", "type"];
    assert_eq!(names, BTreeSet::from(allowed));
    assert!(!claims.to_string().contains("ada@"), "{claims}");
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    assert_eq!(life, Some(1800), "half an hour, as clients know it");
}

#[tokio::test]
async fn neither_token_does_the_others_work() {
    let server = TestServer::start().await;
    let tokens = server.signed_in("ada@example.com").await;
    let as_bearer = server.get("/api/auth/me", &tokens.refresh).await;
    assert_eq!(as_bearer.status, StatusCode::UNAUTHORIZED, "{as_bearer:?}");
    server
        .post("/api/auth/refresh", &json!({"refresh_token": tokens.access}))
        .await
        .refused(401, "Invalid refresh token");
    for place in ["access_token", "token", "bearer"] {
        let path = format!("/api/auth/me?{place}={}", tokens.access);
        let answer = Answer::of(server.request(Method::GET, &path).send().await).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place}");
    }
}
