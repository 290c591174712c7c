//! What was committed is there afterwards, whatever happened; what was not is not.

use auth_domain::port::Store;
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::builder;
use diesel::{RunQueryDsl, connection::SimpleConnection, dsl::sql, sql_types::Text};

use crate::{OnFile, process};

#[tokio::test]
async fn a_commit_outlives_the_store() {
    let OnFile { store, directory } = OnFile::new().await;
    let (ada, bob) = (builder::user(1, builder::noon()), builder::user(2, builder::noon()));
    let mut tx = store.begin().await.unwrap();
    tx.users().insert(&ada).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let mut open = store.begin().await.unwrap();
    open.users().insert(&bob).await.unwrap().unwrap();
    drop((open, store));
    let store = SqliteStore::open(SqliteConfig::file(directory.path().join("auth.db"))).unwrap();
    let mut repos = store.read().await.unwrap();
    assert_eq!(repos.users().by_id(ada.id).await.unwrap(), Some(ada));
    assert_eq!(repos.users().by_id(bob.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_commit_outlives_a_crash() {
    let on_file = OnFile::new().await;
    assert!(!process::child("commit and die", &on_file.path()).wait().unwrap().success());
    let mut repos = on_file.store.read().await.unwrap();
    let present = |user: Option<_>| user.is_some();
    for (number, expected) in [(1, true), (2, false)] {
        let id = builder::user(number, builder::noon()).id;
        assert_eq!(present(repos.users().by_id(id).await.unwrap()), expected, "{number}");
    }
    let check: String =
        sql::<Text>("PRAGMA integrity_check").get_result(&mut on_file.past_the_store()).unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn a_copy_taken_while_the_server_runs_is_whole() {
    let on_file = OnFile::new().await;
    let ada = builder::user(1, builder::noon());
    on_file.store.read().await.unwrap().users().insert(&ada).await.unwrap().unwrap();
    let mut open = on_file.store.begin().await.unwrap();
    open.users().insert(&builder::user(2, builder::noon())).await.unwrap().unwrap();
    let copy = on_file.directory.path().join("copy.db");
    on_file.past_the_store().batch_execute(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
    drop(open);
    let copied = SqliteStore::open(SqliteConfig::file(copy)).unwrap();
    let mut repos = copied.read().await.unwrap();
    assert_eq!(repos.users().by_id(ada.id).await.unwrap(), Some(ada));
    assert_eq!(repos.users().by_id(builder::user(2, builder::noon()).id).await.unwrap(), None);
}
