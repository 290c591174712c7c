//! The repository of API keys.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    api_key::{ApiKey, KeyOwner},
    id::{ApiKeyId, UserId},
    secret::Digest,
    user::User,
};

/// API keys, by their digests.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait ApiKeyRepo: Send {
    /// Adds a key. A clash of ids or digests must be [`StoreError::Conflict`].
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn insert(&mut self, key: &ApiKey) -> Result<(), StoreError>;

    /// The key of that digest, revoked and expired ones too, and the account of a personal one as it was
    /// at the same moment.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn with_person(&mut self, digest: &Digest) -> Result<Option<(ApiKey, Option<User>)>, StoreError>;

    /// The keys of an owner, newest first, revoked and expired ones too. Those of a tenant are its service
    /// keys alone.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn list(&mut self, owner: &KeyOwner) -> Result<Vec<ApiKey>, StoreError>;

    /// Revokes a key of that owner, and gives it as it is then. `None` when the owner has no such key, or it
    /// was revoked before: of parallel calls one gets the key.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn revoke(
        &mut self,
        owner: &KeyOwner,
        id: ApiKeyId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiKey>, StoreError>;

    /// Revokes all personal keys of a user that are not revoked yet, and says how many those were. Service
    /// keys that the user made must stay.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn revoke_all(&mut self, person: UserId, at: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Notes that a key was seen in use. Must not move the time back.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn touch(&mut self, id: ApiKeyId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Deletes up to `limit` keys that were revoked or expired before `before`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
