//! The hashing pool under more logins than it can take.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, task::JoinSet};

use crate::harness::{Answer, Api, TestServer, raw::connect};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A figure of the server's.
async fn figure(api: &Api, name: &str) -> u64 {
    let figures = Answer::of(api.request(Method::GET, "/metrics").send().await).await.body;
    let figures = figures.as_str().expect("text");
    let value = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {figures}")).parse().expect("a number")
}

/// Waits until the figure is as wanted.
async fn until(api: &Api, name: &str, is_wanted: impl Fn(u64) -> bool) {
    let begun = Instant::now();
    while !is_wanted(figure(api, name).await) {
        assert!(begun.elapsed() < PATIENCE, "{name}");
    }
}

/// Nobody waits for the answer of a client that hung up, and its hash is never computed.
#[tokio::test]
async fn the_hash_of_a_client_that_has_gone_is_not_computed() {
    let server = TestServer::with(&[("HASH_THREADS", "1")]).await;
    let before = figure(&server, "auth_hash_jobs_total").await;
    let mut clients = Vec::new();
    for number in 0..60 {
        let body = json!({"email": format!("nobody{number}@example.com"), "password": "x"}).to_string();
        let mut client = connect(server.base()).await;
        let request = format!(
            "POST /api/auth/login HTTP/1.1\r\nhost: auth.test\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(request.as_bytes()).await.expect("a server that reads");
        clients.push(client);
    }
    until(&server, "auth_hash_waiting", |waiting| waiting >= 10).await;
    drop(clients);
    until(&server, "auth_hash_abandoned_total", |abandoned| abandoned > 0).await;
    until(&server, "auth_hash_waiting", |waiting| waiting == 0).await;
    let (done, gone) = (
        figure(&server, "auth_hash_jobs_total").await - before,
        figure(&server, "auth_hash_abandoned_total").await,
    );
    assert!(gone >= 5 && done + gone <= 60, "{done} computed, {gone} given up");
}

/// What is too much is turned away at once with the time to come back, and others hardly notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_logins_are_turned_away_and_others_are_served() {
    let server = TestServer::with(&[("HASH_THREADS", "1")]).await;
    let tokens = server.signed_in("ada@example.com").await;
    let mut logins = JoinSet::new();
    for number in 0..200 {
        let api = Api::at(server.base());
        logins.spawn(async move { api.login(&format!("nobody{number}@example.com"), "Wr0ng&wrong").await });
    }
    until(&server, "auth_hash_shed_total", |shed| shed > 0).await;
    for _ in 0..10 {
        let begun = Instant::now();
        server.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    let mut shed = 0;
    for answer in logins.join_all().await {
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            shed += 1;
            answer.refused(503, "Service temporarily unavailable");
            let wait = answer.headers["retry-after"].to_str().expect("text").parse::<u64>();
            assert!(wait.is_ok_and(|wait| (1..=10).contains(&wait)), "{answer:?}");
        } else {
            answer.refused(401, "Incorrect email or password");
        }
    }
    assert!(shed > 0);
    // An overload proves nothing about anybody: nobody is locked by it.
    server.login("ada@example.com", crate::harness::PASSWORD).await.expect(StatusCode::OK);
}
