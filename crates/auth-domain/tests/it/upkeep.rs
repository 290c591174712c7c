//! What upkeep deletes.

use std::sync::Arc;

use auth_domain::{
    port::{Clock as _, Store as _},
    usecase::Policy,
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{builder, fake::TestEngine};
use chrono::TimeDelta;

async fn engine() -> (TestEngine, SqliteStore) {
    let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
    store.migrate().await.expect("a schema");
    (TestEngine::new(Arc::new(store.clone()), Policy::default()), store)
}

/// They are worth nothing any more, and tell where somebody was: they go at once, in batches.
#[tokio::test]
async fn devices_go_as_soon_as_they_have_to_prove_themselves_again() {
    let (test, store) = engine().await;
    let now = test.clock.now();
    let user = builder::user(1, now);
    let mut tx = store.begin().await.expect("a transaction");
    tx.users().insert(&user).await.expect("the store works").expect("a new address");
    for number in 0..600 {
        let device = builder::device(number, user.id, now - TimeDelta::minutes(10));
        tx.devices().remember(&device).await.expect("the store works");
    }
    let good = builder::device(1_000, user.id, now);
    tx.devices().remember(&good).await.expect("the store works");
    tx.commit().await.expect("a commit");

    let run = || async { test.engine.upkeep.run().await.expect("upkeep") };
    let (first, second, third) = (run().await, run().await, run().await);
    assert_eq!((first.devices, first.is_unfinished()), (500, true));
    assert_eq!((second.devices, second.is_unfinished()), (100, false));
    assert_eq!(third.devices, 0);
    let left = store.read().await.expect("repositories").devices().list(user.id, now).await;
    assert_eq!(left.expect("the store works"), [good]);
}
