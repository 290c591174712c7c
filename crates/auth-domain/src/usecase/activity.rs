//! What happened to one's own account: the part of the audit log that is about oneself.

use std::sync::Arc;

use super::{Core, Fault, fault::faults};
use crate::{audit::AuditEntry, client::Client, id::UserId, port::AuditFilter, user::User};

/// Details that are fit for the owner's eyes. The others are for operators: why a login was refused tells
/// whoever holds a stolen session how the defences work.
const DETAILS: [&str; 13] = [
    "key",
    "keys",
    "scopes",
    "factor",
    "to",
    "from",
    "fields",
    "devices",
    "provider",
    "sessions",
    "sessions_ended",
    "role",
    "roles",
];

/// Shows people what happened to their account.
#[derive(Clone)]
pub struct Activity {
    core: Arc<Core>,
}

/// A page of events, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityPage {
    /// The events.
    pub items: Vec<AuditEntry>,
    /// What gives the next page; `None` when this is the last.
    pub next: Option<String>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    /// The cursor is not one that this list gave out to this account.
    #[error("the cursor is not one of this list")]
    BadCursor,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ActivityError);

impl Activity {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// What happened to the owner's account, at most `limit` events from `cursor` on.
    ///
    /// Who did it is told where it was the owner; that somebody else did it shows, who does not.
    ///
    /// # Errors
    /// [`ActivityError`].
    pub async fn of(
        &self,
        owner: &User,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<ActivityPage, ActivityError> {
        let (user, tenant) = (owner.id, &owner.tenant);
        let number = user.as_i64().to_be_bytes();
        let list = [&b"activity"[..], tenant.as_str().as_bytes(), &number];
        let before = match cursor {
            Some(cursor) => Some(self.core.read_cursor(&list, cursor).ok_or(ActivityError::BadCursor)?),
            None => None,
        };
        let filter = AuditFilter {
            tenant: Some(tenant.clone()),
            subject: Some(user),
            before,
            ..AuditFilter::default()
        };
        // One more than asked for says whether there is a next page.
        let mut items =
            self.core.ports.store.read().await?.audit().list(&filter, limit.saturating_add(1)).await?;
        let is_last = items.len() <= limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| !is_last).map(|last| self.core.cursor(&list, last.seq));
        Ok(ActivityPage { items: items.into_iter().map(|entry| for_owner(entry, user)).collect(), next })
    }
}

/// The entry without what is not the owner's business.
fn for_owner(entry: AuditEntry, owner: UserId) -> AuditEntry {
    // Where an administrator sat is theirs.
    let is_by_another = entry.actor.is_some_and(|actor| actor != owner);
    AuditEntry {
        actor: entry.actor.filter(|&actor| actor == owner),
        client: if is_by_another { Client::default() } else { entry.client },
        details: entry.details.into_iter().filter(|(key, _)| DETAILS.contains(&key.as_str())).collect(),
        ..entry
    }
}
