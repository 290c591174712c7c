//! Fifty at once: what may happen once happens once.

use std::{collections::HashSet, sync::Arc};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Answer, TestServer};

const CROWD: usize = 50;

/// Sends one request fifty times in parallel.
async fn crowd(server: &Arc<TestServer>, path: &'static str, body: impl Fn(usize) -> Value) -> Vec<Answer> {
    let calls: Vec<_> = (0..CROWD)
        .map(|number| {
            let (server, body) = (Arc::clone(server), body(number));
            tokio::spawn(async move { server.post(path, &body).await })
        })
        .collect();
    let mut answers = Vec::with_capacity(CROWD);
    for call in calls {
        answers.push(call.await.expect("a finished call"));
    }
    answers
}

fn count(answers: &[Answer], status: StatusCode) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_address_becomes_one_account() {
    let server = Arc::new(TestServer::start().await);
    let body = |_| json!({"email": "race@example.com", "password": crate::harness::PASSWORD});
    let answers = crowd(&server, "/api/auth/register", body).await;
    assert_eq!(count(&answers, StatusCode::CREATED), 1);
    assert_eq!(count(&answers, StatusCode::BAD_REQUEST), CROWD - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_refresh_token_has_one_successor() {
    let server = Arc::new(TestServer::start().await);
    let tokens = server.signed_in("tabs@example.com").await;
    let answers = crowd(&server, "/api/auth/refresh", |_| json!({"refresh_token": tokens.refresh})).await;
    assert_eq!(count(&answers, StatusCode::OK), CROWD, "parallel tabs stay signed in");
    let successors: HashSet<&str> =
        answers.iter().filter_map(|answer| answer.body["refresh_token"].as_str()).collect();
    assert_eq!(successors.len(), 1, "one live branch");
    let next = successors.into_iter().next().unwrap_or_default();
    server.post("/api/auth/refresh", &json!({"refresh_token": next})).await.expect(StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_grace_one_refresh_succeeds_and_the_session_ends() {
    let server = Arc::new(TestServer::with(&[("REFRESH_GRACE_SECONDS", "0")]).await);
    let tokens = server.signed_in("strict@example.com").await;
    let answers = crowd(&server, "/api/auth/refresh", |_| json!({"refresh_token": tokens.refresh})).await;
    assert_eq!(count(&answers, StatusCode::OK), 1);
    assert_eq!(count(&answers, StatusCode::UNAUTHORIZED), CROWD - 1);
    server.get("/api/auth/me", &tokens.access).await.refused(401, "Could not validate credentials");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_reset_link_sets_one_password() {
    let server = Arc::new(TestServer::start().await);
    let email = "reset@example.com";
    server.signed_in(email).await;
    server.post("/api/auth/forgot-password", &json!({"email": email})).await.expect(StatusCode::OK);
    let token = server.mailed_token(email, "/reset-password").await;
    let password = |number: usize| format!("Quiet river number {number} at dawn");
    let body = |number| json!({"token": token, "new_password": password(number)});
    let answers = crowd(&server, "/api/auth/reset-password", body).await;
    assert_eq!(count(&answers, StatusCode::OK), 1, "{answers:?}");
    assert_eq!(count(&answers, StatusCode::BAD_REQUEST), CROWD - 1);
    let winner = answers.iter().position(|answer| answer.status == StatusCode::OK).expect("a winner");
    server.login(email, &password(winner)).await.expect(StatusCode::OK);
    server.login(email, &password((winner + 1) % CROWD)).await.refused(401, "Incorrect email or password");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_do_not_slip_past_the_lock() {
    let server = Arc::new(TestServer::start().await);
    server.signed_in("guess@example.com").await;
    let body = |number| json!({"email": "guess@example.com", "password": format!("guess {number}")});
    let answers = crowd(&server, "/api/auth/login", body).await;
    assert_eq!(count(&answers, StatusCode::UNAUTHORIZED), 5);
    // On a busy machine some are turned away before they are counted.
    let turned_away = count(&answers, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(count(&answers, StatusCode::LOCKED) + turned_away, CROWD - 5);
}
