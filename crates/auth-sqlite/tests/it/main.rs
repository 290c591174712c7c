//! Tests of the store on SQLite, all in one binary.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

mod claim;
mod contract;
mod durability;
mod factors_model;
mod files;
mod locked;
mod model;
mod process;
mod rows;
mod schema;

use std::path::PathBuf;

use auth_sqlite::{SqliteConfig, SqliteStore};
use diesel::{Connection, SqliteConnection};
use tempfile::TempDir;

/// A migrated store on a file of its own.
struct OnFile {
    store: SqliteStore,
    directory: TempDir,
}

impl OnFile {
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = SqliteStore::open(SqliteConfig::file(directory.path().join("auth.db"))).unwrap();
        store.migrate().await.unwrap();
        Self { store, directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("auth.db")
    }

    /// A connection past the store, as another program would have it.
    fn past_the_store(&self) -> SqliteConnection {
        SqliteConnection::establish(self.path().to_str().unwrap()).unwrap()
    }
}
