//! Accounts of a provider that belong to accounts of ours.

use chrono::{DateTime, Utc};

use crate::{
    id::{IdentityId, UserId},
    port::IdentityKey,
    secret::{Digest, Sealed},
};

/// The account of a provider that signs somebody in to an account of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// Identifies the link.
    pub id: IdentityId,
    /// Whose account it opens.
    pub user: UserId,
    /// Whom the provider means. Never an address: those change hands.
    pub key: IdentityKey,
    /// When the link was made.
    pub linked_at: DateTime<Utc>,
    /// When the provider was last told the right password.
    pub proved_at: DateTime<Utc>,
    /// When the provider was last known to stand by the account.
    pub checked_at: DateTime<Utc>,
    /// What the provider is asked with whether it still does; `None` when there is nothing to ask with.
    pub grant: Option<Sealed>,
    /// Tells the password of the account that was taken from the provider; `None` if none was. Once the
    /// account has another one, that is its owner's and stays.
    pub migrated: Option<Digest>,
}

impl LinkedIdentity {
    /// A new link: proved now, and nothing to ask the provider with yet.
    pub const fn new(id: IdentityId, user: UserId, key: IdentityKey, now: DateTime<Utc>) -> Self {
        let (proved_at, checked_at) = (now, now);
        Self { id, user, key, linked_at: now, proved_at, checked_at, grant: None, migrated: None }
    }
}

/// How the people of a provider are spread over the accounts of this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkedCounts {
    /// Links.
    pub linked: u64,
    /// Of those, how many lead to an account with a password of its own.
    pub with_password: u64,
    /// When the provider was last told a right password by anybody.
    pub last_proved_at: Option<DateTime<Utc>>,
    /// The same for those without a password of their own: when the last of them came by.
    pub last_proved_without_password_at: Option<DateTime<Utc>>,
}
