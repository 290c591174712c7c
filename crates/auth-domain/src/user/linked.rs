//! Accounts of a provider that belong to accounts of ours.

use chrono::{DateTime, Utc};

use crate::{
    id::{IdentityId, UserId},
    secret::Sealed,
};

/// The account of a provider that signs somebody in to an account of ours.
///
/// What identifies it is who vouches (`issuer`) and for whom (`subject`), never an address: addresses
/// change hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// Identifies the link.
    pub id: IdentityId,
    /// Whose account it opens.
    pub user: UserId,
    /// The provider, as its tokens name it.
    pub issuer: String,
    /// Whom the provider means; never given to somebody else.
    pub subject: String,
    /// When the link was made.
    pub linked_at: DateTime<Utc>,
    /// When the provider was last told the right password.
    pub proved_at: DateTime<Utc>,
    /// When the provider was last known to stand by the account.
    pub checked_at: DateTime<Utc>,
    /// What the provider is asked with whether it still does; `None` when there is nothing to ask with.
    pub grant: Option<Sealed>,
}

impl LinkedIdentity {
    /// A new link: proved now, and nothing to ask the provider with yet.
    pub const fn new(
        id: IdentityId,
        user: UserId,
        issuer: String,
        subject: String,
        now: DateTime<Utc>,
    ) -> Self {
        Self { id, user, issuer, subject, linked_at: now, proved_at: now, checked_at: now, grant: None }
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
