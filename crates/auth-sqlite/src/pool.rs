//! Connections and their turns.
//!
//! A [`Lease`] owns its connection and travels: into the blocking thread that runs a piece of work and
//! back. Wherever it is dropped (by a caller that went away, a panic, a runtime that shuts down), it
//! ends its transaction and hands the connection back. Nothing else has to remember to.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use auth_domain::port::StoreError;
use diesel::{SqliteConnection, connection::SimpleConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    connection::{Access, Database},
    error::Fault,
};

/// Connections of one kind. They are opened when first needed and again after one was lost.
pub(crate) struct Pool {
    // Before `database`: connections close before a throw-away database is removed.
    idle: Mutex<Vec<SqliteConnection>>,
    database: Arc<Database>,
    access: Access,
    /// Fair: turns are given in the order they were asked for.
    turns: Arc<Semaphore>,
    acquire_timeout: Duration,
}

impl Pool {
    /// A pool of at most `size` connections, beginning with `first`.
    pub(crate) fn new(
        database: Arc<Database>,
        access: Access,
        size: usize,
        first: Option<SqliteConnection>,
        acquire_timeout: Duration,
    ) -> Arc<Self> {
        let idle = Mutex::new(first.into_iter().collect());
        Arc::new(Self { idle, database, access, turns: Arc::new(Semaphore::new(size)), acquire_timeout })
    }

    /// Waits for a connection.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let turn = tokio::time::timeout(self.acquire_timeout, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| StoreError::Unavailable("no turn on the database in time".into()))?
            .map_err(|closed| StoreError::Unavailable(Box::new(closed)))?;
        let conn = self.idle().pop();
        Ok(Lease { conn, in_transaction: false, pool: Arc::clone(self), _turn: turn })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use a connection.
pub(crate) struct Lease {
    /// `None` until first needed.
    conn: Option<SqliteConnection>,
    in_transaction: bool,
    pool: Arc<Pool>,
    // Last: the next caller may start once the connection is back.
    _turn: OwnedSemaphorePermit,
}

impl Lease {
    /// Runs `work` on a blocking thread. The lease comes back unless `work` panicked.
    pub(crate) async fn run<T, W>(mut self, work: W) -> (Option<Self>, Result<T, StoreError>)
    where
        T: Send + 'static,
        W: FnOnce(&mut Self) -> Result<T, Fault> + Send + 'static,
    {
        let task = tokio::task::spawn_blocking(move || {
            let result = work(&mut self);
            (self, result)
        });
        match task.await {
            Ok((lease, result)) => (Some(lease), result.map_err(|Fault(error)| error)),
            // The panic's own text stays with the panic hook: it may quote a value.
            Err(_) => (None, Err(StoreError::Internal("the database worker panicked or was stopped".into()))),
        }
    }

    /// The connection, opened now if need be. Blocks.
    pub(crate) fn conn(&mut self) -> Result<&mut SqliteConnection, Fault> {
        if self.conn.is_none() {
            let opened = self.pool.database.connect(self.pool.access);
            self.conn = Some(opened.map_err(|error| StoreError::Unavailable(Box::new(error)))?);
        }
        Ok(self.conn.as_mut().expect("it was opened above"))
    }

    /// Begins a transaction and takes SQLite's write lock at once, so that no statement of it can
    /// meet another writer half-way. Blocks.
    pub(crate) fn begin(&mut self) -> Result<(), Fault> {
        self.conn()?.batch_execute("BEGIN IMMEDIATE")?;
        self.in_transaction = true;
        Ok(())
    }

    /// Makes the transaction durable. Blocks. A transaction that fails to commit is discarded on drop.
    pub(crate) fn commit(&mut self) -> Result<(), Fault> {
        self.conn()?.batch_execute("COMMIT")?;
        self.in_transaction = false;
        Ok(())
    }

    /// Discards the transaction. Blocks.
    pub(crate) fn rollback(&mut self) -> Result<(), Fault> {
        self.conn()?.batch_execute("ROLLBACK")?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        // Rolling back in WAL mode forgets pages in memory; it is quick enough for any thread.
        let clean = !self.in_transaction
            || catch_unwind(AssertUnwindSafe(|| conn.batch_execute("ROLLBACK").is_ok())).unwrap_or(false);
        // After a panic or a failed rollback nobody knows what state the connection is in: close it,
        // the next caller opens another one.
        if clean && !thread::panicking() {
            self.pool.idle().push(conn);
        }
    }
}

#[cfg(test)]
mod tests;
