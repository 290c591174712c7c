//! What lies on the disk.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use auth_domain::port::Store;
use auth_sqlite::{OpenError, SqliteConfig, SqliteStore};
use auth_testkit::builder;
use tempfile::TempDir;

use crate::OnFile;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn every_file_is_for_its_owner_alone() {
    let directory = TempDir::new().unwrap();
    let made = directory.path().join("var").join("auth");
    let store = SqliteStore::open(SqliteConfig::file(made.join("auth.db"))).unwrap();
    let _claim = store.claim().unwrap();
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
    assert_eq!((mode(&made), mode(made.parent().unwrap())), (0o700, 0o700));
    let mut names: Vec<String> = fs::read_dir(&made)
        .unwrap()
        .map(|entry| entry.unwrap())
        .inspect(|entry| assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display()))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["auth.db", "auth.db-shm", "auth.db-wal", "auth.db.lock"]);
}

#[tokio::test]
async fn an_existing_file_keeps_its_content_and_mode() {
    let on_file = OnFile::new().await;
    let path = on_file.path();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let again = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    assert_eq!(mode(&path), 0o640);
    assert_eq!(again.pending_migrations().await.unwrap(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_opened_is_said() {
    let directory = TempDir::new().unwrap();
    let is_directory = SqliteStore::open(SqliteConfig::file(directory.path()));
    assert!(matches!(is_directory, Err(OpenError::Create { .. })));
    let garbage = directory.path().join("garbage.db");
    fs::write(&garbage, "this is no database, and long enough to be seen as none".repeat(40)).unwrap();
    assert!(SqliteStore::open(SqliteConfig::file(&garbage)).is_err());
    assert!(fs::read_to_string(&garbage).unwrap().starts_with("this is no database"), "it is untouched");
}

#[tokio::test]
async fn a_name_that_sqlite_reads_otherwise_is_just_a_name() {
    let directory = TempDir::new().unwrap();
    for name in [":memory:", "file:x?mode=memory", "%41 b.db", "é.db"] {
        let path = directory.path().join(name);
        let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
        store.migrate().await.unwrap();
        assert_eq!(store.path(), path);
        assert!(fs::metadata(&path).unwrap().len() > 0, "{name}");
    }
}

#[tokio::test]
async fn a_throw_away_database_is_private_and_leaves_nothing() {
    let (one, other) = [(); 2].map(|()| SqliteStore::open(SqliteConfig::in_memory()).unwrap()).into();
    one.migrate().await.unwrap();
    other.migrate().await.unwrap();
    let ada = builder::user(1, builder::noon());
    one.read().await.unwrap().users().insert(&ada).await.unwrap().unwrap();
    assert_eq!(other.read().await.unwrap().users().by_id(ada.id).await.unwrap(), None);
    let place = one.path().parent().unwrap().to_owned();
    assert_eq!(mode(&place), 0o700);
    let clone = one.clone();
    drop(one);
    assert_eq!(clone.read().await.unwrap().users().by_id(ada.id).await.unwrap(), Some(ada));
    drop(clone);
    assert!(!place.exists());
}
