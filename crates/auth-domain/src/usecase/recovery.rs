//! A forgotten password.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    Core, Fault, fault::faults, new_password::PasswordFor, passwords::end_sessions_in,
    transaction::transaction,
};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    outbox::Intent,
    port::Tx,
    tenant::TenantId,
    token::{Link, LinkPurpose, LinkToken},
    user::{Credential, Email, NewPassword, PasswordHash, User, WeakPassword},
};

/// Gives people a new password who forgot theirs.
#[derive(Clone)]
pub struct Recovery {
    pub(super) core: Arc<Core>,
}

/// A new password through a mailed link.
#[derive(Clone, Debug)]
pub struct ResetPassword {
    /// The token of the link.
    pub token: String,
    /// The new password, as the policy admitted it.
    pub new_password: NewPassword,
    /// Who is calling.
    pub client: Client,
}

/// Why the password was not reset. The link stays good unless it is the reason.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// Unknown, used or expired: one answer for all.
    #[error("the link is not valid")]
    InvalidToken,
    /// The password is made of the account's own words, or too easy to guess.
    #[error(transparent)]
    WeakPassword(WeakPassword),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ResetError);

impl From<Fault> for ResetError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Recovery {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Owes a mail with a reset link to the address, if it has an account in use. Answers and works
    /// alike in every case, and never changes the account: asking locks nobody out.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn forgot(&self, tenant: &TenantId, email: &Email, client: &Client) -> Result<(), Fault> {
        let allowed = self.core.may_mail("link", tenant, email).await?;
        let now = self.core.now();
        transaction!(self.core, tx => self.forgot_in(tx, tenant, email, allowed, client, now))
    }

    async fn forgot_in(
        &self,
        tx: &mut dyn Tx,
        tenant: &TenantId,
        email: &Email,
        allowed: bool,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let user = tx.users().by_email(tenant, email).await?.filter(|user| allowed && user.is_active());
        let intent = Intent::ResetPassword;
        let letter = self.core.letter((tenant, email), user.as_ref(), intent, client, now)?;
        tx.outbox().put(&letter).await?;
        let record = AuditRecord::new(AuditEvent::PasswordResetRequested, tenant, client, now);
        let record = match &user {
            Some(user) => record.about(user.id),
            None => record,
        };
        Ok(tx.audit().append(&record).await?)
    }

    /// Sets a new password through a mailed link.
    ///
    /// In one transaction: the link is used up, the password replaced, every session ended, the
    /// address marked as proved (the mailbox just was), the lock cleared, the owner told.
    ///
    /// # Errors
    /// [`ResetError`].
    pub async fn reset(&self, request: &ResetPassword) -> Result<(), ResetError> {
        let token = LinkToken::parse(&request.token).ok_or(ResetError::InvalidToken)?;
        // Looked at first: a link that is not valid must not cost a hash.
        let user = self.owner(&token).await?.ok_or(ResetError::InvalidToken)?;
        let owner =
            PasswordFor { tenant: &user.tenant, words: user.context_words(), client: &request.client };
        let hash = self
            .core
            .hash_new_password(&request.new_password, owner)
            .await?
            .map_err(ResetError::WeakPassword)?;
        let now = self.core.now();
        transaction!(self.core, tx => self.reset_in(tx, &token, hash.clone(), &request.client, now))
    }

    async fn owner(&self, token: &LinkToken) -> Result<Option<User>, Fault> {
        let mut repos = self.core.ports.store.read().await?;
        let link = repos.links().find(&token.digest(), self.core.now()).await?;
        let Some(link) = link.filter(is_for_reset) else { return Ok(None) };
        Ok(repos.users().by_id(link.user).await?.filter(|user| may_use(user, &link)))
    }

    async fn reset_in(
        &self,
        tx: &mut dyn Tx,
        token: &LinkToken,
        hash: PasswordHash,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), ResetError> {
        let link = tx.links().consume(&token.digest(), now).await?.filter(is_for_reset);
        let Some(link) = link else { return Err(ResetError::InvalidToken) };
        let user = tx.users().lock(link.user).await?.filter(|user| may_use(user, &link));
        let Some(mut user) = user else { return Err(ResetError::InvalidToken) };
        user.set_credential(Credential::permanent(hash), now);
        user.verify_email(now);
        self.core.password_replaced_in(tx, &user, client, now).await?;
        tx.links().withdraw(user.id, LinkPurpose::VerifyEmail).await?;
        let ended = end_sessions_in(tx, &user, client, now).await?;
        let record = AuditRecord::new(AuditEvent::PasswordReset, &user.tenant, client, now);
        Ok(tx.audit().append(&record.by(user.id).with("sessions_ended", ended.to_string())).await?)
    }
}

fn is_for_reset(link: &Link) -> bool {
    link.purpose == LinkPurpose::ResetPassword
}

/// A link proves the mailbox it went to, and only an account in use can be recovered.
fn may_use(user: &User, link: &Link) -> bool {
    user.is_active() && user.email == link.email
}
