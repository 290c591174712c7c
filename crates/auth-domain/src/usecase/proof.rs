//! Proving a password, under the lock rule. Every path that takes a password goes through here.

use super::{
    Core, Fault,
    lane::{Attempt, Claim, Consequence},
    transaction::transaction,
};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::{known_device::KnownDevice, lockout::Locked},
    outbox::Intent,
    port::{HashError, Tx, Verification},
    tenant::TenantId,
    user::{Email, Password, PasswordHash, User},
};

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

/// What comparing a password gave.
pub(super) enum Compared {
    /// It is the password.
    Right {
        /// Whether it should be hashed anew.
        outdated: bool,
    },
    /// It is not, and this is what the audit log is told.
    Wrong(&'static str),
}

impl Core {
    /// Compares a password; with no stored hash, or one that this server does not verify, it works as long
    /// and answers a mismatch. The owner of such an account gets in through a mailed link.
    pub(super) async fn verify_counted(
        &self,
        attempt: Attempt,
        password: &Password,
        hash: Option<PasswordHash>,
    ) -> Result<Compared, Fault> {
        let mut reason = "wrong_password";
        let mut compared = self.ports.hasher.verify(password, hash).await;
        if compared.is_err_and(HashError::is_about_the_hash) {
            reason = "unverifiable_hash";
            compared = self.ports.hasher.verify(password, None).await;
        }
        match compared {
            Ok(Verification::Match { outdated }) => Ok(Compared::Right { outdated }),
            Ok(Verification::Mismatch) => Ok(Compared::Wrong(reason)),
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
        let _place = self.ports.hasher.take_place()?;
        let claim = Claim { tenant: &user.tenant, email: &user.email, device: None, by_provider: false };
        let attempt = match self.reserve_attempt(claim, client).await? {
            Ok((attempt, _)) => attempt,
            Err(locked) => return Err(ProofError::Locked(locked)),
        };
        let hash = user.credential.as_ref().map(|credential| credential.hash.clone());
        match self.verify_counted(attempt, password, hash).await? {
            Compared::Right { .. } => Ok(attempt),
            Compared::Wrong(reason) => {
                let record =
                    AuditRecord::new(AuditEvent::PasswordProofFailed, &user.tenant, client, attempt.at)
                        .by(user.id)
                        .with("reason", reason);
                self.wrong_password((&user.tenant, &user.email), Some(user), attempt, &record).await?;
                Err(ProofError::Wrong)
            }
        }
    }

    /// Notes a wrong password. If a lock begins with it, or the account is closed by it, the owner is told:
    /// not at each longer lock in between. An address without an account takes the same work.
    pub(super) async fn wrong_password(
        &self,
        address: (&TenantId, &Email),
        user: Option<&User>,
        attempt: Attempt,
        record: &AuditRecord,
    ) -> Result<(), Fault> {
        match attempt.consequence() {
            Consequence::None => self.note_refusal(record).await,
            Consequence::Notice => {
                transaction!(self, tx => self.lock_begins_in(tx, address, user, record))
            }
            Consequence::Demotion(device) => {
                transaction!(self, tx => self.device_fails_in(tx, &device, record))
            }
        }
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

    async fn device_fails_in(
        &self,
        tx: &mut dyn Tx,
        device: &KnownDevice,
        record: &AuditRecord,
    ) -> Result<(), Fault> {
        tx.audit().append(record).await?;
        Self::demote_in(tx, device, &record.tenant, &record.client, record.at).await
    }
}
