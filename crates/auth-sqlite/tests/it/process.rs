//! Other processes on the same database: this test binary, run again for one test.

use std::{
    env, mem,
    path::Path,
    process::{Child, Command, Stdio},
};

use auth_domain::port::Store;
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::builder;
use tempfile::TempDir;

const TASK: &str = "AUTH_SQLITE_TEST_TASK";
const DATABASE: &str = "AUTH_SQLITE_TEST_DATABASE";

/// Starts another process that does `task` on the database at `path`.
pub(crate) fn child(task: &str, path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "process::as_a_child", "--nocapture"])
        .env(TASK, task)
        .env(DATABASE, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a child does; nothing when it runs as a test of its own.
#[tokio::test]
async fn as_a_child() {
    let (Ok(task), Ok(path)) = (env::var(TASK), env::var(DATABASE)) else { return };
    let store = SqliteStore::open(SqliteConfig::file(path)).unwrap();
    match task.as_str() {
        "claim" => mem::forget(store.claim().unwrap()),
        "migrate" => drop(store.migrate().await.unwrap()),
        "commit and die" => {
            let mut tx = store.begin().await.unwrap();
            tx.users().insert(&builder::user(1, builder::noon())).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            let mut tx = store.begin().await.unwrap();
            tx.users().insert(&builder::user(2, builder::noon())).await.unwrap().unwrap();
            std::process::abort();
        }
        other => panic!("unknown task {other}"),
    }
}

#[tokio::test]
async fn processes_that_migrate_at_once_all_succeed() {
    for _ in 0..3 {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("auth.db");
        let children: Vec<Child> = (0..4).map(|_| child("migrate", &path)).collect();
        for mut running in children {
            assert!(running.wait().unwrap().success());
        }
        let store = SqliteStore::open(SqliteConfig::file(path)).unwrap();
        assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
        assert_eq!(store.migrate().await.unwrap(), Vec::<String>::new());
    }
}
