//! Two hosts: the one that accepts writes is used, also after they have changed places.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use auth_domain::{
    id::UserId,
    port::{Store, StoreError},
};
use auth_postgres::PostgresStore;
use auth_testkit::{builder, part::postgres::Postgres};

use crate::support::{config, strict};

/// A primary and a standby that has everything before the primary acknowledges it, and a migrated
/// database on both.
async fn pair() -> (Postgres, Postgres, String) {
    let primary = Postgres::durable(&["fsync=off"]);
    let database = primary.database();
    PostgresStore::open(&config(&primary.url(&database))).unwrap().migrate().await.unwrap();
    let standby = primary.standby("standby1");
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby1'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    primary.daemon().wait_until(|| primary.sql("postgres", state) == "1");
    (primary, standby, database)
}

async fn insert(store: &PostgresStore, number: i64) -> Result<(), StoreError> {
    let user = builder::user(number, builder::noon());
    let mut tx = store.begin().await?;
    tx.users().insert(&user).await?.expect("the address is free");
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_the_standby_takes_over() {
    let (primary, standby, database) = pair().await;
    // The standby first: it must be passed over as long as it only reads.
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", standby.port(), primary.port());
    let store = PostgresStore::open(&strict(&format!("postgres://postgres@{hosts}/{database}"))).unwrap();
    let (acknowledged, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..4i64)
        .map(|writer| {
            let (store, acknowledged, stop) = (store.clone(), Arc::clone(&acknowledged), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut number = writer;
                while !stop.load(Ordering::SeqCst) {
                    match insert(&store, number).await {
                        Ok(()) => acknowledged.lock().unwrap().push(number),
                        Err(StoreError::Unavailable(_)) => {
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                    number += 4; // whatever became of it: an unknown outcome is not tried again
                }
            })
        })
        .collect();
    let count = || acknowledged.lock().unwrap().len();
    reach(count, 100).await;
    primary.control(&["stop", "-m", "immediate", "-w"]);
    let before = count();
    standby.control(&["promote", "-w"]);
    let promoted = Instant::now();
    reach(count, before + 100).await;
    let took = promoted.elapsed();
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    eprintln!("failover: writes again {took:?} after the promotion, {} acknowledged", count());
    assert!(took < Duration::from_secs(20), "{took:?}");
    let kept = standby.sql(&database, "SELECT id FROM users");
    let kept: std::collections::HashSet<i64> = kept.lines().map(|line| line.parse().unwrap()).collect();
    let lost: Vec<i64> =
        acknowledged.lock().unwrap().iter().copied().filter(|id| !kept.contains(id)).collect();
    assert_eq!(lost, [0i64; 0]);
}

async fn reach(count: impl Fn() -> usize, goal: usize) {
    let begun = Instant::now();
    while count() < goal {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} of {goal}", count());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_reads_is_refused_or_noticed() {
    let (primary, standby, database) = pair().await;
    let picky = PostgresStore::open(&strict(&standby.url(&database))).unwrap();
    assert!(matches!(picky.ping().await, Err(StoreError::Unavailable(_))));
    let any = format!("{}?target_session_attrs=any", standby.url(&database));
    let store = PostgresStore::open(&strict(&any)).unwrap();
    store.ping().await.unwrap();
    let id = UserId::from_i64(1);
    assert_eq!(store.read().await.unwrap().users().by_id(id).await.unwrap(), None);
    // As if it had just lost its role: writing fails in a way that may pass, and the session ends.
    assert!(matches!(insert(&store, 1).await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.read().await.unwrap().users().by_id(id).await.unwrap(), None);
    let sessions = "SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_stat_activity
                    WHERE application_name = 'auth-server' AND query NOT LIKE 'SELECT 1'";
    let before = standby.sql(&database, sessions);
    let message = builder::outbox_item(1, builder::noon());
    let written = store.read().await.unwrap().outbox().done(message.id).await;
    assert!(matches!(written, Err(StoreError::Unavailable(_))));
    assert_eq!(store.read().await.unwrap().users().by_id(id).await.unwrap(), None);
    assert_ne!(standby.sql(&database, sessions), before);
    standby.control(&["promote", "-w"]);
    insert(&store, 1).await.unwrap();
    picky.ping().await.unwrap();
    drop(primary);
}

/// A host that swallows everything costs its limit, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_host_is_passed_over() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = &*crate::support::SERVER;
    let hosts = format!("{},127.0.0.1:{}", silent.local_addr().unwrap(), server.port());
    let mut config = strict(&format!("postgres://postgres@{hosts}/postgres"));
    config.connect_timeout = Duration::from_millis(500);
    config.reserved_connections = 1;
    let store = PostgresStore::open(&config).unwrap();
    let begun = Instant::now();
    store.ping().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(490), "{:?}", begun.elapsed());
    let again = Instant::now();
    // Another connection: the host that worked comes first now.
    store.read().await.unwrap().users().by_id(UserId::from_i64(1)).await.unwrap_err();
    assert!(again.elapsed() < Duration::from_millis(490), "{:?}", again.elapsed());
}
