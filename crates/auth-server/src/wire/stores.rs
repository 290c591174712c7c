//! Which store keeps the accounts.

use std::sync::Arc;

use anyhow::Context as _;
use auth_domain::port::{Archive, Store};
use auth_postgres::{PostgresConfig, PostgresStore, UrlError};
use auth_sqlite::{Claim, SqliteConfig, SqliteStore};

use crate::settings::{Database, Dsn, Settings};

/// The store, on one of its adapters.
#[derive(Clone)]
pub(crate) enum Stores {
    /// The embedded default.
    Sqlite(Arc<SqliteStore>),
    /// The one that several replicas share.
    Postgres(Arc<PostgresStore>),
}

impl Stores {
    /// Opens what the settings name.
    ///
    /// # Errors
    /// One sentence about what does not open.
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Self> {
        Self::at(&settings.database, settings.database_pool_size)
    }

    /// Opens a database.
    ///
    /// # Errors
    /// One sentence about what does not open.
    pub(crate) fn at(database: &Database, pool_size: usize) -> anyhow::Result<Self> {
        let opened = match database {
            Database::Sqlite(path) => SqliteStore::open(SqliteConfig::file(path)).map(Self::sqlite)?,
            Database::Memory => SqliteStore::open(SqliteConfig::in_memory()).map(Self::sqlite)?,
            Database::Postgres(dsn) => {
                let mut config = PostgresConfig::from_url(dsn.expose_secret())?;
                config.max_connections = pool_size;
                Self::Postgres(Arc::new(PostgresStore::open(&config)?))
            }
        };
        Ok(opened)
    }

    fn sqlite(store: SqliteStore) -> Self {
        Self::Sqlite(Arc::new(store))
    }

    /// The port that use cases know.
    pub(crate) fn port(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as _,
            Self::Postgres(store) => Arc::clone(store) as _,
        }
    }

    /// The port that moves whole stores.
    pub(crate) fn archive(&self) -> Arc<dyn Archive> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as _,
            Self::Postgres(store) => Arc::clone(store) as _,
        }
    }

    /// Brings the schema up to date; says which migrations ran.
    ///
    /// # Errors
    /// When the store refuses one.
    pub(crate) async fn migrate(&self) -> anyhow::Result<Vec<String>> {
        match self {
            Self::Sqlite(store) => store.migrate().await,
            Self::Postgres(store) => store.migrate().await,
        }
        .context("cannot migrate the database")
    }

    /// Makes sure that the schema is the present one: the embedded default is brought up to date, a
    /// shared database is not, because other replicas may still be of the version before.
    ///
    /// # Errors
    /// When the database cannot be used as it is.
    pub(crate) async fn ready_schema(&self) -> anyhow::Result<Vec<String>> {
        let Self::Postgres(store) = self else { return self.migrate().await };
        let pending = store.pending_migrations().await.context("cannot read the database")?;
        anyhow::ensure!(
            pending.is_empty(),
            "the database lacks {} of this version; run `auth-server migrate` first",
            if pending.len() == 1 {
                "1 migration".to_owned()
            } else {
                format!("{} migrations", pending.len())
            }
        );
        Ok(Vec::new())
    }

    /// Whether [`Self::ready_schema`] changes what is there.
    pub(crate) const fn is_migrated_by_start(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Keeps a second server away from an embedded database for as long as the claim lives.
    ///
    /// # Errors
    /// When a server has it already.
    pub(crate) fn claim(&self) -> anyhow::Result<Option<Claim>> {
        match self {
            Self::Sqlite(store) => store.claim().map(Some).context("cannot use the database"),
            Self::Postgres(_) => Ok(None),
        }
    }
}

/// What is wrong with the address of a PostgreSQL database, in one line.
pub(super) fn refusal(dsn: &Dsn) -> Option<String> {
    PostgresConfig::from_url(dsn.expose_secret()).err().map(|error: UrlError| error.to_string())
}
