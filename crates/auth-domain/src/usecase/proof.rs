//! Proving a password, under the lock rule. Every path that takes a password goes through here.

use chrono::{DateTime, Utc};

use super::{Core, Fault, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::lockout::{self, LockPolicy, LockState, Locked},
    outbox::Intent,
    port::{KeyPurpose, Tx, Verification},
    tenant::TenantId,
    user::{Email, NewPassword, Password, PasswordHash, User, WeakPassword},
};

/// Names an identifier in the lock table.
pub(super) type LockKey = [u8; 32];

/// An attempt that was counted. Whoever proves the password [clears](Core::clear_attempts) the count.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    pub(super) key: LockKey,
    pub(super) at: DateTime<Utc>,
    /// How many failures were counted before it, and not forgotten since.
    pub(super) failures_before: u32,
    /// Whether the first lock begins if it fails.
    locks: bool,
}

impl Attempt {
    /// The attempt that brought the count to `failures`.
    pub(super) const fn counted(key: LockKey, failures: u32, policy: &LockPolicy, at: DateTime<Utc>) -> Self {
        Self { key, at, failures_before: failures.saturating_sub(1), locks: failures == policy.threshold }
    }

    /// Whether the owner should hear of it if this attempt succeeds. Whoever fails at the second factor
    /// knows the password already, so one failure is enough there.
    pub(super) const fn is_suspicious(&self, second_factor: bool) -> bool {
        self.failures_before >= if second_factor { 1 } else { 3 }
    }
}

/// Why a password was not proved.
pub(super) enum ProofError {
    Wrong,
    Locked(Locked),
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for ProofError {
    fn from(source: E) -> Self {
        Self::Fault(source.into())
    }
}

impl Core {
    pub(super) fn lock_key(&self, tenant: &TenantId, email: &Email) -> LockKey {
        let parts = [tenant.as_str().as_bytes(), email.as_str().as_bytes()];
        self.ports.keyed_hash.mac(KeyPurpose::LockKey, &parts)
    }

    /// Counts an attempt before anything is hashed, and gives the account of the address, if there is
    /// one. The account comes from the same transaction only to save a round trip. Under overload nobody
    /// is counted, and the store is not asked: it has others to serve.
    pub(super) async fn reserve_attempt(
        &self,
        tenant: &TenantId,
        email: &Email,
        client: &Client,
    ) -> Result<Result<(Attempt, Option<User>), Locked>, Fault> {
        self.ports.hasher.has_room()?;
        let key = self.lock_key(tenant, email);
        transaction!(self, tx => self.reserve_attempt_in(tx, key, tenant, email, client))
    }

    async fn reserve_attempt_in(
        &self,
        tx: &mut dyn Tx,
        key: LockKey,
        tenant: &TenantId,
        email: &Email,
        client: &Client,
    ) -> Result<Result<(Attempt, Option<User>), Locked>, Fault> {
        // Read after whatever waiting the beginning of the transaction took.
        let now = self.now();
        let (remembered, user) = tx.locks().lock_with_account(&key, tenant, email).await?;
        let throttled = || AuditRecord::new(AuditEvent::LoginThrottled, tenant, client, now);
        let counted = self.count_attempt_in(tx, key, remembered, now, throttled).await?;
        Ok(counted.map(|attempt| (attempt, user)))
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
        transaction!(self, tx => Self::refund_attempt_in(tx, &attempt.key, &self.policy.lock))
    }

    async fn refund_attempt_in(tx: &mut dyn Tx, key: &LockKey, policy: &LockPolicy) -> Result<(), Fault> {
        if let Some(state) = tx.locks().lock(key).await? {
            match lockout::refund_attempt(state, policy) {
                Some(less) => tx.locks().put(key, &less).await?,
                None => tx.locks().clear(key).await?,
            }
        }
        Ok(())
    }

    /// Compares a password; with no stored hash it works as long and answers a mismatch.
    pub(super) async fn verify_counted(
        &self,
        attempt: Attempt,
        password: &Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, Fault> {
        match self.ports.hasher.verify(password, hash).await {
            Ok(verification) => Ok(verification),
            Err(error) => {
                self.refund_attempt(attempt).await?;
                Err(error.into())
            }
        }
    }

    /// Has somebody who is signed in prove the password once more.
    pub(super) async fn prove_password(
        &self,
        user: &User,
        password: &Password,
        client: &Client,
    ) -> Result<Attempt, ProofError> {
        let attempt = match self.reserve_attempt(&user.tenant, &user.email, client).await? {
            Ok((attempt, _)) => attempt,
            Err(locked) => return Err(ProofError::Locked(locked)),
        };
        let hash = user.credential.as_ref().map(|credential| credential.hash.clone());
        match self.verify_counted(attempt, password, hash).await? {
            Verification::Match { .. } => Ok(attempt),
            Verification::Mismatch => {
                let record =
                    AuditRecord::new(AuditEvent::PasswordProofFailed, &user.tenant, client, attempt.at)
                        .by(user.id);
                self.wrong_password((&user.tenant, &user.email), Some(user), attempt, &record).await?;
                Err(ProofError::Wrong)
            }
        }
    }

    /// Notes a wrong password. If it is the one that locks, the owner is told, once: not at each longer
    /// lock after it. An address without an account takes the same work.
    pub(super) async fn wrong_password(
        &self,
        address: (&TenantId, &Email),
        user: Option<&User>,
        attempt: Attempt,
        record: &AuditRecord,
    ) -> Result<(), Fault> {
        if !attempt.locks {
            return Ok(self.ports.store.read().await?.audit().append(record).await?);
        }
        transaction!(self, tx => self.lock_begins_in(tx, address, user, record))
    }

    async fn lock_begins_in(
        &self,
        tx: &mut dyn Tx,
        address: (&TenantId, &Email),
        user: Option<&User>,
        record: &AuditRecord,
    ) -> Result<(), Fault> {
        tx.audit().append(record).await?;
        let letter = self.letter(address, user, Intent::AccountLockedNotice, &record.client, record.at)?;
        Ok(tx.outbox().put(&letter).await?)
    }

    /// Applies the rules that need to know the account, then hashes.
    pub(super) async fn hash_new_password(
        &self,
        password: &NewPassword,
        context: &[String],
    ) -> Result<Result<PasswordHash, WeakPassword>, Fault> {
        let policy = &self.policy.passwords;
        if let Err(weak) = policy.check_context(password, context) {
            return Ok(Err(weak));
        }
        let strength = self.ports.hasher.strength(password, context).await?;
        if let Err(weak) = policy.check_strength(strength) {
            return Ok(Err(weak));
        }
        Ok(Ok(self.ports.hasher.hash(password).await?))
    }
}
