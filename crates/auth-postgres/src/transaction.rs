//! A transaction: what is kept, what is sent, and how it ends.

use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::{
    port::{StoreError, Tx},
    user::User,
};

use crate::{
    error::{Connection, Failure},
    exchange::{Nothing, Question, Span, roll_back},
    pool::{Lease, Pool},
    runner::{Access, Repositories, Runner, limited, timed},
    statement::Statement,
};

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
    /// Ends with it.
    _traced: tracing::Span,
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
    pub(crate) fn new(pool: Arc<Pool>, lease: Lease, traced: tracing::Span) -> Self {
        let (kept, addresses) = (Vec::new(), Vec::new());
        Self { pool, lease: Some(lease), kept, begun: false, failed: None, addresses, _traced: traced }
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
            drop(lease); // first: its place may be the only free one
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

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
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
            limited(&self.pool, &lease, roll_back(&lease)).await.map_err(|failure| failure.error)?;
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
