//! Waiting: for a turn within the process, and for another process that has the file.

use std::time::Duration;

use auth_domain::port::{Store, StoreError};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::builder;
use diesel::{SqliteConnection, connection::SimpleConnection};

use crate::OnFile;

/// A database that another program holds the write lock of, and a store that soon gives up.
async fn held() -> (OnFile, SqliteStore, SqliteConnection) {
    let on_file = OnFile::new().await;
    let impatient =
        SqliteConfig { busy_timeout: Duration::from_millis(1), ..SqliteConfig::file(on_file.path()) };
    let store = SqliteStore::open(impatient).unwrap();
    let mut other = on_file.past_the_store();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    (on_file, store, other)
}

#[tokio::test]
async fn a_file_that_another_process_writes_is_unavailable() {
    let (_on_file, store, mut other) = held().await;
    let ada = builder::user(1, builder::noon());
    assert!(matches!(store.begin().await, Err(StoreError::Unavailable(_))));
    let mut repos = store.read().await.unwrap();
    assert!(matches!(repos.users().insert(&ada).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.migrate().await, Err(StoreError::Unavailable(_))));
    assert_eq!(repos.users().by_id(ada.id).await.unwrap(), None, "reading goes on");
    store.ping().await.unwrap();
    other.batch_execute("COMMIT").unwrap();
    repos.users().insert(&ada).await.unwrap().unwrap();
    store.begin().await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn who_waits_for_another_process_gets_through_when_it_is_done() {
    let on_file = OnFile::new().await;
    let mut other = on_file.past_the_store();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let store = on_file.store.clone();
    let waiting = tokio::spawn(async move { store.begin().await?.commit().await });
    tokio::task::yield_now().await;
    other.batch_execute("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_may_leave_while_it_waits_for_another_process() {
    let (_on_file, store, mut other) = held().await;
    for _ in 0..10 {
        let _ = tokio::time::timeout(Duration::from_micros(50), store.begin()).await;
    }
    other.batch_execute("COMMIT").unwrap();
    store.begin().await.unwrap().rollback().await.unwrap();
}

#[tokio::test]
async fn who_does_not_get_the_writer_in_time_is_told_so() {
    let config = SqliteConfig { acquire_timeout: Duration::from_millis(1), ..SqliteConfig::in_memory() };
    let store = SqliteStore::open(config).unwrap();
    // The timeout is short for a slow machine too.
    while store.migrate().await.is_err() {}
    let tx = store.begin().await.unwrap();
    assert!(matches!(store.begin().await, Err(StoreError::Unavailable(_))));
    let ada = builder::user(1, builder::noon());
    let mut repos = store.read().await.unwrap();
    assert!(matches!(repos.users().insert(&ada).await, Err(StoreError::Unavailable(_))));
    assert_eq!(repos.users().by_id(ada.id).await.unwrap(), None, "reading goes on");
    drop(tx);
    repos.users().insert(&ada).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_store_without_its_tables_answers_and_says_what_is_missing() {
    let store = SqliteStore::open(SqliteConfig::in_memory()).unwrap();
    store.ping().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap().len(), crate::schema::STEPS);
    let id = builder::user(1, builder::noon()).id;
    let answer = store.read().await.unwrap().users().by_id(id).await;
    assert!(matches!(answer, Err(StoreError::Internal(_))));
    assert_eq!(store.migrate().await.unwrap().len(), crate::schema::STEPS);
    assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
}
