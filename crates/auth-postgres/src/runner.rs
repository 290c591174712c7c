//! Two ways to run a statement: by itself, or in a transaction. The repositories do not care which.

use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use auth_domain::{
    port::{AuditLog, KeyRepo, LinkRepo, LockRepo, Outbox, Repos, SessionRepo, StoreError, Tx, UserRepo},
    user::User,
};
use tokio::time::timeout;

use crate::{
    error::{Connection, Failure},
    exchange::{Nothing, Question, Span, exchange, roll_back},
    pool::{Lease, Pool},
    statement::Statement,
};

/// Whether asking twice does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Runs statements.
pub(crate) trait Runner: Send {
    /// Sends `first` and then `question`, and makes an answer of what comes back.
    fn ask<Q: Question, T: Send>(
        &mut self,
        access: Access,
        first: Vec<Statement>,
        question: Q,
        read: impl FnOnce(Q::Answer) -> Result<T, StoreError> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Runs statements whose answer nobody needs, all or none. A transaction keeps them until it sends
    /// something else.
    fn tell(&mut self, statements: Vec<Statement>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether several calls belong together. Locks make sense only then.
    fn is_transaction(&self) -> bool;

    /// Remembers the address of an account that cannot change any more before the end.
    fn locked(&mut self, user: &User);

    /// Whether the account is locked and has the address that `user` has.
    fn keeps_address(&self, user: &User) -> bool;
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
    fn locks(&mut self) -> &mut dyn LockRepo {
        self
    }
    fn keys(&mut self) -> &mut dyn KeyRepo {
        self
    }
    fn audit(&mut self) -> &mut dyn AuditLog {
        self
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }
}

/// Sends one exchange, within its time.
async fn timed<Q: Question>(
    pool: &Pool,
    lease: &Lease,
    span: Span,
    statements: &[Statement],
    question: &Q,
) -> Result<Q::Answer, Failure> {
    match timeout(pool.patience, exchange(lease, span, statements, question)).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::late()),
    }
}

/// Each call for itself, on whatever connection is free.
pub(crate) struct Autocommit(pub(crate) Arc<Pool>);

impl Autocommit {
    async fn run<Q: Question>(
        &self,
        access: Access,
        span: Span,
        statements: &[Statement],
        question: &Q,
    ) -> Result<Q::Answer, StoreError> {
        let mut fresh = false;
        loop {
            let lease = self.0.lease().await?;
            let failure = match timed(&self.0, &lease, span, statements, question).await {
                Ok(answer) => {
                    lease.give_back();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if failure.connection == Connection::Good {
                lease.give_back();
            }
            // A write may have been carried out before its connection died: it is not sent twice.
            if failure.connection != Connection::Dead || access == Access::Write || fresh {
                return Err(failure.error);
            }
            fresh = true;
        }
    }
}

impl Runner for Autocommit {
    async fn ask<Q: Question, T: Send>(
        &mut self,
        access: Access,
        first: Vec<Statement>,
        question: Q,
        read: impl FnOnce(Q::Answer) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let span = if first.is_empty() { Span::Middle } else { Span::Whole };
        read(self.run(access, span, &first, &question).await?)
    }

    async fn tell(&mut self, statements: Vec<Statement>) -> Result<(), StoreError> {
        let span = if statements.len() == 1 { Span::Middle } else { Span::Whole };
        self.run(Access::Write, span, &statements, &Nothing).await
    }

    fn is_transaction(&self) -> bool {
        false
    }

    fn locked(&mut self, _: &User) {}

    fn keeps_address(&self, _: &User) -> bool {
        false
    }
}

/// A transaction on one connection. It begins with the first statement that is sent.
pub(crate) struct Transaction {
    pool: Arc<Pool>,
    /// `None` while an exchange is under way, and for good if its caller went away in the middle of it.
    lease: Option<Lease>,
    /// What goes out with the next exchange.
    kept: Vec<Statement>,
    begun: bool,
    failed: Option<Why>,
    /// Accounts that are locked, by id, with their addresses.
    addresses: Vec<User>,
}

/// Why a transaction must not commit.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// Running all of it again can help.
    Conflict,
    /// Running it again later can help.
    Unavailable,
    /// Running it again does not help.
    Statement,
}

impl Why {
    const fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Conflict,
            StoreError::Unavailable(_) => Self::Unavailable,
            _ => Self::Statement,
        }
    }

    fn into_error(self) -> StoreError {
        let text = "an earlier statement of the transaction failed";
        match self {
            Self::Conflict => StoreError::Conflict,
            Self::Unavailable => StoreError::Unavailable(text.into()),
            Self::Statement => StoreError::Internal(text.into()),
        }
    }
}

/// More statements than this are not kept: they would fill the server's and our own buffers.
const MOST_KEPT: usize = 16;

impl Transaction {
    /// A transaction on the leased connection. Sends nothing yet.
    pub(crate) fn new(pool: Arc<Pool>, lease: Lease) -> Self {
        let (kept, addresses) = (Vec::new(), Vec::new());
        Self { pool, lease: Some(lease), kept, begun: false, failed: None, addresses }
    }

    /// Sends what was kept, and then `question`.
    async fn send<Q: Question>(&mut self, question: &Q, last: bool) -> Result<Q::Answer, StoreError> {
        if let Some(why) = self.failed {
            return Err(why.into_error());
        }
        let span = match (self.begun, last) {
            (false, false) => Span::First,
            (false, true) => Span::Whole,
            (true, false) => Span::Middle,
            (true, true) => Span::Last,
        };
        let mut lease = self.lease.take().ok_or_else(abandoned)?;
        let mut answer = timed(&self.pool, &lease, span, &self.kept, question).await;
        if let Err(Failure { connection: Connection::Dead, .. }) = answer
            && span == Span::First
        {
            // The connection died while nobody used it. Nothing of this transaction has happened.
            lease = self.pool.lease().await.inspect_err(|error| self.failed = Some(Why::of(error)))?;
            answer = timed(&self.pool, &lease, span, &self.kept, question).await;
        }
        self.kept.clear();
        self.begun = true;
        match answer {
            Ok(answer) => {
                self.lease = Some(lease);
                Ok(answer)
            }
            Err(failure) => {
                self.failed = Some(Why::of(&failure.error));
                if failure.connection == Connection::Good {
                    self.lease = Some(lease);
                }
                Err(failure.error)
            }
        }
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        if self.failed.is_none() && !self.begun && self.kept.is_empty() {
            return Ok(()); // nothing was sent; dropping gives the connection back
        }
        let ends = self.failed.is_none();
        let committed = self.send(&Nothing, true).await;
        if ends {
            // Committed, or rolled back by the server because of a failure: over either way.
            self.begun = false;
        }
        committed
    }

    async fn rollback(mut self) -> Result<(), StoreError> {
        let Some(lease) = self.lease.take() else { return Ok(()) }; // the connection is closed
        if self.begun {
            let undo = timeout(self.pool.patience, roll_back(&lease)).await;
            undo.map_err(|_| Failure::late().error)?.map_err(|error| Failure::from(error).error)?;
        }
        lease.give_back();
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // Before its beginning and after its end a transaction leaves nothing on its connection.
        if !self.begun
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

fn abandoned() -> StoreError {
    StoreError::Internal("a statement of the transaction was abandoned".into())
}

impl Runner for Transaction {
    async fn ask<Q: Question, T: Send>(
        &mut self,
        _: Access,
        first: Vec<Statement>,
        question: Q,
        read: impl FnOnce(Q::Answer) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        self.kept.extend(first);
        let answer = self.send(&question, false).await?;
        read(answer).inspect_err(|error| self.failed = Some(Why::of(error)))
    }

    async fn tell(&mut self, statements: Vec<Statement>) -> Result<(), StoreError> {
        if let Some(why) = self.failed {
            return Err(why.into_error());
        }
        self.kept.extend(statements);
        if self.kept.len() < MOST_KEPT { Ok(()) } else { self.send(&Nothing, false).await }
    }

    fn is_transaction(&self) -> bool {
        true
    }

    fn locked(&mut self, user: &User) {
        self.addresses.push(user.clone());
    }

    fn keeps_address(&self, user: &User) -> bool {
        let same =
            |known: &User| known.id == user.id && known.tenant == user.tenant && known.email == user.email;
        self.addresses.iter().rev().find(|known| known.id == user.id).is_some_and(same)
    }
}

#[async_trait]
impl Tx for Repositories<Transaction> {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.commit().await
    }

    async fn rollback(self: Box<Self>) -> Result<(), StoreError> {
        self.0.rollback().await
    }
}
