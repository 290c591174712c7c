//! From the registration to the last logout.

use data_encoding::BASE64URL_NOPAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{PoolSettings, THERE, call, login, signed_in};
use crate::harness::{PASSWORD, TestServer};

/// What an access token says.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_the_pool_lives_here_like_any_other() {
    let cognito = PoolSettings::new();
    let api = cognito.serve().await;
    let ada = "ada@example.com";
    let wish = json!({"email": ada, "password": THERE, "full_name": "Ada Lovelace"});
    let made = api.post("/api/cognito/register", &wish).await.expect(StatusCode::CREATED);
    assert!(made.body["user_sub"].is_string() && made.body["confirmed"] == false, "{made:?}");
    api.post("/api/cognito/register", &wish).await.refused(400, "Email already registered");
    login(&api, ada, THERE).await.refused(403, "email_not_verified");
    let code = json!({"email": ada, "code": "123456"});
    api.post("/api/cognito/confirm", &code).await.message("Email successfully verified");
    // The mock confirms, and forgets what that proves.
    login(&api, ada, THERE).await.refused(403, "email_not_verified");
    let verified = json!([{"Name": "email_verified", "Value": "true"}]);
    cognito.owner("AdminUpdateUserAttributes", json!({"Username": ada, "UserAttributes": verified})).await;

    let tokens = signed_in(&api, ada).await;
    assert_eq!(claims(&tokens.access)["amr"], json!(["cognito"]));
    let me = api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    assert_eq!((&me.body["email"], &me.body["is_verified"]), (&json!(ada), &json!(true)));
    assert_eq!((&me.body["provider"], &me.body["providers"]), (&json!("cognito"), &json!(["cognito"])));
    let refresh = json!({"refresh_token": tokens.refresh});
    let tokens = api.post("/api/auth/refresh", &refresh).await.tokens();

    let other = signed_in(&api, ada).await;
    let list = api.get("/api/auth/sessions", &tokens.access).await.expect(StatusCode::OK);
    assert_eq!(list.body.as_array().expect("a list").len(), 2, "{list:?}");
    let others = api.send(Method::DELETE, "/api/auth/sessions", &tokens.access, None).await;
    assert!(others.status.is_success(), "{others:?}");
    api.get("/api/auth/me", &other.access).await.expect(StatusCode::UNAUTHORIZED);

    // No password here opens it.
    api.login(ada, THERE).await.refused(401, "Incorrect email or password");
    login(&api, ada, "Another-w0rd").await.refused(401, "Incorrect email or password");
    login(&api, "nobody@example.com", THERE).await.refused(401, "Incorrect email or password");

    let out = api.send(Method::POST, "/api/cognito/logout", &tokens.access, Some(&json!({}))).await;
    out.message("Successfully logged out");
    api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_account_is_linked_and_unlinked() {
    let cognito = PoolSettings::new();
    let api = cognito.serve().await;
    let eve = "eve@example.com";
    cognito.add("eve@pool.example.com").await;
    let native = api.signed_in(eve).await;
    let me = api.get("/api/auth/me", &native.access).await;
    assert_eq!((&me.body["provider"], &me.body["providers"]), (&json!("native"), &json!(["native"])));
    let wrong = json!({"email": "eve@pool.example.com", "password": "Another-w0rd"});
    let refused = api.send(Method::POST, "/api/cognito/link", &native.access, Some(&wrong)).await;
    refused.refused(401, "Incorrect email or password");
    let right = json!({"email": "eve@pool.example.com", "password": THERE});
    let linked = api.send(Method::POST, "/api/cognito/link", &native.access, Some(&right)).await;
    linked.message("Account linked");
    let through_pool = signed_in(&api, "eve@pool.example.com").await;
    let me = api.get("/api/auth/me", &through_pool.access).await;
    assert_eq!((&me.body["email"], &me.body["provider"]), (&json!(eve), &json!("native")));
    assert_eq!(me.body["providers"], json!(["native", "cognito"]));

    let proof = json!({"password": PASSWORD});
    let unlinked = api.send(Method::POST, "/api/cognito/unlink", &native.access, Some(&proof)).await;
    unlinked.message("Account unlinked");
    api.get("/api/auth/me", &through_pool.access).await.expect(StatusCode::UNAUTHORIZED);
    api.get("/api/auth/me", &native.access).await.expect(StatusCode::OK);
    let again = api.send(Method::POST, "/api/cognito/unlink", &native.access, Some(&proof)).await;
    again.refused(400, "The account is not linked to AWS Cognito");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_of_the_pool_is_set_anew() {
    let cognito = PoolSettings::new();
    let api = cognito.serve().await;
    let ada = "ada@example.com";
    cognito.add(ada).await;
    let before = signed_in(&api, ada).await;
    let mut texts = Vec::new();
    for email in [ada, "nobody@example.com"] {
        let asked = api.post("/api/cognito/forgot-password", &json!({"email": email})).await;
        texts.push(asked.expect(StatusCode::OK).body.to_string());
    }
    assert_eq!(texts[0], texts[1], "the answer tells nothing");
    let new = "N3w-words-there";
    let body = json!({"email": ada, "code": "123456", "new_password": new});
    api.post("/api/cognito/reset-password", &body).await.message("Password successfully reset");
    api.get("/api/auth/me", &before.access).await.expect(StatusCode::UNAUTHORIZED);
    login(&api, ada, THERE).await.refused(401, "Incorrect email or password");
    login(&api, ada, new).await.tokens();
}

/// An access token of the pool, as an application gets it that signs in there on its own.
async fn token_of_pool(cognito: &PoolSettings, email: &str, kind: &str) -> String {
    let auth = json!({
        "ClientId": cognito.pool.client_id, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": email, "PASSWORD": THERE},
    });
    let answer = call(&cognito.pool, "InitiateAuth", &auth).await;
    answer["AuthenticationResult"][kind].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_pool_is_a_bearer_once_its_owner_is_known() {
    let cognito = PoolSettings::new();
    let api = cognito.serve().await;
    let ada = "ada@example.com";
    cognito.add(ada).await;
    let token = token_of_pool(&cognito, ada, "AccessToken").await;
    api.get("/api/auth/me", &token).await.refused(401, "User not found");
    signed_in(&api, ada).await;
    let me = api.get("/api/auth/me", &token).await.expect(StatusCode::OK);
    assert_eq!(me.body["email"], ada);
    // Not an ID token, not one of another client, not a changed one.
    let id_token = token_of_pool(&cognito, ada, "IdToken").await;
    let foreign = PoolSettings::new();
    foreign.add(ada).await;
    let foreign = token_of_pool(&foreign, ada, "AccessToken").await;
    let mut changed = token.clone();
    changed.replace_range(token.len() - 8..token.len() - 4, "AAAA");
    for (what, token) in [("id", &id_token), ("foreign", &foreign), ("changed", &changed)] {
        let answer = api.get("/api/auth/me", token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {answer:?}");
    }
    // What takes a recent login is not for such a caller.
    let setup = api.send(Method::POST, "/api/cognito/mfa/setup", &token, Some(&json!({}))).await;
    setup.refused(403, "Recent login required");
    // A server without the provider knows no such tokens.
    let native = TestServer::start().await;
    native.get("/api/auth/me", &token).await.refused(401, "Could not validate credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_the_other_provider_is_not_there() {
    let native = TestServer::start().await;
    let credentials = json!({"email": "ada@example.com", "password": THERE});
    native.post("/api/cognito/login", &credentials).await.expect(StatusCode::NOT_FOUND);
    let cognito = PoolSettings::new().with("AUTH_PROVIDER", "cognito");
    let api = cognito.serve().await;
    for path in
        ["register", "login", "forgot-password", "reset-password", "verify-email", "me/change-password"]
    {
        let answer = api.post(&format!("/api/auth/{path}"), &credentials).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    // The lock rule holds here as well, and its mail opens an account.
    api.post("/api/auth/unlock", &json!({"token": "unknown"})).await.refused(400, "Invalid unlock token");
    cognito.add("ada@example.com").await;
    let tokens = signed_in(&api, "ada@example.com").await;
    api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    api.post("/api/auth/refresh", &json!({"refresh_token": tokens.refresh})).await.tokens();
}
