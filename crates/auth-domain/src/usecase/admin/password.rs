//! Passwords that an administrator hands out, and accounts that one opens.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, Target};
use crate::{
    audit::AuditEvent,
    client::Client,
    outbox::Intent,
    port::Tx,
    usecase::{new_password::PasswordFor, passwords::end_sessions_in, transaction::transaction},
    user::{NewPassword, PasswordHash, User},
};

/// A password for somebody else.
#[derive(Clone, Debug)]
pub struct HandOut {
    /// The password, as the policy admitted it.
    pub password: NewPassword,
    /// Whether it works for a while only, and is to be changed at the next login.
    pub is_temporary: bool,
}

impl Admin {
    /// Replaces the password of an account and mails the new one to its owner. The one before dies at once,
    /// all sessions end, and the failures that were counted are forgotten. Status and second factors stay.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn reset_password(
        &self,
        actor: Actor<'_>,
        target: &Target,
        hand_out: &HandOut,
    ) -> Result<User, AdminError> {
        let outcome = self.try_reset(actor, target, hand_out).await;
        self.conclude(actor, Action::ResetPassword, Some(target), outcome).await
    }

    async fn try_reset(
        &self,
        actor: Actor<'_>,
        target: &Target,
        hand_out: &HandOut,
    ) -> Result<User, AdminError> {
        // Looked at before anything is computed, and once more in the transaction that writes.
        let seen =
            transaction!(self.core, tx => self.meet_in(tx, actor, target, Action::ResetPassword))?.user;
        let nobody = Client::default();
        let client = if let Actor::Person { client, .. } = actor { client } else { &nobody };
        let owner = PasswordFor { tenant: &seen.tenant, words: seen.context_words(), client };
        let hash = self
            .core
            .hash_new_password(&hand_out.password, owner)
            .await?
            .map_err(|why| AdminError::WeakPassword(Action::ResetPassword, why))?;
        let now = self.core.now();
        transaction!(self.core, tx => self.reset_in(tx, actor, target, hand_out, hash.clone(), now))
    }

    async fn reset_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        hand_out: &HandOut,
        hash: PasswordHash,
        now: DateTime<Utc>,
    ) -> Result<User, AdminError> {
        let mut meeting = self.meet_in(tx, actor, target, Action::ResetPassword).await?;
        let credential = self.core.handed_out(hash, hand_out.is_temporary, now);
        meeting.user.set_credential(credential.clone(), now);
        let user = &meeting.user;
        self.core.former_password_dies_in(tx, user).await?;
        tx.devices().forget_all(user.id, now).await?;
        let sessions = end_sessions_in(tx, user, &Client::default(), now).await?;
        let password = hand_out.password.password();
        let letter = self.core.letter_with_password(user, &credential, password, now, |sealed| {
            Intent::NewPassword { sealed }
        })?;
        tx.outbox().put(&letter).await?;
        if !hand_out.is_temporary {
            let notice = self.core.letter_to(user, Intent::PasswordChangedNotice, &Client::default(), now)?;
            tx.outbox().put(&notice).await?;
        }
        let record = meeting.record(AuditEvent::PasswordHandedOut, now);
        let record = record.with("temporary", hand_out.is_temporary.to_string());
        tx.audit().append(&record.with("sessions_ended", sessions.to_string())).await?;
        Ok(meeting.user)
    }

    /// Opens an account that wrong passwords or codes locked. Devices stay as they are.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn unlock(&self, actor: Actor<'_>, target: &Target) -> Result<User, AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.unlock_in(tx, actor, target, now));
        self.conclude(actor, Action::Unlock, Some(target), outcome).await
    }

    async fn unlock_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<User, AdminError> {
        let meeting = self.meet_in(tx, actor, target, Action::Unlock).await?;
        self.core.clear_lanes_in(tx, &meeting.user).await?;
        tx.audit().append(&meeting.record(AuditEvent::LanesCleared, now)).await?;
        Ok(meeting.user)
    }
}
