//! Repositories of second factors.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    factor::{Fingerprint, TimeStep, TrustedDevice},
    id::UserId,
    secret::{Digest, Sealed},
};

/// The authenticator app of an account, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredTotp {
    /// The sealed secret of the app at work.
    pub secret: Option<Sealed>,
    /// The step of the code accepted last; no earlier one is good any more.
    pub last_step: Option<TimeStep>,
    /// A secret that was shown and waits for its first code.
    pub pending: Option<PendingTotp>,
}

/// A secret that was shown to its owner and waits for its first code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingTotp {
    /// The sealed secret.
    pub secret: Sealed,
    /// When it was shown.
    pub since: DateTime<Utc>,
}

/// Secrets of authenticator apps, and recovery codes.
///
/// Whether an account has the factor at all is part of its row ([`User::factors`](crate::user::User)).
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait FactorRepo: Send {
    /// What is stored for an account; empty if nothing is.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn totp(&mut self, user: UserId) -> Result<StoredTotp, StoreError>;

    /// Keeps a secret that waits for its first code, in place of one that waited before. The one at work
    /// must stay as it is.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn put_pending_totp(&mut self, user: UserId, pending: &PendingTotp) -> Result<(), StoreError>;

    /// Puts the waiting secret to work, in place of the one before, with `step` as the step of the code
    /// accepted last. Must be one atomic step: `false`, and nothing changes, unless `pending` is what
    /// waits.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn activate_totp(
        &mut self,
        user: UserId,
        pending: &PendingTotp,
        step: TimeStep,
    ) -> Result<bool, StoreError>;

    /// Notes that a code of `step` was accepted. Must be one atomic step: of any number of parallel calls
    /// exactly one returns `true` (invariant I1); `false` when that step or a later one was accepted
    /// before, and when there is no secret at work.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn advance_step(&mut self, user: UserId, step: TimeStep) -> Result<bool, StoreError>;

    /// Forgets the app at work and the one that waits.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn remove_totp(&mut self, user: UserId) -> Result<(), StoreError>;

    /// Replaces all recovery codes of an account; with none it has none.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[Digest],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Uses a recovery code up. Must be one atomic step: of any number of parallel calls exactly one
    /// returns `true` (invariant I1). Used codes, unknown ones and those of others are all `false`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn consume_recovery_code(
        &mut self,
        user: UserId,
        code: &Digest,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// How many recovery codes are left.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u32, StoreError>;
}

/// Devices that proved a second factor a moment ago.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait DeviceRepo: Send {
    /// Remembers a device, in place of what was remembered of that fingerprint of that user. A clash of
    /// ids must be [`StoreError::Conflict`], at the latest from `commit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn remember(&mut self, device: &TrustedDevice) -> Result<(), StoreError>;

    /// The device of that fingerprint, unless it has to prove its factor again at `now`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn find(
        &mut self,
        user: UserId,
        fingerprint: &Fingerprint,
        now: DateTime<Utc>,
    ) -> Result<Option<TrustedDevice>, StoreError>;

    /// All devices of a user that need not prove a factor at `now`, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn list(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<TrustedDevice>, StoreError>;

    /// Forgets all devices of a user. Says how many of them were still good at `now`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn forget_all(&mut self, user: UserId, now: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Deletes up to `limit` devices that expired before `before`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
