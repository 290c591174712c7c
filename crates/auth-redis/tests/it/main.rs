//! Tests of the adapter on real servers, all in one binary.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

mod acl;
mod contract;
mod failure;
mod keys;
mod replicas;
mod tls;

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use auth_domain::port::{Admission, Quota, RateLimiter};
use auth_redis::{RedisConfig, RedisFailure, RedisState};
use auth_testkit::{
    builder::noon,
    fake::FakeCipher,
    part::redis::{RedisCluster, RedisServer},
};

/// The servers that tests share; each test has a prefix of its own.
static SINGLE: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);
static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

/// Settings for a server that is not what is tested: patient, and with keys of their own.
fn config(urls: &str) -> RedisConfig {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut config = RedisConfig::parse(urls).unwrap().with_prefix(&format!("test-{number}:")).unwrap();
    config.connect_timeout = Duration::from_secs(10);
    config.operation_timeout = Duration::from_secs(10);
    config
}

fn state(config: &RedisConfig) -> RedisState {
    RedisState::new(config, Arc::new(FakeCipher::default())).unwrap()
}

fn single() -> RedisState {
    state(&config(&SINGLE.url()))
}

fn cluster() -> RedisState {
    state(&config(&CLUSTER.urls()))
}

/// Counts one event; what failed, if it did.
async fn admit(state: &RedisState, key: &str) -> Result<Admission, RedisFailure> {
    let outcome = state.admit(key, Quota::per_hour(1_000_000), noon()).await;
    outcome.map_err(|error| *error.source.downcast().unwrap())
}
