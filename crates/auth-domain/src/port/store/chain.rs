//! The hash chain over the audit log.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::audit::{ChainHead, ChainLink, ChainedRow, Checkpoint, StoredRow};

/// Links and checkpoints of the audit log.
///
/// An implementor must refuse, by a rule of the store, to change links and checkpoints, to delete links whose
/// entries are there, and to delete checkpoints that are not behind a pruned one. Positions in the chain
/// must be unique, and no entry may have two.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait AuditChain: Send {
    /// Takes the turn to write to the chain until the transaction ends; `false` when somebody else has it.
    /// Must not wait, and must let one at a time through, on all replicas together. What the one before
    /// wrote must be visible to the statements after it.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn take_turn(&mut self) -> Result<bool, StoreError>;

    /// Where the chain ends: at its last link, or where it was pruned when no link is left.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn head(&mut self) -> Result<ChainHead, StoreError>;

    /// The highest position in the log that is in the chain.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn newest(&mut self) -> Result<Option<i64>, StoreError>;

    /// Entries behind the position `after` of the log that are not in the chain, in the order of their
    /// positions, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn waiting(&mut self, after: i64, limit: u32) -> Result<Vec<StoredRow>, StoreError>;

    /// How many entries are not in the chain.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn backlog(&mut self) -> Result<u64, StoreError>;

    /// Appends links. One whose place or entry is taken must be an error.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails, at the latest from `commit`.
    async fn extend(&mut self, links: &[ChainLink]) -> Result<(), StoreError>;

    /// Links behind the position `after` of the chain with their entries, in order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn page(&mut self, after: i64, limit: u32) -> Result<Vec<ChainedRow>, StoreError>;

    /// The lowest position of a link whose entry is of `since` or later.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn first_since(&mut self, since: DateTime<Utc>) -> Result<Option<i64>, StoreError>;

    /// Adds a checkpoint. One whose number is taken must be an error.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails, at the latest from `commit`.
    async fn put_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError>;

    /// Checkpoints with numbers above `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn checkpoints(&mut self, after: i64, limit: u32) -> Result<Vec<Checkpoint>, StoreError>;

    /// The checkpoint with the highest number.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn last_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreError>;

    /// Deletes the links up to what `checkpoint` is about and their entries, which all happened before
    /// `before`; adds the checkpoint; deletes the checkpoints before the first one that is still of use. Says
    /// how many links it deleted.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails, and when an entry is younger than the store lets go of.
    async fn prune(&mut self, checkpoint: &Checkpoint, before: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Shortens the addresses of up to `limit` chained entries that happened before `before` to their
    /// [`network`](crate::audit::network), and deletes their devices and salts, oldest first. Says how many.
    /// The store must refuse it for the last six days.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails, and when an entry is younger than the store lets go of.
    async fn erase_clients(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
