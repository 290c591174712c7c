//! Counting attempts before anything is looked at, each in its lane.
//!
//! ```text
//! token of a known device of the account ──▶ the device's own count ── too many ──▶ it is known no more ─┐
//! no token, or any other ──────────────────▶ the count of the address (or of the account's codes) ◀──────┘
//! ```
//!
//! A stranger who fails on purpose fills the second count; the owner's devices do not meet it.

use chrono::{DateTime, Utc};

use super::{Core, Fault, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::{
        known_device::{DeviceToken, KnownDevice, KnownDevicePolicy},
        lockout::{self, LockPolicy, LockState, Locked},
    },
    port::{KeyPurpose, Repos, Tx},
    tenant::TenantId,
    user::{Email, User},
};

/// Names an identifier in the lock table.
pub(super) type LockKey = [u8; 32];

/// Whose password somebody wants to prove.
#[derive(Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) email: &'a Email,
    /// What came along for the lane.
    pub(super) device: Option<&'a DeviceToken>,
    /// Whether it is a provider that looks at the password.
    pub(super) by_provider: bool,
}

/// Where an attempt was counted.
#[derive(Clone, Copy)]
enum Lane {
    /// With everybody's, for the identifier.
    Untrusted,
    /// For one device of the account.
    KnownDevice(KnownDevice),
}

/// An attempt that was counted. Whoever proves the password [clears](Core::clear_attempt) the count.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    key: LockKey,
    lane: Lane,
    pub(super) at: DateTime<Utc>,
    /// How many failures were counted before it, and not forgotten since.
    failures_before: u32,
    consequence: Consequence,
}

/// What it means that an attempt fails.
#[derive(Clone, Copy)]
pub(super) enum Consequence {
    None,
    /// The first lock begins, or the identifier is closed: its owner is told.
    Notice,
    /// The device is known no more.
    Demotion(KnownDevice),
}

impl Attempt {
    /// The attempt that brought the count of an identifier to `failures`.
    pub(super) fn counted(key: LockKey, failures: u32, policy: &LockPolicy, at: DateTime<Utc>) -> Self {
        let is_told = failures == policy.threshold || failures == policy.closing();
        let consequence = if is_told { Consequence::Notice } else { Consequence::None };
        Self { key, lane: Lane::Untrusted, at, failures_before: failures.saturating_sub(1), consequence }
    }

    /// The attempt that brought the count of a device to what it is.
    const fn of_device(
        key: LockKey,
        device: KnownDevice,
        policy: &KnownDevicePolicy,
        at: DateTime<Utc>,
    ) -> Self {
        let is_last = device.is_spent(policy);
        let consequence = if is_last { Consequence::Demotion(device) } else { Consequence::None };
        let failures_before = device.failures.saturating_sub(1);
        Self { key, lane: Lane::KnownDevice(device), at, failures_before, consequence }
    }

    pub(super) const fn consequence(&self) -> Consequence {
        self.consequence
    }

    /// The known device that it was made from.
    pub(super) const fn device(&self) -> Option<KnownDevice> {
        match self.lane {
            Lane::Untrusted => None,
            Lane::KnownDevice(device) => Some(device),
        }
    }

    /// Whether the owner should hear of it if this attempt succeeds. Whoever fails at the second factor
    /// knows the password already, so one failure is enough there.
    pub(super) const fn is_suspicious(&self, second_factor: bool) -> bool {
        self.failures_before >= if second_factor { 1 } else { 3 }
    }
}

impl Core {
    pub(super) fn lock_key(&self, tenant: &TenantId, email: &Email) -> LockKey {
        let parts = [tenant.as_str().as_bytes(), email.as_str().as_bytes()];
        self.ports.keyed_hash.mac(KeyPurpose::LockKey, &parts)
    }

    /// Names the account's count of wrong codes.
    pub(super) fn code_lock_key(&self, user: &User) -> LockKey {
        let id = user.id.as_i64().to_be_bytes();
        self.ports.keyed_hash.mac(KeyPurpose::LockKey, &[b"second-factor", &id])
    }

    /// Counts an attempt before anything is hashed, and gives the account of the address, if there is
    /// one. The account comes from the same transaction only to save a round trip. Whoever is going to hash
    /// takes a place for that first: under overload nobody is counted, and the store has others to serve.
    pub(super) async fn reserve_attempt(
        &self,
        claim: Claim<'_>,
        client: &Client,
    ) -> Result<Result<(Attempt, Option<User>), Locked>, Fault> {
        transaction!(self, tx => self.reserve_attempt_in(tx, claim, client))
    }

    async fn reserve_attempt_in(
        &self,
        tx: &mut dyn Tx,
        claim: Claim<'_>,
        client: &Client,
    ) -> Result<Result<(Attempt, Option<User>), Locked>, Fault> {
        // Read after whatever waiting the beginning of the transaction took.
        let now = self.now();
        let key = self.lock_key(claim.tenant, claim.email);
        let (remembered, user) = match claim.device {
            None => tx.locks().lock_with_account(&key, claim.tenant, claim.email).await?,
            Some(token) => {
                let digest = token.digest();
                let (device, user) =
                    tx.known_devices().lock_with_account(&digest, claim.tenant, claim.email).await?;
                let owner = user.as_ref().map(|user| user.id);
                let device = device.filter(|device| owner.is_some_and(|owner| device.is_of(owner, now)));
                if let Some(device) = device
                    && let Some(attempt) =
                        self.count_on_device_in(tx, key, device, claim.tenant, client, now).await?
                {
                    return Ok(Ok((attempt, user)));
                }
                (tx.locks().lock(&key).await?, user)
            }
        };
        let owner = user.as_ref().map(|user| user.id);
        let throttled = || {
            let record = AuditRecord::new(AuditEvent::LoginThrottled, claim.tenant, client, now)
                .by_provider(claim.by_provider);
            match owner {
                Some(owner) => record.about(owner),
                None => record,
            }
        };
        let counted = self.count_attempt_in(tx, key, remembered, now, throttled).await?;
        Ok(counted.map(|attempt| (attempt, user)))
    }

    /// Counts an attempt of a known device. `None` when that was one too many: it is a stranger's then.
    async fn count_on_device_in(
        &self,
        tx: &mut dyn Tx,
        key: LockKey,
        device: KnownDevice,
        tenant: &TenantId,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<Option<Attempt>, Fault> {
        let policy = &self.policy.known_devices;
        let Ok(counted) = device.reserve_attempt(now, policy) else {
            Self::demote_in(tx, &device, tenant, client, now).await?;
            return Ok(None);
        };
        tx.known_devices().save(&counted).await?;
        Ok(Some(Attempt::of_device(key, counted, policy, now)))
    }

    /// Counts an attempt under a key that is locked, or notes that it was `throttled`.
    pub(super) async fn count_attempt_in(
        &self,
        tx: &mut dyn Tx,
        key: LockKey,
        remembered: Option<LockState>,
        now: DateTime<Utc>,
        throttled: impl FnOnce() -> AuditRecord + Send,
    ) -> Result<Result<Attempt, Locked>, Fault> {
        match lockout::reserve_attempt(remembered, now, &self.policy.lock) {
            Ok(state) => {
                tx.locks().put(&key, &state).await?;
                Ok(Ok(Attempt::counted(key, state.failures, &self.policy.lock, now)))
            }
            Err(locked) => {
                tx.audit().append(&throttled()).await?;
                Ok(Err(locked))
            }
        }
    }

    /// Takes a counted attempt back: the password was never looked at, because the server had no
    /// capacity. Our overload must not lock anybody out.
    pub(super) async fn refund_attempt(&self, attempt: Attempt) -> Result<(), Fault> {
        transaction!(self, tx => Self::refund_attempt_in(tx, &attempt, &self.policy.lock))
    }

    /// Settles an attempt by which somebody proved to be the owner of `user`. If they `typed` another address
    /// than that of the account, the failures counted there are not theirs to forget: only this attempt is
    /// taken back.
    pub(super) async fn clear_attempt_of(
        &self,
        tx: &mut dyn Tx,
        attempt: &Attempt,
        typed: &Email,
        user: &User,
    ) -> Result<(), Fault> {
        if *typed == user.email {
            self.clear_attempt(tx, attempt).await
        } else {
            Self::refund_attempt_in(tx, attempt, &self.policy.lock).await
        }
    }

    async fn refund_attempt_in(tx: &mut dyn Tx, attempt: &Attempt, policy: &LockPolicy) -> Result<(), Fault> {
        let key = &attempt.key;
        match attempt.lane {
            Lane::Untrusted => {
                if let Some(state) = tx.locks().lock(key).await? {
                    match lockout::refund_attempt(state, policy) {
                        Some(less) => tx.locks().put(key, &less).await?,
                        None => tx.locks().clear(key).await?,
                    }
                }
            }
            Lane::KnownDevice(device) => {
                if let Some(device) = tx.known_devices().lock(&device.digest).await? {
                    tx.known_devices().save(&device.refund_attempt()).await?;
                }
            }
        }
        Ok(())
    }

    /// Forgets the failures of the lane that a proved attempt was counted in, and of no other. A known
    /// device opens an account that strangers have closed; one that only has to wait stays as it is.
    pub(super) async fn clear_attempt(
        &self,
        repos: &mut (dyn Repos + '_),
        attempt: &Attempt,
    ) -> Result<(), Fault> {
        match attempt.lane {
            Lane::Untrusted => repos.locks().clear(&attempt.key).await?,
            Lane::KnownDevice(device) => {
                repos.known_devices().save(&device.succeeded()).await?;
                repos.locks().clear_from(&attempt.key, self.policy.lock.closing()).await?;
            }
        }
        Ok(())
    }

    /// Has a device be known no more, because too many attempts from it failed.
    pub(super) async fn demote_in(
        tx: &mut dyn Tx,
        device: &KnownDevice,
        tenant: &TenantId,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        if !tx.known_devices().forget(&device.digest).await? {
            return Ok(()); // by another attempt, which has noted it
        }
        let record = AuditRecord::new(AuditEvent::DeviceDemoted, tenant, client, now).about(device.user);
        Ok(tx.audit().append(&record).await?)
    }
}
