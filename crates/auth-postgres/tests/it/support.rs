//! One cluster for all tests, one database for each.

use std::{
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use auth_postgres::{PostgresConfig, PostgresStore};
use auth_testkit::part::postgres::Postgres;

/// The cluster. It ends with the test process.
pub(crate) static SERVER: LazyLock<Postgres> = LazyLock::new(Postgres::start);

/// A database of its own, removed on drop.
pub(crate) struct Database(pub(crate) String);

impl Database {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self(SERVER.database())
    }

    /// One with the schema: a copy of one that was migrated once.
    pub(crate) fn migrated() -> Self {
        static TEMPLATE: OnceLock<String> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let template = SERVER.database();
            let store = PostgresStore::open(&config(&SERVER.url(&template))).unwrap();
            let runtime = || tokio::runtime::Runtime::new().unwrap().block_on(store.migrate());
            std::thread::scope(|scope| scope.spawn(runtime).join()).unwrap().unwrap();
            template
        });
        Self(SERVER.copy_of(template))
    }

    pub(crate) fn url(&self) -> String {
        SERVER.url(&self.0)
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        SERVER.sql(&self.0, sql)
    }

    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::open(&config(&self.url())).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        SERVER.remove(&self.0);
    }
}

/// Patient with a machine that has much else to do: races shall be lost to rules, not to the clock.
pub(crate) fn config(url: &str) -> PostgresConfig {
    let mut config = PostgresConfig::from_url(url).unwrap();
    config.max_connections = 10;
    config.acquire_timeout = Duration::from_secs(20);
    config.connect_timeout = Duration::from_secs(20);
    config.statement_timeout = Duration::from_secs(20);
    config.lock_timeout = Duration::from_secs(20);
    config.idle_in_transaction_timeout = Duration::from_secs(20);
    config
}

/// The same with the numbers an installation has.
pub(crate) fn strict(url: &str) -> PostgresConfig {
    PostgresConfig::from_url(url).unwrap()
}
