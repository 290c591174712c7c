//! One server per database.

use std::os::unix::fs::symlink;

use auth_sqlite::{ClaimError, SqliteConfig, SqliteStore};

use crate::{OnFile, process};

#[tokio::test]
async fn a_second_server_is_refused_until_the_first_is_gone() {
    let on_file = OnFile::new().await;
    let claim = on_file.store.claim().unwrap();
    assert!(matches!(on_file.store.claim(), Err(ClaimError::Held { .. })));
    assert!(!process::child("claim", &on_file.path()).wait().unwrap().success(), "in another process too");
    drop(claim);
    assert!(process::child("claim", &on_file.path()).wait().unwrap().success());
    // The child is gone without a goodbye, and with it its claim.
    drop(on_file.store.claim().unwrap());
}

#[tokio::test]
async fn a_link_to_the_database_is_the_same_database() {
    let on_file = OnFile::new().await;
    let _claim = on_file.store.claim().unwrap();
    let link = on_file.directory.path().join("link.db");
    symlink(on_file.path(), &link).unwrap();
    let second = SqliteStore::open(SqliteConfig::file(link)).unwrap();
    assert!(matches!(second.claim(), Err(ClaimError::Held { .. })));
}

#[tokio::test]
async fn two_databases_have_two_servers() {
    let (one, other) = (OnFile::new().await, OnFile::new().await);
    let _one = one.store.claim().unwrap();
    let _other = other.store.claim().unwrap();
}

#[tokio::test]
async fn work_goes_on_next_to_a_claim() {
    let on_file = OnFile::new().await;
    let _claim = on_file.store.claim().unwrap();
    assert!(process::child("migrate", &on_file.path()).wait().unwrap().success());
}
