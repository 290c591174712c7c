//! Closing an account.

use chrono::{DateTime, Utc};

use super::Accounts;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::lockout::Locked,
    id::UserId,
    port::Tx,
    session::{EndReason, Ended},
    token::LinkPurpose,
    usecase::{
        Caller, Fault, api_keys::revoke_personal_in, fault::faults, lane::Attempt, proof::ProofError,
        transaction::transaction,
    },
    user::{Password, UserStatus},
};

/// A request to close one's own account.
#[derive(Clone, Debug)]
pub struct CloseAccount {
    /// The present password.
    pub password: Password,
    /// Who is calling.
    pub client: Client,
}

/// Why the account was not closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseAccountError {
    /// The password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// Nobody would be left to administer the installation.
    #[error("the account is the last active superuser's")]
    LastSuperuser,
    /// Too many wrong passwords.
    #[error(transparent)]
    Locked(Locked),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(CloseAccountError);

impl From<ProofError> for CloseAccountError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Wrong => Self::WrongPassword,
            ProofError::Locked(locked) => Self::Locked(locked),
            ProofError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Accounts {
    /// Closes the caller's account: it becomes inactive, its sessions end, its links and keys die. An
    /// administrator can take it into use again. The last active superuser stays.
    ///
    /// # Errors
    /// [`CloseAccountError`].
    pub async fn close(&self, caller: &Caller, request: &CloseAccount) -> Result<(), CloseAccountError> {
        let attempt = self.core.prove_password(&caller.user, &request.password, &request.client).await?;
        let now = self.core.now();
        let closed =
            transaction!(self.core, tx => self.close_in(tx, caller.user.id, attempt, &request.client, now))
                .map_err(CloseAccountError::Fault)?;
        if closed { Ok(()) } else { Err(CloseAccountError::LastSuperuser) }
    }

    async fn close_in(
        &self,
        tx: &mut dyn Tx,
        id: UserId,
        attempt: Attempt,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<bool, Fault> {
        // Before the account itself, as everywhere: two superusers who leave at once must not wait for each
        // other, and the second must find that it is the last.
        let superusers = tx.users().lock_superusers().await?;
        let Some(mut user) = tx.users().lock(id).await? else { return Ok(true) };
        self.core.clear_attempt(tx, &attempt).await?;
        if matches!(superusers.as_slice(), [only] if only.id == id) {
            return Ok(false);
        }
        user.status = UserStatus::Inactive;
        user.updated_at = now;
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&user).await?;
        tx.sessions().end_all(id, None, Ended { at: now, reason: EndReason::AccountClosed }).await?;
        revoke_personal_in(tx, &user, client, now).await?;
        tx.known_devices().forget_all(id).await?;
        for purpose in LinkPurpose::ALL {
            tx.links().withdraw(id, purpose).await?;
        }
        let record = AuditRecord::new(AuditEvent::AccountClosed, &user.tenant, client, now);
        tx.audit().append(&record.by(id)).await?;
        Ok(true)
    }
}
