//! Devices that an account signed in from, and the lane that each of them has to itself.
//!
//! Pure; see `tests/it/known_device_model.rs`. Whoever fails on purpose makes a stranger's attempts wait,
//! and the owner is such a stranger on a new machine only: a device known from earlier is counted for
//! itself. Its token chooses the lane and proves nothing: the password and every factor are asked for all
//! the same.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    id::UserId,
    secret::{Digest, opaque_tokens},
};

opaque_tokens! {
    /// Stands for a device that a person signed in from.
    DeviceToken = "dt_";
}

impl Clone for DeviceToken {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Numbers of the lane of known devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDevicePolicy {
    /// How long a device is known after its last login.
    pub life: TimeDelta,
    /// How many devices of an account are known; [`KnownDeviceRepo::insert`](crate::port::KnownDeviceRepo::insert)
    /// says which give way.
    pub at_most: u32,
    /// Failures shortly after one another that make a device unknown.
    pub threshold: u32,
    /// Failures are shortly after one another when less than this lies between each and the one before.
    pub window: TimeDelta,
    /// Failures in a row that make a device unknown, however slow they come.
    pub most_in_a_row: u32,
}

impl KnownDevicePolicy {
    /// How long a device is known after its last login: cookies that hold its token last as long.
    pub const LIFE: TimeDelta = TimeDelta::days(90);
}

impl Default for KnownDevicePolicy {
    /// 90 days, 50 devices; 10 failures within 10 minutes, 100 in a row (NIST SP 800-63B-4 §3.2.2).
    fn default() -> Self {
        Self {
            life: Self::LIFE,
            at_most: 50,
            threshold: 10,
            window: TimeDelta::minutes(10),
            most_in_a_row: 100,
        }
    }
}

/// A device as it is stored: the digest, never the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// Digest of the token; unique.
    pub digest: Digest,
    /// Who signed in from it.
    pub user: UserId,
    /// When that was for the first time.
    pub created_at: DateTime<Utc>,
    /// When that was for the last time.
    pub last_used_at: DateTime<Utc>,
    /// When it stops being known.
    pub expires_at: DateTime<Utc>,
    /// Attempts counted since the last success.
    pub failures: u32,
    /// Those of them that came shortly after one another.
    pub recent_failures: u32,
    /// When the last of them was counted.
    pub last_attempt_at: Option<DateTime<Utc>>,
}

/// Too many attempts failed from a device: it is not to be known any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failures from this device")]
pub struct Spent;

impl KnownDevice {
    /// The stored half of a token that `user` is given now.
    pub fn new(token: &DeviceToken, user: UserId, now: DateTime<Utc>, policy: &KnownDevicePolicy) -> Self {
        Self {
            digest: token.digest(),
            user,
            created_at: now,
            last_used_at: now,
            expires_at: now + policy.life,
            failures: 0,
            recent_failures: 0,
            last_attempt_at: None,
        }
    }

    /// Whether it is a device of that account and known at `now`.
    pub fn is_of(&self, user: UserId, now: DateTime<Utc>) -> bool {
        self.user == user && now < self.expires_at
    }

    /// Counts an attempt, before the password is checked.
    ///
    /// # Errors
    /// [`Spent`] when there were too many: the attempt is a stranger's, and the device to be forgotten.
    pub fn reserve_attempt(self, now: DateTime<Utc>, policy: &KnownDevicePolicy) -> Result<Self, Spent> {
        if self.is_spent(policy) {
            return Err(Spent);
        }
        let is_recent = self.last_attempt_at.is_some_and(|at| now - at < policy.window);
        let recent = if is_recent { self.recent_failures } else { 0 };
        Ok(Self {
            failures: self.failures.saturating_add(1),
            recent_failures: recent.saturating_add(1),
            last_attempt_at: Some(now),
            ..self
        })
    }

    /// Whether the attempt counted last is the last that is looked at, should it fail.
    pub const fn is_spent(&self, policy: &KnownDevicePolicy) -> bool {
        self.recent_failures >= policy.threshold || self.failures >= policy.most_in_a_row
    }

    /// Takes back an attempt whose password was never looked at.
    #[must_use]
    pub const fn refund_attempt(self) -> Self {
        Self {
            failures: self.failures.saturating_sub(1),
            recent_failures: self.recent_failures.saturating_sub(1),
            ..self
        }
    }

    /// The password was right: the count begins anew.
    #[must_use]
    pub const fn succeeded(self) -> Self {
        Self { failures: 0, recent_failures: 0, last_attempt_at: None, ..self }
    }

    /// Somebody was signed in from it: it is known for longer.
    #[must_use]
    pub fn used(self, now: DateTime<Utc>, policy: &KnownDevicePolicy) -> Self {
        Self { last_used_at: now, expires_at: now + policy.life, ..self.succeeded() }
    }
}
