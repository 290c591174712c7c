//! Replicas of a server that share what is counted.

use std::{sync::Arc, time::Duration};

use auth_domain::port::SmsLedger;
use auth_redis::RedisConfig;
use auth_testkit::builder::noon;

use crate::{CLUSTER, SINGLE, config, state};

const DAY: Duration = Duration::from_hours(24);

/// Two replicas add in parallel: none is lost, and each addition sees a count of its own.
async fn count_together(config: RedisConfig) {
    let replicas = [state(&config), state(&config)].map(Arc::new);
    let calls: Vec<_> = (0..8)
        .map(|number| {
            let replica = Arc::clone(&replicas[number % 2]);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..50 {
                    seen.push(replica.add("key", 3, DAY, noon()).await.unwrap());
                }
                seen
            })
        })
        .collect();
    let mut seen = Vec::new();
    for call in calls {
        seen.extend(call.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=400).map(|call| call * 3).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_one_server_replicas_count_messages_together() {
    count_together(config(&SINGLE.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_cluster_replicas_count_messages_together() {
    count_together(config(&CLUSTER.urls())).await;
}
