//! The store itself.

use std::{fmt, path::Path, sync::Arc};

use async_trait::async_trait;
use auth_domain::port::{Repos, Store, StoreError, Tx};
use diesel::{OptionalExtension, RunQueryDsl, dsl::sql, sql_types::Integer};

use crate::{
    claim::{Claim, ClaimError},
    config::{OpenError, SqliteConfig},
    connection::{Access, Database},
    migrate,
    pool::Pool,
    runner::{Autocommit, Repositories, Runner, Transaction},
};

/// The [`Store`] on one SQLite database. Clones share it.
#[derive(Clone)]
pub struct SqliteStore {
    database: Arc<Database>,
    writer: Arc<Pool>,
    readers: Arc<Pool>,
}

impl SqliteStore {
    /// Opens the database, making its file and directory if they are missing. Does not migrate.
    ///
    /// Blocks for the time it takes to open a file; needs no runtime.
    ///
    /// # Errors
    /// [`OpenError`] says what the file system or SQLite refused.
    pub fn open(config: SqliteConfig) -> Result<Self, OpenError> {
        let SqliteConfig { location, readers, busy_timeout, acquire_timeout } = config;
        let database = Arc::new(Database::prepare(location, busy_timeout)?);
        // The writer first: it puts a new file into WAL mode, which readers rely on.
        let first = database.connect(Access::Write)?;
        let pool =
            |access, size, first| Pool::new(Arc::clone(&database), access, size, first, acquire_timeout);
        let writer = pool(Access::Write, 1, Some(first));
        let readers = pool(Access::Read, readers.max(1), None);
        Ok(Self { database, writer, readers })
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// Brings the schema up to date and names the migrations it ran. Any number of processes may do
    /// this at once: each step is run by one of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while another process keeps the database locked;
    /// [`StoreError::Internal`] when a migration fails, which then left nothing behind.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        migrate::run(&self.writer).await
    }

    /// The names of the migrations that [`migrate`](Self::migrate) would run.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.autocommit().read(migrate::pending).await
    }

    /// Claims the database for one server, until the claim is dropped or the process ends, however it
    /// ends. Command line tools do not claim: they may work next to a server.
    ///
    /// # Errors
    /// [`ClaimError::Held`] while another server has it.
    pub fn claim(&self) -> Result<Claim, ClaimError> {
        Claim::take(self.path())
    }

    pub(crate) fn autocommit(&self) -> Autocommit {
        Autocommit { readers: Arc::clone(&self.readers), writer: Arc::clone(&self.writer) }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        let traced = tracing::info_span!(
            target: "auth_trace",
            "store transaction",
            otel.kind = "client",
            db.system.name = "sqlite",
        );
        let lease = self.writer.lease().await?;
        Ok(Box::new(Repositories(Transaction::begin(lease, traced).await?)))
    }

    async fn read(&self) -> Result<Box<dyn Repos>, StoreError> {
        Ok(Box::new(Repositories(self.autocommit())))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Reads the file, which `SELECT 1` would not.
        let probe = sql::<Integer>("SELECT 1 FROM sqlite_schema LIMIT 1");
        let answer = self.autocommit().read(move |conn| Ok(probe.get_result::<i32>(conn).optional()?)).await;
        answer.map(drop).map_err(|error| StoreError::Unavailable(Box::new(error)))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path()).finish_non_exhaustive()
    }
}
