//! Servers that hang, die, come back, forget their scripts, or refuse.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_domain::port::SmsLedger;
use auth_redis::{RedisConfig, RedisFailure, RedisState};
use auth_testkit::{
    builder::noon,
    part::redis::{RedisCluster, RedisOptions, RedisServer},
};

use crate::{SINGLE, admit, config, state};

/// Far above every limit of time the adapter keeps, for machines under load.
const SOON: Duration = Duration::from_secs(2);

/// The usual limits of time, and a breaker that is open for a short while.
fn impatient(urls: &str) -> RedisConfig {
    let usual = RedisConfig::parse(urls).unwrap();
    assert_eq!(usual.connect_timeout, Duration::from_millis(100));
    assert_eq!(usual.operation_timeout, Duration::from_millis(50));
    assert_eq!((usual.breaker.failures, usual.breaker.open_for), (5, Duration::from_secs(5)));
    let mut config = usual.with_prefix(config(urls).prefix()).unwrap();
    config.breaker.open_for = Duration::from_millis(300);
    config
}

/// Calls until the breaker opens, and gives what failed before.
async fn until_open(state: &RedisState) -> Vec<RedisFailure> {
    let mut failures = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        match admit(state, "key").await {
            Ok(_) => failures.clear(),
            Err(RedisFailure::BreakerOpen) => return failures,
            Err(failure) => failures.push(failure),
        }
        assert!(begun.elapsed() < SOON, "{failures:?} took {:?}", begun.elapsed());
    }
    panic!("the breaker does not open: {failures:?}");
}

/// Calls until one succeeds.
async fn until_restored(state: &RedisState) {
    until_answered(state, 0).await;
    assert!(!state.is_breaker_open());
}

#[tokio::test]
async fn a_dead_server_opens_the_breaker_and_is_found_again() {
    let server = RedisServer::start();
    let state = state(&impatient(&server.url()));
    until_restored(&state).await;
    for _ in 0..2 {
        server.kill();
        let failures = until_open(&state).await;
        assert_eq!(failures.len(), 5, "{failures:?}");
        assert!(matches!(failures[4], RedisFailure::Connect(_)), "{failures:?}");
        assert!(state.is_breaker_open());
        assert!(matches!(state.ping().await, Err(RedisFailure::BreakerOpen)));
        server.restart();
        until_restored(&state).await;
    }
}

#[tokio::test]
async fn messages_cannot_be_counted_without_a_server() {
    let server = RedisServer::start();
    let state = state(&impatient(&server.url()));
    until_restored(&state).await;
    let hour = Duration::from_hours(1);
    for by in [0, 1] {
        server.kill();
        let begun = Instant::now();
        let error = state.add("key", by, hour, noon()).await.unwrap_err();
        assert!(error.source.downcast_ref::<RedisFailure>().is_some(), "{error:?}");
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        server.restart();
        until_restored(&state).await;
        // What was counted before is gone with the server, which keeps nothing.
        assert_eq!(state.add("key", by, hour, noon()).await.unwrap(), by);
    }
}

#[tokio::test]
async fn a_hanging_server_costs_little_time_and_is_found_again() {
    let server = RedisServer::start();
    let state = state(&impatient(&server.url()));
    until_restored(&state).await;
    server.hang();
    let failures = until_open(&state).await;
    assert_eq!(failures.len(), 5, "{failures:?}");
    let in_time = |failure| matches!(failure, &RedisFailure::Timeout | &RedisFailure::ConnectTimeout);
    assert!(failures.iter().all(in_time), "{failures:?}");
    server.wake();
    until_restored(&state).await;
}

#[tokio::test]
async fn a_server_that_hangs_before_the_first_word_costs_little_time() {
    let lines = vec!["user ada on >secret ~* +@all".to_owned()];
    let server = RedisServer::with(RedisOptions { lines, ..RedisOptions::default() });
    let state = state(&impatient(&server.url().replace("://", "://ada:secret@")));
    server.hang();
    let begun = Instant::now();
    let failure = admit(&state, "key").await.unwrap_err();
    assert!(matches!(failure, RedisFailure::ConnectTimeout), "{failure:?}");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    server.wake();
    until_restored(&state).await;
}

#[tokio::test]
async fn an_open_breaker_lets_one_call_through() {
    let server = RedisServer::start();
    let state = Arc::new(state(&impatient(&server.url())));
    server.hang();
    until_open(&state).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let state = Arc::clone(&state);
            tokio::spawn(async move { admit(&state, "key").await.unwrap_err() })
        })
        .collect();
    let mut probes = 0;
    for call in calls {
        probes += usize::from(!matches!(call.await.unwrap(), RedisFailure::BreakerOpen));
    }
    assert_eq!(probes, 1);
}

#[tokio::test]
async fn a_call_waits_no_longer_for_a_connection_than_for_an_answer() {
    let server = RedisServer::start();
    let mut config = impatient(&server.url());
    config.pool_size = 1;
    let state = Arc::new(state(&config));
    until_restored(&state).await;
    server.hang();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let state = Arc::clone(&state);
            tokio::spawn(async move { admit(&state, "key").await.unwrap_err() })
        })
        .collect();
    let begun = Instant::now();
    for call in calls {
        call.await.unwrap();
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn forgotten_scripts_are_sent_again() {
    let server = RedisServer::start();
    let state = state(&config(&server.url()));
    for _ in 0..3 {
        admit(&state, "key").await.unwrap();
        assert_eq!(server.cli(&["SCRIPT", "FLUSH"]), "OK");
    }
    admit(&state, "key").await.unwrap();
    // The text is sent once; after that the hash is enough.
    assert_eq!(evals(&server), 4);
    admit(&state, "key").await.unwrap();
    assert_eq!(evals(&server), 4);
}

/// How often the server was sent the text of a script.
fn evals(server: &RedisServer) -> u32 {
    let stats = server.cli(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_eval:calls=")).unwrap();
    line.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn connections_that_broke_together_cost_one_call() {
    let server = RedisServer::start();
    let state = Arc::new(state(&config(&server.url())));
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let state = Arc::clone(&state);
            tokio::spawn(async move { admit(&state, "key").await.unwrap() })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let killed: u32 = server.cli(&["CLIENT", "KILL", "TYPE", "normal"]).parse().unwrap();
    assert!(killed > 1, "{killed}");
    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(admit(&state, "key").await.is_err());
    }
    assert!(failed <= 1, "{failed}");
}

#[tokio::test]
async fn a_connection_that_broke_while_idle_costs_no_call() {
    let server = RedisServer::start();
    let state = state(&config(&server.url()));
    admit(&state, "key").await.unwrap();
    server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    // Idle for longer than a connection is trusted unasked.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    admit(&state, "key").await.unwrap();
}

#[tokio::test]
async fn a_cluster_that_hangs_is_found_again() {
    let cluster = RedisCluster::start();
    let state = state(&impatient(&cluster.urls()));
    until_restored(&state).await;
    for node in cluster.nodes() {
        node.hang();
    }
    let failures = until_open(&state).await;
    assert!(failures.len() >= 5, "{failures:?}");
    for node in cluster.nodes() {
        node.wake();
    }
    until_restored(&state).await;
}

#[tokio::test]
async fn one_hanging_node_leaves_the_others_usable() {
    let cluster = RedisCluster::start();
    let mut config = impatient(&cluster.urls());
    // The breaker is for the cluster as a whole; it must not hide what single nodes do here.
    config.breaker.failures = u32::MAX;
    let state = state(&config);
    for key in 0..30 {
        until_answered(&state, key).await;
    }
    cluster.nodes()[0].hang();
    let mut answered = 0;
    for key in 0..30 {
        answered += u32::from(admit(&state, &key.to_string()).await.is_ok());
    }
    assert!((5..30).contains(&answered), "{answered}");
    cluster.nodes()[0].wake();
    for key in 0..30 {
        until_answered(&state, key).await;
    }
}

/// Calls for this key until one succeeds.
async fn until_answered(state: &RedisState, key: u32) {
    let begun = Instant::now();
    while let Err(failure) = admit(state, &key.to_string()).await {
        assert!(begun.elapsed() < Duration::from_secs(20), "still {failure:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn refusals_show_no_secrets() {
    let config = config(&SINGLE.url().replace("://", "://ada:hunter2@"));
    let state = state(&config);
    let failure = admit(&state, "ada@example.com").await.unwrap_err();
    assert!(matches!(failure, RedisFailure::Connect(_)), "{failure:?}");
    let source = std::error::Error::source(&failure).map(ToString::to_string);
    let text = format!("{failure} {failure:?} {source:?} {state:?} {config:?}");
    assert!(!text.contains("hunter2") && !text.contains("example"), "{text}");
}
