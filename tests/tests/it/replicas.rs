//! Several servers on one PostgreSQL and one Redis behave like one server.
#![expect(clippy::print_stderr, reason = "tells what was measured")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{
    Answer, PASSWORD,
    parts::{CLUSTER, REDIS, Replicas, SECRET, database},
    process::run,
};

/// Waits until a minute has so much left that a test ends in it.
#[expect(clippy::disallowed_methods, reason = "the servers count by the real clock")]
pub(crate) async fn early_in_a_minute() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let left = 60 - now.as_secs() % 60;
    if left < 25 {
        tokio::time::sleep(Duration::from_secs(left)).await;
    }
}

async fn one_session_on_three_servers(redis: &str) {
    let replicas = Replicas::start(3, &database(), redis, &[]);
    let (a, b, c) = (replicas.api(0), replicas.api(1), replicas.api(2));
    let first = a.signed_in("ada@example.com").await;
    let second = c.login("ada@example.com", PASSWORD).await.tokens();

    let listed = b.get("/api/auth/sessions", &first.access).await.expect(StatusCode::OK);
    let sessions = listed.body.as_array().expect("a list").clone();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    let id = |current: bool| {
        let session = sessions.iter().find(|session| session["is_current"] == current);
        session.expect("one of the two")["id"].as_i64().expect("a number")
    };
    a.get("/api/auth/me", &first.access).await.expect(StatusCode::OK);
    let path = format!("/api/auth/sessions/{}", id(true));
    c.send(Method::DELETE, &path, &second.access, None).await.expect(StatusCode::OK);
    let revoked = Instant::now();
    let name = json!({"full_name": "Somebody Else"});
    let change = a.send(Method::PATCH, "/api/auth/me", &first.access, Some(&name)).await;
    let took = revoked.elapsed();
    assert_eq!(change.status, StatusCode::UNAUTHORIZED, "{change:?}");
    // It was asked there before the end: what it read then it may know for a second, for reading alone.
    let read = a.forgets(&first.access).await;
    eprintln!("revoked on one replica; another refuses changes {took:?} and reads {read:?} later");
    let refresh = b.post("/api/auth/refresh", &json!({"refresh_token": first.refresh})).await;
    assert_eq!(refresh.status, StatusCode::UNAUTHORIZED, "{refresh:?}");
    b.get("/api/auth/me", &second.access).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_session_made_on_one_is_listed_on_another_and_revoked_on_a_third() {
    one_session_on_three_servers(&REDIS.url()).await;
}

#[tokio::test]
async fn the_same_on_a_redis_cluster() {
    one_session_on_three_servers(&CLUSTER.urls()).await;
}

async fn limits_and_locks(redis: &str) {
    let replicas = Replicas::start(3, &database(), redis, &[("RATE_LIMIT_LOGIN_PER_MINUTE", "12")]);
    early_in_a_minute().await;
    for attempt in 0..5 {
        let api = replicas.api(attempt % 3);
        let wrong = api.login("eve@example.com", "Wr0ng&wrong&wrong").await;
        wrong.refused(401, "Incorrect email or password");
    }
    for number in 0..3 {
        let locked = replicas.api(number).login("eve@example.com", "Wr0ng&wrong&wrong").await;
        locked.refused(423, "account_locked");
        assert!(locked.headers.contains_key("retry-after"));
    }
    // Eight of twelve calls are used up, wherever they were made.
    let mut statuses = Vec::new();
    for attempt in 0..6 {
        let email = format!("nobody{attempt}@example.com");
        statuses.push(replicas.api(attempt % 3).login(&email, PASSWORD).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429]);
}

#[tokio::test]
async fn limits_and_locks_count_across_replicas() {
    limits_and_locks(&REDIS.url()).await;
}

#[tokio::test]
async fn limits_and_locks_count_across_replicas_on_a_redis_cluster() {
    limits_and_locks(&CLUSTER.urls()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_used_up_once_although_replicas_race() {
    let replicas = Replicas::start(3, &database(), &REDIS.url(), &[]);
    let api = replicas.api(0);
    api.signed_in("bob@example.com").await;
    api.post("/api/auth/forgot-password", &json!({"email": "bob@example.com"})).await.expect(StatusCode::OK);
    let token = api.mailed_token("bob@example.com", "/reset-password").await;
    let mut calls = JoinSet::new();
    for number in 0..30 {
        let (api, token) = (replicas.api(number % 3), token.clone());
        calls.spawn(async move {
            let body = json!({"token": token, "new_password": format!("An0ther&Zebra&{number}")});
            api.post("/api/auth/reset-password", &body).await.status.as_u16()
        });
    }
    let mut statuses = calls.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|&status| status == 400), "{statuses:?}");
}

#[test]
fn four_replicas_migrate_at_once() {
    let database = database();
    let settings = [("DATABASE_URL", database.as_str()), ("SECRET_KEY", SECRET)];
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| run(&["migrate"], &settings))).collect();
        runs.into_iter().map(|run| run.join().expect("a command that ends")).collect()
    });
    let text = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut applied: Vec<String> = outputs
        .iter()
        .flat_map(|output| text(output).lines().map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect();
    applied.retain(|line| line.starts_with("applied "));
    let all = applied.len();
    applied.sort();
    applied.dedup();
    assert_eq!(applied.len(), all, "each migration ran once: {applied:?}");
    assert!(all >= 7, "{applied:?}");
    assert!(text(&run(&["migrate"], &settings)).contains("the database is up to date"));
}

#[test]
fn a_server_does_not_start_on_a_database_of_another_version() {
    let database = database();
    let settings = [("DATABASE_URL", database.as_str()), ("SECRET_KEY", SECRET)];
    let refused = run(&["serve"], &settings);
    assert!(!refused.status.success());
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("run `auth-server migrate` first"), "{text}");
}

/// Registers again and again, at the next server that says it is ready, as a load balancer would.
async fn keep_registering(writer: usize, bases: Vec<String>, until: Instant) -> (Vec<String>, usize) {
    // A connection kept for later may be closed at the very moment it is used again.
    let http = Client::builder().pool_max_idle_per_host(0).build().expect("a client");
    let (mut acknowledged, mut broken, mut number) = (Vec::new(), 0, 0);
    while Instant::now() < until {
        number += 1;
        let base = &bases[(writer + number) % bases.len()];
        let ready = http.get(format!("{base}/health/ready")).send().await;
        if !ready.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            continue;
        }
        let email = format!("load{writer}-{number}@example.com");
        let body = json!({"email": email, "password": PASSWORD});
        match http.post(format!("{base}/api/auth/register")).json(&body).send().await {
            Ok(answer) if answer.status() == StatusCode::CREATED => acknowledged.push(email),
            Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => {}
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => broken += 1,
        }
    }
    (acknowledged, broken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_rolling_restart_under_load_loses_no_acknowledged_request() {
    let database = database();
    let mut replicas = Replicas::start(3, &database, &REDIS.url(), &[]);
    let tokens = replicas.api(0).signed_in("steady@example.com").await;
    let until = Instant::now() + Duration::from_secs(30);
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        writers.spawn(keep_registering(writer, replicas.bases(), until));
    }
    for number in 0..3 {
        tokio::time::sleep(Duration::from_millis(800)).await;
        replicas = tokio::task::spawn_blocking(move || {
            replicas.roll(number);
            replicas
        })
        .await
        .expect("a restarted server");
    }
    let (mut acknowledged, mut broken) = (Vec::new(), 0);
    for (emails, errors) in writers.join_all().await {
        acknowledged.extend(emails);
        broken += errors;
    }
    eprintln!("rolling restart: {} acknowledged, {broken} connections broken", acknowledged.len());
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    assert_eq!(broken, 0, "a request was taken and not answered");
    let http = Client::new();
    for email in &acknowledged {
        let again = json!({"email": email, "password": PASSWORD});
        let url = format!("{}/api/auth/register", replicas.base(0));
        let answer = Answer::of(http.post(url).json(&again).send().await).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{email} was acknowledged and is gone");
    }
    let me = replicas.api(2).get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    assert_eq!(me.body["email"], Value::from("steady@example.com"));
}
