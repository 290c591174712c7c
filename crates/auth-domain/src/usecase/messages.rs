//! The outbox as operators see it: what waits, what was given up, try again, delete.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Core, Fault, fault::faults, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::OutboxId,
    outbox::{OutboxEntry, OutboxItem, OutboxState},
    port::Tx,
    tenant::TenantId,
};

/// The operator's view of the outbox.
#[derive(Clone)]
pub struct Messages {
    core: Arc<Core>,
}

/// How far delivery is behind, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// How many messages wait.
    pub waiting: u64,
    /// How many were given up and are kept.
    pub dead: u64,
    /// How old the oldest message is that waits; zero when none does. Tries do not make it younger.
    pub oldest_age: TimeDelta,
    /// For how long the one that waits for longest has been due; zero when nothing is late.
    pub oldest_due_for: TimeDelta,
}

/// Why nothing was done with a message.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// It does not exist (any more), or a worker is sending it at this moment.
    #[error("there is no such message, or it is being sent right now")]
    NotFound,
    /// Nobody has use for it any more, so it would be dropped unsent. Discard it, or let time do so.
    #[error("the message is past its use")]
    PastUse,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(MessageError);

impl Messages {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// How far delivery is behind. Not audited: it names nobody, and is asked all the time.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn backlog(&self) -> Result<Backlog, Fault> {
        let mut repos = self.core.ports.store.read().await?;
        let waiting = repos.outbox().depth().await?;
        let dead = repos.outbox().dead_letters().await?;
        let oldest = repos.outbox().list(OutboxState::Waiting, None, 1).await?;
        let due_first = repos.outbox().oldest_due().await?;
        let now = self.core.now();
        let since = |time: Option<DateTime<Utc>>| {
            time.map(|time| now - time).unwrap_or_default().max(TimeDelta::zero())
        };
        let oldest_age = since(oldest.first().map(|entry| entry.item.created_at));
        Ok(Backlog { waiting, dead, oldest_age, oldest_due_for: since(due_first) })
    }

    /// Messages in that state behind `after`, the oldest first, at most `limit`. Pass the last id of a page
    /// to get the next one.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn list(
        &self,
        state: OutboxState,
        after: Option<OutboxId>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, Fault> {
        let now = self.core.now();
        transaction!(self.core, tx => Self::list_in(tx, state, after, limit, now))
    }

    async fn list_in(
        tx: &mut dyn Tx,
        state: OutboxState,
        after: Option<OutboxId>,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxEntry>, Fault> {
        let entries = tx.outbox().list(state, after, limit).await?;
        let which = match state {
            OutboxState::Waiting => "waiting",
            OutboxState::Dead => "dead",
        };
        let record =
            AuditRecord::new(AuditEvent::MessagesListed, &TenantId::default(), &Client::default(), now);
        tx.audit().append(&record.with("state", which).with("count", entries.len().to_string())).await?;
        Ok(entries)
    }

    /// Has a message tried again at once, with all its tries; also one that was given up.
    ///
    /// # Errors
    /// [`MessageError`].
    pub async fn retry(&self, id: OutboxId) -> Result<OutboxItem, MessageError> {
        let now = self.core.now();
        transaction!(self.core, tx => Self::retry_in(tx, id, now))
    }

    async fn retry_in(tx: &mut dyn Tx, id: OutboxId, now: DateTime<Utc>) -> Result<OutboxItem, MessageError> {
        let Some(item) = tx.outbox().retry_now(id, now).await? else { return Err(MessageError::NotFound) };
        if item.expires_at() <= now {
            return Err(MessageError::PastUse);
        }
        tx.audit().append(&about(&item, AuditEvent::MessageRetried, now)).await?;
        Ok(item)
    }

    /// Deletes a message unsent.
    ///
    /// # Errors
    /// [`MessageError`], never [`PastUse`](MessageError::PastUse).
    pub async fn discard(&self, id: OutboxId) -> Result<OutboxItem, MessageError> {
        let now = self.core.now();
        transaction!(self.core, tx => Self::discard_in(tx, id, now))
    }

    async fn discard_in(
        tx: &mut dyn Tx,
        id: OutboxId,
        now: DateTime<Utc>,
    ) -> Result<OutboxItem, MessageError> {
        let Some(item) = tx.outbox().discard(id, now).await? else { return Err(MessageError::NotFound) };
        tx.audit().append(&about(&item, AuditEvent::MessageDiscarded, now)).await?;
        Ok(item)
    }
}

/// An entry about what an operator did to a message.
fn about(item: &OutboxItem, event: AuditEvent, now: DateTime<Utc>) -> AuditRecord {
    let record = AuditRecord::new(event, &item.tenant, &Client::default(), now)
        .with("message", item.id.to_string())
        .with("kind", item.intent.kind());
    match item.user {
        Some(user) => record.about(user),
        None => record,
    }
}
