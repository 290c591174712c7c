//! Moving from store to store, on the embedded one.

use std::sync::Arc;

use auth_domain::{
    port::{Archive, Record, RecordKind, Store as _, StoreError},
    session::{EndReason, Ended},
    usecase::{Transfer, TransferError},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{
    builder::{self, noon},
    contract::archive::one_of_each,
    mock::MockArchive,
};

async fn empty() -> Arc<SqliteStore> {
    let store = SqliteStore::open(SqliteConfig::in_memory()).unwrap();
    store.migrate().await.unwrap();
    Arc::new(store)
}

/// 1,200 accounts, more than two pages, and something of every other kind.
async fn grown() -> Arc<SqliteStore> {
    let store = empty().await;
    let users = (100..1_300).map(|number| Record::User(builder::user(number, noon()))).collect();
    store.add(users).await.unwrap();
    for record in one_of_each() {
        store.add(vec![record]).await.unwrap();
    }
    store
}

async fn all(store: &SqliteStore) -> Vec<Record> {
    let mut all = Vec::new();
    for kind in RecordKind::ALL {
        all.extend(store.page(kind, None, 10_000).await.unwrap());
    }
    all
}

#[tokio::test]
async fn everything_arrives_and_is_counted() {
    let (from, to) = (grown().await, empty().await);
    let mut reports = Vec::new();
    let done = Transfer::new(from.clone(), to.clone()).run(false, |step| reports.push(step)).await.unwrap();
    assert_eq!(all(&to).await, all(&from).await);
    assert_eq!((done[0].kind, done[0].copied, done[0].total), (RecordKind::User, 1_201, 1_201));
    let users: Vec<_> =
        reports.iter().filter(|step| step.kind == RecordKind::User).map(|step| step.done).collect();
    assert_eq!(users, [0, 500, 1_000, 1_201]);
    assert!(reports.iter().all(|step| step.done <= step.total));
}

#[tokio::test]
async fn a_store_in_use_is_refused_and_left_alone() {
    let (from, to) = (grown().await, empty().await);
    to.add(vec![Record::User(builder::user(5, noon()))]).await.unwrap();
    let refused = Transfer::new(from, to.clone()).run(false, |_| {}).await.unwrap_err();
    assert_eq!(refused.to_string(), "the new store has 1 accounts already");
    assert_eq!(all(&to).await.len(), 1);
}

#[tokio::test]
async fn a_second_try_goes_on_where_the_first_one_broke() {
    let (from, to) = (grown().await, empty().await);
    let first_half = from.page(RecordKind::User, None, 700).await.unwrap();
    to.add(first_half).await.unwrap();
    let done = Transfer::new(from.clone(), to.clone()).run(true, |_| {}).await.unwrap();
    assert_eq!((done[0].copied, done[0].total), (501, 1_201));
    assert_eq!(all(&to).await, all(&from).await);
}

#[tokio::test]
async fn a_foreign_store_is_refused_before_anything_is_written() {
    let (from, to) = (grown().await, empty().await);
    to.add(vec![Record::User(builder::user(5, noon()))]).await.unwrap();
    let refused = Transfer::new(from, to.clone()).run(true, |_| {}).await.unwrap_err();
    assert_eq!(refused.to_string(), "the two stores differ in their accounts, first at Number(5)");
    assert_eq!(all(&to).await.len(), 1);
}

#[tokio::test]
async fn what_changed_since_an_earlier_try_is_refused_and_not_brought_back() {
    let (from, to) = (grown().await, empty().await);
    Transfer::new(from.clone(), to.clone()).run(false, |_| {}).await.unwrap();
    let session = builder::session(900, &builder::user(100, noon()), noon());
    from.add(vec![Record::Session(session.clone(), Vec::new())]).await.unwrap();
    Transfer::new(from.clone(), to.clone()).run(true, |_| {}).await.unwrap();
    let ended = Ended { at: noon(), reason: EndReason::Logout };
    assert!(from.read().await.unwrap().sessions().end(session.id, ended).await.unwrap());
    let refused = Transfer::new(from, to).run(true, |_| {}).await.unwrap_err();
    assert_eq!(refused.to_string(), "the two stores differ in their sessions, first at Number(900)");
}

#[tokio::test]
async fn an_empty_store_is_hardly_meant() {
    let refused = Transfer::new(empty().await, empty().await).run(false, |_| {}).await.unwrap_err();
    assert!(matches!(refused, TransferError::NothingToMove));
}

#[tokio::test]
async fn a_failing_store_ends_it() {
    let mut to = MockArchive::new();
    to.expect_count().returning(|_| Ok(0));
    to.expect_add().returning(|_| Err(StoreError::Unavailable("gone".into())));
    let failed = Transfer::new(grown().await, Arc::new(to)).run(false, |_| {}).await.unwrap_err();
    assert!(matches!(failed, TransferError::Store(StoreError::Unavailable(_))));
}
