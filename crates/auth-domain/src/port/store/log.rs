//! Repositories of events and of owed messages.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    audit::{AuditEntry, AuditEvent, AuditRecord},
    id::{OutboxId, UserId},
    outbox::{OutboxEntry, OutboxItem, OutboxState},
    tenant::TenantId,
};

/// Which entries of the audit log to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this tenant.
    pub tenant: Option<TenantId>,
    /// Only this event.
    pub event: Option<AuditEvent>,
    /// Only entries that concern this user.
    pub subject: Option<UserId>,
    /// Only entries that happened then or later.
    pub since: Option<DateTime<Utc>>,
    /// Only entries that happened earlier.
    pub until: Option<DateTime<Utc>>,
    /// Only entries before this position.
    pub before: Option<i64>,
}

/// The audit log: append and read, and forget what is old.
///
/// An implementor must refuse, by a rule of the store, to change entries, to delete those that no purge
/// was about, and to delete any of the last 29 days.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait AuditLog: Send {
    /// Appends an entry.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn append(&mut self, record: &AuditRecord) -> Result<(), StoreError>;

    /// Entries that fit `filter`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn list(&mut self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    /// Deletes up to `limit` entries that happened before `before` and are in no chain, oldest first. A
    /// position must not be given out again.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails, and when `before` is later than the store lets pass.
    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// Messages that are owed.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Outbox: Send {
    /// Adds a message, unless one with the same [`once`](OutboxItem::once) waits already: then it must
    /// change nothing, and not fail. A dead letter does not wait. A clash of ids must be
    /// [`StoreError::Conflict`], at the latest from `commit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn put(&mut self, item: &OutboxItem) -> Result<(), StoreError>;

    /// Leases up to `limit` messages that are due, oldest first, until `until`. Must be atomic: a
    /// message is leased to one caller at a time, and comes back when its lease runs out.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lease(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OutboxItem>, StoreError>;

    /// The message was handed over: forget it.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn done(&mut self, id: OutboxId) -> Result<(), StoreError>;

    /// The message could not be handed over: try again at `due_at`. `error` is for the operator.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn retry(&mut self, id: OutboxId, due_at: DateTime<Utc>, error: &str) -> Result<(), StoreError>;

    /// The message is given up: keep it as a dead letter, which is never leased again and stands beside
    /// others of its [`once`](OutboxItem::once).
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn bury(&mut self, id: OutboxId, at: DateTime<Utc>, error: &str) -> Result<(), StoreError>;

    /// How many messages wait, dead letters not counted.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn depth(&mut self) -> Result<u64, StoreError>;

    /// How many dead letters are kept.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn dead_letters(&mut self) -> Result<u64, StoreError>;

    /// When the message was or is due that waits for longest.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn oldest_due(&mut self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Messages in that state behind `after`, in the order of their ids, which is that of their making;
    /// at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn list(
        &mut self,
        state: OutboxState,
        after: Option<OutboxId>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, StoreError>;

    /// Makes a message due now and forgets its tries, also that of a dead letter. It must stand beside
    /// others of its [`once`](OutboxItem::once) from then on. `None` when it does not exist, or is
    /// leased at this moment: it must not be sent twice.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn retry_now(&mut self, id: OutboxId, now: DateTime<Utc>)
    -> Result<Option<OutboxItem>, StoreError>;

    /// Deletes a message unsent and gives it back. `None` as for [`retry_now`](Self::retry_now).
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn discard(&mut self, id: OutboxId, now: DateTime<Utc>) -> Result<Option<OutboxItem>, StoreError>;

    /// Deletes up to `limit` dead letters buried before `before`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
