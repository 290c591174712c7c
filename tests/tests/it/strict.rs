//! `HIDE_EXISTING_ACCOUNTS=true`: nobody learns from any answer whether an address has an account.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, TestServer};

const OTHER: &str = "An0ther&Zebra&Waltz";

async fn server() -> TestServer {
    TestServer::with(&[("HIDE_EXISTING_ACCOUNTS", "true")]).await
}

/// An answer as an outsider compares it: everything but what differs between any two calls.
#[derive(Debug, PartialEq)]
struct Seen {
    status: StatusCode,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Masks the ids of request and account, times, and the address that was sent; lengths stay as they are.
fn seen(answer: &Answer, email: &str) -> Seen {
    let mask = |text: &str| -> String { text.replace(email, "ADDRESS") };
    let mut headers = BTreeMap::new();
    for (name, value) in &answer.headers {
        let value = value.to_str().expect("a printable header");
        let shown = if matches!(name.as_str(), "x-request-id" | "date") { "MASKED" } else { value };
        headers.insert(name.as_str().to_owned(), shown.to_owned());
    }
    let mut body = answer.body.clone();
    for field in ["id", "request_id", "created_at", "updated_at"] {
        if let Some(value) = body.get_mut(field) {
            *value = Value::from(format!("{} characters", value.to_string().len()));
        }
    }
    Seen { status: answer.status, headers, body: mask(&body.to_string()) }
}

/// Addresses of one length: one with a proved account, one that was registered only, and one that is free.
async fn three_kinds(server: &TestServer) -> [&'static str; 3] {
    server.signed_in("known@example.com").await;
    server.register("began@example.com").await.expect(StatusCode::CREATED);
    ["known@example.com", "began@example.com", "fresh@example.com"]
}

/// EN-02, EN-08: status, body, header set and length are the same.
#[tokio::test]
async fn registering_a_taken_address_looks_like_registering_a_free_one() {
    let server = server().await;
    let mut all = Vec::new();
    for email in three_kinds(&server).await {
        let body = json!({ "email": email, "password": OTHER, "full_name": "Ada" });
        let answer = server.post("/api/auth/register", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        all.push(seen(&answer, email));
    }
    assert!(all[0].headers.contains_key("content-length"), "{:?}", all[0]);
    assert_eq!(all[0], all[2], "a taken address");
    assert_eq!(all[1], all[2], "one that waits for its proof");
}

/// Asked again and again, each answer names another account, for every kind of address.
#[tokio::test]
async fn the_made_up_id_tells_nothing() {
    let server = server().await;
    for email in three_kinds(&server).await {
        let mut ids = Vec::new();
        for _ in 0..2 {
            let answer = server.register(email).await.expect(StatusCode::CREATED);
            ids.push(answer.body["id"].as_i64().expect("a number"));
        }
        assert_ne!(ids[0], ids[1], "{email}");
    }
}

/// EN-03: whoever registers X with P and then signs in as X with P sees the same, whatever X was, to the lock
/// and beyond it.
#[tokio::test]
async fn register_then_login_is_no_oracle() {
    let server = server().await;
    let mut all = Vec::new();
    for email in three_kinds(&server).await {
        let mut told = Vec::new();
        server.post("/api/auth/register", &json!({ "email": email, "password": OTHER })).await;
        for _ in 0..7 {
            let answer = server.login(email, OTHER).await;
            let mut one = seen(&answer, email);
            // The seconds that are left may tick in between.
            one.headers.remove("retry-after");
            told.push(one);
        }
        assert_eq!(told[0].status, StatusCode::UNAUTHORIZED, "{:?}", told[0]);
        assert_eq!(told[6].status.as_u16(), 423, "{:?}", told[6]);
        all.push(told);
    }
    assert_eq!(all[0], all[2], "a taken address");
    assert_eq!(all[1], all[2], "one that waits for its proof");
}

/// LG-01: one answer for every reason not to sign in.
#[tokio::test]
async fn every_failed_login_looks_the_same() {
    let server = server().await;
    let [known, began, fresh] = three_kinds(&server).await;
    let closed = "ended@example.com";
    let tokens = server.signed_in(closed).await;
    let password = json!({ "password": PASSWORD });
    server.send(Method::DELETE, "/api/auth/me", &tokens.access, Some(&password)).await.expect(StatusCode::OK);
    let mut all = Vec::new();
    for (email, password) in
        [(fresh, OTHER), (known, OTHER), (began, PASSWORD), (began, OTHER), (closed, PASSWORD)]
    {
        all.push(seen(&server.login(email, password).await, email));
    }
    assert_eq!(all[0].status, StatusCode::UNAUTHORIZED);
    for (number, one) in all.iter().enumerate() {
        assert_eq!(*one, all[0], "{number}");
    }
}

/// EN-04, EN-08: forgotten passwords and verification mails.
#[tokio::test]
async fn asking_for_mail_tells_nothing() {
    let server = server().await;
    let kinds = three_kinds(&server).await;
    for path in ["/api/auth/forgot-password", "/api/auth/resend-verification"] {
        let mut all = Vec::new();
        for email in kinds {
            all.push(seen(&server.post(path, &json!({ "email": email })).await, email));
        }
        assert_eq!(all[0].status, StatusCode::OK, "{path}");
        assert_eq!((&all[0], &all[1]), (&all[2], &all[2]), "{path}");
    }
}

/// EN-06: in either mode.
#[tokio::test]
async fn moving_to_a_taken_address_looks_like_moving_to_a_free_one() {
    for mode in ["true", "false"] {
        let server = TestServer::with(&[("HIDE_EXISTING_ACCOUNTS", mode)]).await;
        let kinds = three_kinds(&server).await;
        let tokens = server.signed_in("mover@example.com").await;
        let mut all = Vec::new();
        for email in kinds {
            let body = json!({ "new_email": email, "password": PASSWORD });
            let answer =
                server.send(Method::POST, "/api/auth/me/change-email", &tokens.access, Some(&body)).await;
            all.push(seen(&answer, email));
        }
        assert_eq!(all[0].status, StatusCode::OK, "{:?}", all[0]);
        assert_eq!((&all[0], &all[1]), (&all[2], &all[2]), "HIDE_EXISTING_ACCOUNTS={mode}");
        let moved = server.mailed_token("fresh@example.com", "/verify-email").await;
        assert!(!moved.is_empty());
        let to_owner = server.messages("known@example.com").await;
        let links = to_owner.iter().filter(|text| text.contains("/verify-email?token=")).count();
        assert_eq!(links, 1, "none but the one of the registration: {to_owner:?}");
    }
}

/// ID-08: who registered somebody else's address first gets nothing of the account its owner proves.
/// Two registered one address, and nobody can tell which of them owns it: neither password counts, and whoever
/// reads the mail sets one.
async fn of_two_who_register_an_address(first: &str, second: &str) {
    let server = server().await;
    let email = "victim@example.com";
    server
        .post("/api/auth/register", &json!({ "email": email, "password": first, "full_name": "Eve" }))
        .await;
    let verify = server.mailed_token(email, "/verify-email").await;
    server.post("/api/auth/register", &json!({ "email": email, "password": second })).await;
    let reset = server.mailed_token(email, "/reset-password").await;
    server
        .post("/api/auth/verify-email", &json!({ "token": verify }))
        .await
        .refused(400, "Invalid verification token");
    let chosen = "a wholly New one 4711!";
    let set = json!({ "token": reset, "new_password": chosen });
    server.post("/api/auth/reset-password", &set).await.expect(StatusCode::OK);
    for password in [first, second] {
        server.login(email, password).await.refused(401, "Incorrect email or password");
    }
    let tokens = server.login(email, chosen).await.tokens();
    let me = server.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    assert_eq!(me.body["full_name"], Value::Null, "not the stranger's name");
    // Once it is proved, nobody registers it anew.
    server.post("/api/auth/register", &json!({ "email": email, "password": first })).await;
    server.login(email, first).await.refused(401, "Incorrect email or password");
    server.login(email, chosen).await.tokens();
}

#[tokio::test]
async fn a_stranger_who_was_first_has_no_part_in_the_account() {
    of_two_who_register_an_address(OTHER, PASSWORD).await;
}

#[tokio::test]
async fn a_stranger_who_was_second_has_no_part_in_the_account() {
    of_two_who_register_an_address(PASSWORD, OTHER).await;
}
