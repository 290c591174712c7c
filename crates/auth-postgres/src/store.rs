//! The store itself.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_domain::port::{Repos, Store, StoreError, Tx};
use diesel::sql_types::Integer;

use crate::{
    config::{OpenError, PostgresConfig},
    connect::Connector,
    exchange::Find,
    migrate,
    pool::{Pool, PoolLoad},
    runner::{Access, Autocommit, Repositories, Runner},
    statement::Statement,
    transaction::Transaction,
};

/// The [`Store`] on a PostgreSQL database. Clones share it.
#[derive(Clone)]
pub struct PostgresStore {
    pub(crate) pool: Arc<Pool>,
    reserved: Arc<Pool>,
    patient: Arc<Connector>,
    hosts: String,
}

impl PostgresStore {
    /// Prepares the store. Connects when it is first used, so the database may come later.
    ///
    /// # Errors
    /// [`OpenError`] when encryption was asked for and cannot be set up.
    pub fn open(config: &PostgresConfig) -> Result<Self, OpenError> {
        let connector = Arc::new(Connector::new(config)?);
        // PostgreSQL ends a statement first; only when it does not answer at all do we.
        let patience = config.statement_timeout + Duration::from_secs(1);
        // What one pool learns about its connections holds for those of the other.
        let newest = Arc::default();
        let pool = |size| {
            let (connector, newest) = (Arc::clone(&connector), Arc::clone(&newest));
            Arc::new(Pool::new(connector, newest, size, config.acquire_timeout, patience))
        };
        Ok(Self {
            pool: pool(config.max_connections),
            reserved: pool(config.reserved_connections),
            patient: Arc::new(Connector::patient(config)?),
            hosts: config.hosts(),
        })
    }

    /// The same store on the connections that requests cannot use up, for administration: it works
    /// while every other connection is taken.
    #[must_use]
    pub fn reserved(&self) -> Self {
        Self { pool: Arc::clone(&self.reserved), ..self.clone() }
    }

    /// How the connections of requests are used now.
    pub fn load(&self) -> PoolLoad {
        self.pool.load()
    }

    /// Brings the schema up to date and names the migrations it ran. Any number of processes may do
    /// this at once: each step is run by one of them. Works on a connection of its own, without the
    /// time limits of requests.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be reached, or another process migrates for
    /// more than a minute; [`StoreError::Internal`] when a migration fails, which then left nothing
    /// behind, or when the database was migrated by a newer version of this program.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        migrate::run(Arc::clone(&self.patient)).await
    }

    /// The names of the migrations that [`migrate`](Self::migrate) would run.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read, or is newer than this program.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        migrate::pending(&mut Autocommit(Arc::clone(&self.reserved))).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        let traced = tracing::info_span!(
            target: "auth_trace",
            "store transaction",
            otel.kind = "client",
            db.system.name = "postgresql",
        );
        let lease = self.pool.lease().await?;
        Ok(Box::new(Repositories(Transaction::new(Arc::clone(&self.pool), lease, traced))))
    }

    async fn read(&self) -> Result<Box<dyn Repos>, StoreError> {
        Ok(Box::new(Repositories(Autocommit(Arc::clone(&self.pool)))))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let probe = Find::<Integer, i32>::new(Statement::new("SELECT 1"));
        let mut runner = Autocommit(Arc::clone(&self.reserved));
        let answer = runner.ask(Access::Read, Vec::new(), probe, |_| Ok(())).await;
        answer.map_err(|error| match error {
            StoreError::Unavailable(_) => error,
            other => StoreError::Unavailable(Box::new(other)),
        })
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("hosts", &self.hosts)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
