//! The contract of the store ports, in both modes.

use std::sync::Arc;

use auth_domain::port::Store;
use auth_sqlite::{SqliteConfig, SqliteStore};
use tempfile::TempDir;

async fn migrated(config: SqliteConfig) -> Arc<dyn Store> {
    let store = SqliteStore::open(config).unwrap();
    store.migrate().await.unwrap();
    Arc::new(store)
}

mod on_a_file {
    use super::{Arc, SqliteConfig, Store, TempDir, migrated};

    async fn store() -> (Arc<dyn Store>, TempDir) {
        let directory = TempDir::new().unwrap();
        (migrated(SqliteConfig::file(directory.path().join("auth.db"))).await, directory)
    }
    auth_testkit::store_contract!(store);
}

mod in_memory {
    use super::{Arc, SqliteConfig, Store, migrated};

    async fn store() -> (Arc<dyn Store>, ()) {
        (migrated(SqliteConfig::in_memory()).await, ())
    }
    auth_testkit::store_contract!(store);
}

mod archive {
    use super::{Arc, SqliteConfig, SqliteStore};

    async fn store() -> (Arc<SqliteStore>, ()) {
        let store = SqliteStore::open(SqliteConfig::in_memory()).unwrap();
        store.migrate().await.unwrap();
        (Arc::new(store), ())
    }
    auth_testkit::archive_contract!(store);
}
