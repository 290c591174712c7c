//! Two ways to run a statement: by itself, or in a transaction. The repositories do not care which.

use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use auth_domain::port::{
    ApiKeyRepo, AuditChain, AuditLog, DeviceRepo, FactorRepo, IdentityRepo, KeyRepo, KnownDeviceRepo,
    LinkRepo, LockRepo, Outbox, PeopleRepo, Repos, SealedRepo, SessionRepo, StoreError, Tx, UserRepo,
};
use diesel::SqliteConnection;

use crate::{
    error::Fault,
    pool::{Lease, Pool},
};

/// A piece of work on a connection.
pub(crate) trait Work<T>: FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static {}
impl<T, W: FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static> Work<T> for W {}

/// Runs work off the async threads.
pub(crate) trait Runner: Send {
    /// Runs work that only reads.
    fn read<T: Send + 'static>(
        &mut self,
        work: impl Work<T>,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Runs work that writes.
    fn write<T: Send + 'static>(
        &mut self,
        work: impl Work<T>,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;
}

/// Every repository of the store; the implementations are in [`repo`](crate::repo).
pub(crate) struct Repositories<R>(pub(crate) R);

impl<R: Runner> Repos for Repositories<R> {
    fn users(&mut self) -> &mut dyn UserRepo {
        self
    }
    fn sessions(&mut self) -> &mut dyn SessionRepo {
        self
    }
    fn links(&mut self) -> &mut dyn LinkRepo {
        self
    }
    fn factors(&mut self) -> &mut dyn FactorRepo {
        self
    }
    fn devices(&mut self) -> &mut dyn DeviceRepo {
        self
    }
    fn identities(&mut self) -> &mut dyn IdentityRepo {
        self
    }
    fn known_devices(&mut self) -> &mut dyn KnownDeviceRepo {
        self
    }
    fn api_keys(&mut self) -> &mut dyn ApiKeyRepo {
        self
    }

    fn locks(&mut self) -> &mut dyn LockRepo {
        self
    }
    fn keys(&mut self) -> &mut dyn KeyRepo {
        self
    }
    fn sealed(&mut self) -> &mut dyn SealedRepo {
        self
    }
    fn audit(&mut self) -> &mut dyn AuditLog {
        self
    }
    fn chain(&mut self) -> &mut dyn AuditChain {
        self
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }
    fn people(&mut self) -> &mut dyn PeopleRepo {
        self
    }
}

/// Each piece of work for itself: reads on a reader, writes on the writer, in a transaction of their
/// own because a port's one step can be several statements here.
pub(crate) struct Autocommit {
    pub(crate) readers: Arc<Pool>,
    pub(crate) writer: Arc<Pool>,
}

impl Runner for Autocommit {
    async fn read<T: Send + 'static>(&mut self, work: impl Work<T>) -> Result<T, StoreError> {
        let lease = self.readers.lease().await?;
        lease.run(move |lease| work(lease.conn()?)).await.1
    }

    async fn write<T: Send + 'static>(&mut self, work: impl Work<T>) -> Result<T, StoreError> {
        let lease = self.writer.lease().await?;
        let whole = move |lease: &mut Lease| {
            lease.begin()?;
            let done = work(lease.conn()?)?;
            lease.commit()?;
            Ok(done)
        };
        lease.run(whole).await.1
    }
}

/// A transaction on the writer.
pub(crate) struct Transaction {
    /// `None` while work is under way, and for good if its caller went away in the middle of it.
    lease: Option<Lease>,
    failed: Option<Failure>,
    /// Ends with it.
    _traced: tracing::Span,
}

/// Why a transaction must not commit.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// Running all of it again can help.
    Conflict,
    /// Running it again does not help.
    Statement,
}

impl Failure {
    fn of(error: &StoreError) -> Self {
        if matches!(error, StoreError::Conflict) { Self::Conflict } else { Self::Statement }
    }

    fn into_error(self) -> StoreError {
        match self {
            Self::Conflict => StoreError::Conflict,
            Self::Statement => StoreError::Internal("an earlier statement of the transaction failed".into()),
        }
    }
}

impl Transaction {
    /// Begins a transaction on the leased connection.
    pub(crate) async fn begin(lease: Lease, traced: tracing::Span) -> Result<Self, StoreError> {
        let (lease, begun) = lease.run(Lease::begin).await;
        begun.map(|()| Self { lease, failed: None, _traced: traced })
    }

    async fn run<T: Send + 'static>(&mut self, work: impl Work<T>) -> Result<T, StoreError> {
        // SQLite could go on after a failed statement, PostgreSQL could not: neither does.
        if let Some(failure) = self.failed {
            return Err(failure.into_error());
        }
        let lease = self.lease.take().ok_or_else(abandoned)?;
        let (lease, result) = lease.run(move |lease| work(lease.conn()?)).await;
        self.lease = lease;
        if let Err(error) = &result {
            self.failed = Some(Failure::of(error));
        }
        result
    }
}

fn abandoned() -> StoreError {
    StoreError::Internal("a statement of the transaction was abandoned".into())
}

impl Runner for Transaction {
    async fn read<T: Send + 'static>(&mut self, work: impl Work<T>) -> Result<T, StoreError> {
        self.run(work).await
    }

    async fn write<T: Send + 'static>(&mut self, work: impl Work<T>) -> Result<T, StoreError> {
        self.run(work).await
    }
}

#[async_trait]
impl Tx for Repositories<Transaction> {
    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        if let Some(failure) = self.0.failed {
            return Err(failure.into_error()); // dropping the lease rolls back
        }
        let lease = self.0.lease.take().ok_or_else(abandoned)?;
        lease.run(Lease::commit).await.1
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StoreError> {
        match self.0.lease.take() {
            Some(lease) => lease.run(Lease::rollback).await.1,
            None => Ok(()), // whoever holds the lease rolls back
        }
    }
}
