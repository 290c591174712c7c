//! The repository of linked identities.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    id::{IdentityId, UserId},
    port::IdentityKey,
    user::{LinkedCounts, LinkedIdentity},
};

/// The identity is linked to an account, or the account to an identity of the same provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the identity or the account is linked already")]
pub struct ExistingLink;

/// Which linked identities are to be checked with their provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueChecks {
    /// The provider was last known to stand by the account before this.
    pub checked_before: DateTime<Utc>,
    /// The present time: leases of before have run out.
    pub now: DateTime<Utc>,
    /// Until when nobody else gets them.
    pub leased_until: DateTime<Utc>,
    /// How many at most.
    pub limit: u32,
}

/// Accounts of providers, and whose accounts of ours they open.
///
/// An implementor must keep by constraints of the store that an identity opens one account and that an
/// account has one identity of a provider, so that parallel first logins make one link.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait IdentityRepo: Send {
    /// Adds a link. `Ok(Err(ExistingLink))` must leave the transaction usable and the store unchanged. A
    /// clash of ids must be [`StoreError::Conflict`].
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn link(&mut self, identity: &LinkedIdentity) -> Result<Result<(), ExistingLink>, StoreError>;

    /// The link of that identity.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn by_key(&mut self, key: &IdentityKey) -> Result<Option<LinkedIdentity>, StoreError>;

    /// The links of an account, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn of_user(&mut self, user: UserId) -> Result<Vec<LinkedIdentity>, StoreError>;

    /// Writes the times, the grant and the migrated password of a link back; a lease ends. `false` when there is no such link
    /// any more.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn save(&mut self, identity: &LinkedIdentity) -> Result<bool, StoreError>;

    /// Removes a link. `false` when there is none of that id.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn unlink(&mut self, id: IdentityId) -> Result<bool, StoreError>;

    /// Leases links of a provider that have a grant and whose check is due, the longest unchecked first.
    /// Must be atomic: a link is leased to one caller at a time, and comes back when its lease runs out.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lease_due(&mut self, issuer: &str, due: DueChecks) -> Result<Vec<LinkedIdentity>, StoreError>;

    /// Counts the links of a provider.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn counts(&mut self, issuer: &str) -> Result<LinkedCounts, StoreError>;
}
