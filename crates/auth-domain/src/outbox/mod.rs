//! The outbox: messages that are owed, written in the transaction that owes them.
//!
//! A row holds an *intent*, never a token and never a text: the worker mints the token when it sends,
//! so that a copy of the database contains no working link.

mod intent;
mod retry;

pub use intent::{Intent, UnknownIntent};
pub use retry::{MAX_ATTEMPTS, Retry, after_failure};

use chrono::{DateTime, Utc};

use crate::{
    client::Client,
    id::{OutboxId, UserId},
    tenant::TenantId,
};

/// One message that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    /// Identifies the message, also to the receiving mail system.
    pub id: OutboxId,
    /// The tenant of the user.
    pub tenant: TenantId,
    /// To whom. `None` does the same work for an address without an account, so that time tells an
    /// outsider nothing (invariant I7).
    pub user: Option<UserId>,
    /// What to send.
    pub intent: Intent,
    /// What caused it; notices tell the user when and from where.
    pub client: Client,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When to try next.
    pub due_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
}

impl OutboxItem {
    /// A message to be sent at once.
    pub const fn new(
        id: OutboxId,
        tenant: TenantId,
        user: Option<UserId>,
        intent: Intent,
        client: Client,
        now: DateTime<Utc>,
    ) -> Self {
        Self { id, tenant, user, intent, client, created_at: now, due_at: now, attempts: 0 }
    }

    /// When the message is of no use any more.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.created_at + self.intent.usefulness()
    }
}
