//! The standby takes over: the address names both, and nothing acknowledged is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use auth_testkit::part::postgres::Postgres;
use reqwest::{Client, StatusCode};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::harness::{
    Api, PASSWORD,
    parts::SECRET,
    process::{Process, run},
};

/// A standby that has everything before the primary acknowledges it.
fn followed(primary: &Postgres) -> Postgres {
    let standby = primary.standby("standby1");
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby1'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    primary.daemon().wait_until(|| primary.sql("postgres", state) == "1");
    standby
}

/// Registers again and again; says which registrations were acknowledged.
async fn keep_registering(
    writer: usize,
    base: String,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Vec<String> {
    let (http, mut acknowledged, mut number) = (Client::new(), Vec::new(), 0);
    while !stop.load(Ordering::SeqCst) {
        number += 1;
        let email = format!("failover{writer}-{number}@example.com");
        let body = json!({"email": email, "password": PASSWORD});
        let answer = http.post(format!("{base}/api/auth/register")).json(&body).send().await;
        match answer.expect("the server answers, whatever its database does").status() {
            StatusCode::CREATED => {
                acknowledged.push(email);
                count.fetch_add(1, Ordering::SeqCst);
            }
            StatusCode::SERVICE_UNAVAILABLE => tokio::time::sleep(Duration::from_millis(50)).await,
            status => panic!("{status}"),
        }
    }
    acknowledged
}

async fn reach(count: &AtomicUsize, goal: usize, patience: Duration) {
    let begun = Instant::now();
    while count.load(Ordering::SeqCst) < goal {
        assert!(begun.elapsed() < patience, "{} of {goal}", count.load(Ordering::SeqCst));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_acknowledged_account_is_lost_when_the_standby_takes_over() {
    let primary = Postgres::durable(&["fsync=off"]);
    let database = primary.database();
    let standby = tokio::task::block_in_place(|| followed(&primary));
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
    let url = format!("postgres://postgres@{hosts}/{database}");
    let settings = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET)];
    let migrated = tokio::task::block_in_place(|| run(&["migrate"], &settings));
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let directory = TempDir::new().expect("a temporary directory");
    let server = tokio::task::block_in_place(|| Process::start(directory.path(), &settings));
    let api = Api::at(server.base());
    let tokens = api.signed_in("ada@example.com").await;

    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let base = server.base().to_owned();
        writers.spawn(keep_registering(writer, base, Arc::clone(&stop), Arc::clone(&count)));
    }
    reach(&count, 30, Duration::from_secs(30)).await;
    tokio::task::block_in_place(|| {
        primary.control(&["stop", "-m", "immediate", "-w"]);
        standby.control(&["promote", "-w"]);
    });
    let (promoted, before) = (Instant::now(), count.load(Ordering::SeqCst));
    reach(&count, before + 1, Duration::from_secs(30)).await;
    eprintln!("failover: a registration again {} ms after the promotion", promoted.elapsed().as_millis());
    reach(&count, before + 30, Duration::from_secs(30)).await;
    stop.store(true, Ordering::SeqCst);

    let acknowledged: Vec<String> = writers.join_all().await.into_iter().flatten().collect();
    for email in &acknowledged {
        let again = api.register(email).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{email} was acknowledged and is gone");
    }
    api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
}
