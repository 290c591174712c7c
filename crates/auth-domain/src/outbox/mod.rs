//! The outbox: messages that are owed, written in the transaction that owes them.
//!
//! A row holds an *intent*, never a token and never a text: the worker mints the token when it sends,
//! so that a copy of the database contains no working link. What cannot be minted anew, a password that
//! somebody handed out, is there sealed.

mod intent;
mod reason;
mod retry;

pub use intent::{Intent, UnknownIntent};
pub use reason::FailureReason;
pub use retry::{MAX_ATTEMPTS, Retry, after_failure, after_no_answer};

use chrono::{DateTime, Utc};

use crate::{
    client::Client,
    id::{OutboxId, UserId},
    secret::Digest,
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
    /// Of messages with one digest only one waits; `None` stands beside all others.
    pub once: Option<Digest>,
}

/// Which messages an operator looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// Those to be sent, also while a worker is at it.
    Waiting,
    /// Those given up.
    Dead,
}

/// A message as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The message.
    pub item: OutboxItem,
    /// Until when a worker has it, or had it last.
    pub leased_until: Option<DateTime<Utc>>,
    /// When it was given up, if it was.
    pub buried_at: Option<DateTime<Utc>>,
    /// What the last try met.
    pub last_error: Option<String>,
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
        Self { id, tenant, user, intent, client, created_at: now, due_at: now, attempts: 0, once: None }
    }

    /// Owes the message once: of those with the same parts, written in the same minute, only one waits.
    #[must_use]
    pub fn once(mut self, parts: &[&[u8]]) -> Self {
        let minute = self.created_at.timestamp().div_euclid(60).to_be_bytes();
        let mut text = Vec::new();
        for part in parts.iter().chain([&minute.as_slice()]) {
            // The length keeps neighbours apart.
            text.extend(part.len().to_be_bytes());
            text.extend(*part);
        }
        self.once = Some(Digest::of(&text));
        self
    }

    /// When the message is of no use any more.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.created_at + self.intent.usefulness()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn once(parts: &[&[u8]], seconds: i64) -> Option<Digest> {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let id = OutboxId::from_i64(seconds);
        OutboxItem::new(id, TenantId::default(), None, Intent::Nothing, Client::default(), at)
            .once(parts)
            .once
    }

    #[test]
    fn equal_parts_in_one_minute_are_one_message() {
        assert_eq!(once(&[b"ada", b"reset"], 60), once(&[b"ada", b"reset"], 119));
        for (other, at) in
            [(&[b"ada".as_slice(), b"reset"], 120), (&[b"adar", b"eset"], 60), (&[b"bob", b"reset"], 60)]
        {
            assert_ne!(once(&[b"ada", b"reset"], 60), once(other, at));
        }
    }
}
