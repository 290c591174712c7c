//! How a use case runs a transaction: the body, then one place that ends it, then retries outside.

use crate::port::{StoreError, Tx};

/// How often a transaction is run before a conflict is passed on.
pub(super) const ATTEMPTS: u32 = 8;

/// Whether an error means that running the whole transaction again can help.
pub(super) trait Retryable {
    fn is_conflict(&self) -> bool;
}

impl Retryable for super::Fault {
    fn is_conflict(&self) -> bool {
        Self::is_conflict(self)
    }
}

/// Commits on `Ok`, rolls back on `Err`.
///
/// A refusal that must leave a trace (an audit record of a refused login) is therefore an `Ok` value of
/// the body, turned into an error after the commit.
pub(super) async fn finish<T, E: From<StoreError>>(tx: Box<dyn Tx>, outcome: Result<T, E>) -> Result<T, E> {
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The error that led here says more than a rollback that fails after it.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}

/// `transaction!(core, tx => body(tx, …))` runs `body` in a transaction and ends it; when it met
/// another transaction, everything runs again. The body may run several times, so it must have no
/// effect outside its transaction.
///
/// A macro, because a function over async closures gives futures that the compiler cannot prove
/// `Send`.
macro_rules! transaction {
    ($core:expr, $tx:ident => $body:expr) => {{
        let mut attempts = 1;
        loop {
            let outcome = match $core.ports.store.begin().await {
                Ok(mut open) => {
                    let $tx = &mut *open;
                    let outcome = $body.await;
                    $crate::usecase::transaction::finish(open, outcome).await
                }
                Err(error) => Err(error.into()),
            };
            match outcome {
                Err(error)
                    if attempts < $crate::usecase::transaction::ATTEMPTS
                        && $crate::usecase::transaction::Retryable::is_conflict(&error) =>
                {
                    attempts += 1;
                }
                outcome => break outcome,
            }
        }
    }};
}
pub(super) use transaction;
