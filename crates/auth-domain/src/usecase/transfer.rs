//! Moving a whole installation to another store.

use std::sync::Arc;

use crate::port::{Archive, Record, RecordKey, RecordKind, StoreError};

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
    /// The old store has no accounts: it is hardly the one that was meant.
    #[error("the old store has no accounts")]
    NothingToMove,
    /// The new store holds something already, and nobody said that an earlier try left it there.
    #[error("the new store has {count} {kind} already")]
    NotEmpty {
        /// What it holds.
        kind: RecordKind,
        /// How many.
        count: u64,
    },
    /// The new store holds something that the old one does not have, or has otherwise: it is in use, or
    /// the old one went on after an earlier try.
    #[error("the two stores differ in their {kind}, first at {key:?}")]
    Differs {
        /// What differs.
        kind: RecordKind,
        /// The first record that does.
        key: RecordKey,
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

    /// Copies what is not there yet, kind by kind, then compares all records of both stores. With
    /// `resume`, what an earlier try left in the new store is kept if it is still as in the old one;
    /// without, a store that is not empty is refused. A refusal comes before anything is written.
    ///
    /// # Errors
    /// [`TransferError`].
    pub async fn run(
        &self,
        resume: bool,
        mut report: impl FnMut(Progress) + Send,
    ) -> Result<Vec<Transferred>, TransferError> {
        if self.from.count(RecordKind::User).await? == 0 {
            return Err(TransferError::NothingToMove);
        }
        for kind in RecordKind::ALL {
            if resume {
                self.refuse_unless_part(kind).await?;
            } else {
                self.refuse_unless_empty(kind).await?;
            }
        }
        let mut done = Vec::with_capacity(RecordKind::ALL.len());
        for kind in RecordKind::ALL {
            done.push(self.copy(kind, &mut report).await?);
        }
        for kind in RecordKind::ALL {
            self.refuse_unless_equal(kind).await?;
        }
        Ok(done)
    }

    async fn refuse_unless_empty(&self, kind: RecordKind) -> Result<(), TransferError> {
        match self.to.count(kind).await? {
            0 => Ok(()),
            count => Err(TransferError::NotEmpty { kind, count }),
        }
    }

    /// Whether everything in the new store is in the old one, too, and the same there.
    async fn refuse_unless_part(&self, kind: RecordKind) -> Result<(), TransferError> {
        let (mut old, mut new) = (Reader::new(&*self.from, kind), Reader::new(&*self.to, kind));
        while let Some(record) = new.next().await? {
            let key = record.key();
            let counterpart = loop {
                match old.next().await? {
                    Some(earlier) if earlier.key() < key => {}
                    other => break other,
                }
            };
            if counterpart.as_ref() != Some(&record) {
                return Err(TransferError::Differs { kind, key });
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
        Ok(Transferred { kind, copied, total })
    }

    async fn refuse_unless_equal(&self, kind: RecordKind) -> Result<(), TransferError> {
        let (mut old, mut new) = (Reader::new(&*self.from, kind), Reader::new(&*self.to, kind));
        loop {
            match (old.next().await?, new.next().await?) {
                (None, None) => return Ok(()),
                (old, new) if old == new => {}
                (Some(record), _) | (None, Some(record)) => {
                    return Err(TransferError::Differs { kind, key: record.key() });
                }
            }
        }
    }
}

/// The records of one kind, one after the other.
struct Reader<'a> {
    archive: &'a dyn Archive,
    kind: RecordKind,
    page: std::vec::IntoIter<Record>,
    after: Option<RecordKey>,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn new(archive: &'a dyn Archive, kind: RecordKind) -> Self {
        Self { archive, kind, page: Vec::new().into_iter(), after: None, ended: false }
    }

    async fn next(&mut self) -> Result<Option<Record>, StoreError> {
        if self.page.len() == 0 && !self.ended {
            let page = self.archive.page(self.kind, self.after.take(), PAGE).await?;
            self.after = page.last().map(Record::key);
            self.ended = self.after.is_none();
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }
}
