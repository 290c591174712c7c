//! Two ways to run a statement: by itself, or in a transaction. The repositories do not care which.

use std::{future::Future, sync::Arc};

use auth_domain::{
    port::{
        ApiKeyRepo, AuditChain, AuditLog, DeviceRepo, FactorRepo, IdentityRepo, KeyRepo, KnownDeviceRepo,
        LinkRepo, LockRepo, Outbox, PeopleRepo, Repos, SealedRepo, SessionRepo, StoreError, UserRepo,
    },
    user::User,
};
use diesel::QueryResult;
use tokio::time::timeout;

use crate::{
    error::{Connection, Failure},
    exchange::{Nothing, Question, Span, exchange},
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

/// Sends one exchange, within its time.
pub(crate) async fn timed<Q: Question>(
    pool: &Pool,
    lease: &Lease,
    span: Span,
    statements: &[Statement],
    question: &Q,
) -> Result<Q::Answer, Failure> {
    limited(pool, lease, exchange(lease, span, statements, question)).await
}

/// Waits for an answer on a connection, within its time. If it never comes, the connections of the same
/// age are not asked any more: each would cost a caller the same wait.
pub(crate) async fn limited<T>(
    pool: &Pool,
    lease: &Lease,
    answer: impl Future<Output = QueryResult<T>>,
) -> Result<T, Failure> {
    let outcome = match timeout(pool.patience, answer).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure::late()),
    };
    outcome.inspect_err(|failure| {
        if failure.connection.speaks_for_others() {
            pool.distrust(lease);
        }
    })
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
