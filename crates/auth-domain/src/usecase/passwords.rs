//! Changing the password while signed in.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    Caller, Core, Fault, api_keys::revoke_personal_in, fault::faults, new_password::PasswordFor,
    proof::ProofError, transaction::transaction,
};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::lockout::Locked,
    outbox::Intent,
    port::{Tx, Verification},
    session::{EndReason, Ended},
    token::LinkPurpose,
    user::{Credential, NewPassword, Password, PasswordHash, User, WeakPassword},
};

/// Changes passwords of people who are signed in.
#[derive(Clone)]
pub struct Passwords {
    core: Arc<Core>,
}

/// A change of the password.
#[derive(Clone, Debug)]
pub struct ChangePassword {
    /// The present password, if it was sent.
    pub current: Option<Password>,
    /// The new one, as the policy admitted it.
    pub new: NewPassword,
    /// Who is calling.
    pub client: Client,
}

/// Why the password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The present password is wrong.
    #[error("the present password is wrong")]
    WrongCurrent,
    /// The present password was not sent, and the login is too long ago to do without.
    #[error("the login is too long ago")]
    RecentLoginRequired,
    /// The new password is the present one.
    #[error("the new password is the present one")]
    Unchanged,
    /// The password is made of the account's own words, or too easy to guess.
    #[error(transparent)]
    WeakPassword(WeakPassword),
    /// Too many wrong passwords.
    #[error(transparent)]
    Locked(Locked),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ChangePasswordError);

impl From<Fault> for ChangePasswordError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ProofError> for ChangePasswordError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Wrong => Self::WrongCurrent,
            ProofError::Locked(locked) => Self::Locked(locked),
            ProofError::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// What happens to the user's sessions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aftermath {
    EndSessions,
    KeepSessions,
}

impl Passwords {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Changes the password and ends all sessions, the present one included.
    ///
    /// The present password is checked when it is sent. It may be left out shortly after a login, or
    /// when the present password was handed out and must be changed.
    ///
    /// # Errors
    /// [`ChangePasswordError`].
    pub async fn change(&self, caller: &Caller, change: &ChangePassword) -> Result<(), ChangePasswordError> {
        if change.current.is_none() && !self.may_omit_current(caller) {
            return Err(ChangePasswordError::RecentLoginRequired);
        }
        self.replace(caller, change, Aftermath::EndSessions).await
    }

    /// Changes the password of somebody who knows the present one; sessions stay, because the person
    /// was never in doubt.
    ///
    /// # Errors
    /// [`ChangePasswordError`]; [`RecentLoginRequired`](ChangePasswordError::RecentLoginRequired) when
    /// the present password is missing.
    pub async fn change_known(
        &self,
        caller: &Caller,
        change: &ChangePassword,
    ) -> Result<(), ChangePasswordError> {
        if change.current.is_none() {
            return Err(ChangePasswordError::RecentLoginRequired);
        }
        self.replace(caller, change, Aftermath::KeepSessions).await
    }

    fn may_omit_current(&self, caller: &Caller) -> bool {
        self.core.signed_in_recently(caller) || caller.user.must_change_password()
    }

    async fn replace(
        &self,
        caller: &Caller,
        change: &ChangePassword,
        aftermath: Aftermath,
    ) -> Result<(), ChangePasswordError> {
        let user = &caller.user;
        if let Some(current) = &change.current {
            let attempt = self.core.prove_password(user, current, &change.client).await?;
            // Whatever becomes of the new one: the present one was right.
            self.core.clear_attempt(&mut *self.core.ports.store.read().await?, &attempt).await?;
        }
        let present = user.credential.as_ref().map(|credential| credential.hash.clone());
        if present.is_some() {
            match self.core.ports.hasher.verify(change.new.password(), present).await {
                Ok(Verification::Mismatch) => {}
                // Nobody can tell what it was, and it goes now.
                Err(error) if error.is_about_the_hash() => {}
                Ok(Verification::Match { .. }) => return Err(ChangePasswordError::Unchanged),
                Err(error) => return Err(error.into()),
            }
        }
        let owner = PasswordFor { tenant: &user.tenant, words: user.context_words(), client: &change.client };
        let hash = self
            .core
            .hash_new_password(&change.new, owner)
            .await?
            .map_err(ChangePasswordError::WeakPassword)?;
        let now = self.core.now();
        let stored = transaction!(self.core, tx => self.replace_in(tx, user, hash.clone(), aftermath, &change.client, now))?;
        if stored { Ok(()) } else { Err(ChangePasswordError::WrongCurrent) }
    }

    /// `false` when the password was changed by somebody else meanwhile: what was proved above is then
    /// worth nothing.
    async fn replace_in(
        &self,
        tx: &mut dyn Tx,
        seen: &User,
        hash: PasswordHash,
        aftermath: Aftermath,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<bool, Fault> {
        let Some(mut user) = tx.users().lock(seen.id).await? else { return Ok(false) };
        if user.credential != seen.credential || !user.is_active() {
            return Ok(false);
        }
        user.set_credential(Credential::permanent(hash), now);
        self.core.password_replaced_in(tx, &user, client, now).await?;
        if aftermath == Aftermath::EndSessions {
            end_sessions_in(tx, &user, client, now).await?;
        }
        let record = AuditRecord::new(AuditEvent::PasswordChanged, &user.tenant, client, now);
        tx.audit().append(&record.by(user.id)).await?;
        Ok(true)
    }
}

/// Ends all sessions because the password changed, and all that else lets programs in for the user.
pub(super) async fn end_sessions_in(
    tx: &mut dyn Tx,
    user: &User,
    client: &Client,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    revoke_personal_in(tx, user, client, now).await?;
    let ended = Ended { at: now, reason: EndReason::PasswordChanged };
    Ok(tx.sessions().end_all(user.id, None, ended).await?)
}

impl Core {
    /// Stores the new password of `user`, and whatever the one before was good for is gone.
    pub(super) async fn former_password_dies_in(&self, tx: &mut dyn Tx, user: &User) -> Result<(), Fault> {
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(user).await?;
        self.clear_passwords_in(tx, user).await?;
        tx.known_devices().forget_all(user.id).await?;
        tx.links().withdraw(user.id, LinkPurpose::ResetPassword).await?;
        Ok(tx.links().withdraw(user.id, LinkPurpose::Unlock).await?)
    }

    /// What every change of a password brings with it: it is stored, the failure count is forgotten, no
    /// device is known any more, mailed links that reset or unlock die, and the owner is told.
    pub(super) async fn password_replaced_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        self.former_password_dies_in(tx, user).await?;
        let letter = self.letter_to(user, Intent::PasswordChangedNotice, client, now)?;
        Ok(tx.outbox().put(&letter).await?)
    }
}
