//! The repository of devices that accounts signed in from.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    guard::known_device::KnownDevice,
    id::UserId,
    secret::Digest,
    tenant::TenantId,
    user::{Email, User},
};

/// Devices that accounts signed in from, by the digest of their token, with the failures of each.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait KnownDeviceRepo: Send {
    /// Adds a device. If its account then had more than `at_most`, others must give way: first those that
    /// nobody signed in from again after the first time, the oldest of them first, then those longest
    /// unused. A script that never sends its token back thus costs no browser its lane. To be called with
    /// the account locked.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn insert(&mut self, device: &KnownDevice, at_most: u32) -> Result<(), StoreError>;

    /// The device of that digest, expired or not, which then must not change before the transaction ends:
    /// no increment may be lost (invariant I11).
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lock(&mut self, digest: &Digest) -> Result<Option<KnownDevice>, StoreError>;

    /// [`lock`](Self::lock), and the account of an address as
    /// [`UserRepo::by_email`](super::UserRepo::by_email) finds it, in one round trip: every login with a
    /// token begins with this. The account is not locked.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lock_with_account(
        &mut self,
        digest: &Digest,
        tenant: &TenantId,
        email: &Email,
    ) -> Result<(Option<KnownDevice>, Option<User>), StoreError>;

    /// Writes a device back, all but its account and its first day. One that was forgotten meanwhile must
    /// stay forgotten, and that is no failure.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn save(&mut self, device: &KnownDevice) -> Result<(), StoreError>;

    /// Forgets a device. `true` if it was there: of parallel calls for exactly one.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn forget(&mut self, digest: &Digest) -> Result<bool, StoreError>;

    /// Forgets all devices of a user. Says how many there were.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn forget_all(&mut self, user: UserId) -> Result<u64, StoreError>;

    /// The devices of a user that are known at `now`, the one used last first.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn list(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<KnownDevice>, StoreError>;

    /// Deletes up to `limit` devices that expired before `before`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
