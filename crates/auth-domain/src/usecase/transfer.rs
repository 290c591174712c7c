//! Moving a whole installation to another store.

use std::sync::Arc;

use crate::port::{Archive, RecordKind, StoreError};

/// How many records are read and written at a time.
const PAGE: u32 = 500;

/// Copies everything from one store to another, with nobody else at either of them.
pub struct Transfer {
    from: Arc<dyn Archive>,
    to: Arc<dyn Archive>,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being copied.
    pub kind: RecordKind,
    /// How many of them are at their new place, those of an earlier try included.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// What a transfer did with one kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// The kind.
    pub kind: RecordKind,
    /// How many were copied by this try.
    pub copied: u64,
    /// How many are at the new place now, as many as at the old.
    pub total: u64,
}

/// A transfer was not done.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The new store holds something already, and nobody said that an earlier try left it there.
    #[error("the new store has {count} {kind} already")]
    NotEmpty {
        /// What it holds.
        kind: RecordKind,
        /// How many.
        count: u64,
    },
    /// The counts differ after everything was copied.
    #[error("the new store has {found} {kind} where the old one has {expected}")]
    CountsDiffer {
        /// What differs.
        kind: RecordKind,
        /// How many the old store has.
        expected: u64,
        /// How many the new one has.
        found: u64,
    },
    /// A store failed. What was copied so far stays; another try goes on from there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Transfer {
    /// Between two stores, both at the present schema.
    pub fn new(from: Arc<dyn Archive>, to: Arc<dyn Archive>) -> Self {
        Self { from, to }
    }

    /// Copies what is not there yet, kind by kind, and compares the counts. With `resume`, what an
    /// earlier try left in the new store is kept; without, a store that is not empty is refused.
    ///
    /// # Errors
    /// [`TransferError`].
    pub async fn run(
        &self,
        resume: bool,
        mut report: impl FnMut(Progress) + Send,
    ) -> Result<Vec<Transferred>, TransferError> {
        if !resume {
            self.refuse_unless_empty().await?;
        }
        let mut done = Vec::with_capacity(RecordKind::ALL.len());
        for kind in RecordKind::ALL {
            done.push(self.copy(kind, &mut report).await?);
        }
        Ok(done)
    }

    async fn refuse_unless_empty(&self) -> Result<(), TransferError> {
        for kind in RecordKind::ALL {
            let count = self.to.count(kind).await?;
            if count > 0 {
                return Err(TransferError::NotEmpty { kind, count });
            }
        }
        Ok(())
    }

    async fn copy(
        &self,
        kind: RecordKind,
        report: &mut (impl FnMut(Progress) + Send),
    ) -> Result<Transferred, TransferError> {
        let total = self.from.count(kind).await?;
        let (mut copied, mut done, mut after) = (0, 0, None);
        report(Progress { kind, done, total });
        loop {
            let records = self.from.page(kind, after, PAGE).await?;
            let Some(last) = records.last() else { break };
            after = Some(last.key());
            done += records.len() as u64;
            copied += self.to.add(records).await?;
            report(Progress { kind, done, total });
        }
        let found = self.to.count(kind).await?;
        if found != total {
            return Err(TransferError::CountsDiffer { kind, expected: total, found });
        }
        Ok(Transferred { kind, copied, total })
    }
}
