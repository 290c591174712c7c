//! Proving an address, the account's own or a new one.

use chrono::{DateTime, Utc};

use super::Accounts;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    outbox::Intent,
    port::{ExistingAccount, Tx},
    session::{EndReason, Ended},
    tenant::TenantId,
    token::{Link, LinkPurpose, LinkToken},
    usecase::{Fault, api_keys::revoke_personal_in, fault::faults, transaction::transaction},
    user::{Email, User},
};

/// Why no address was proved.
#[derive(Debug, thiserror::Error)]
pub enum VerifyEmailError {
    /// Unknown, used or expired, or for an address the account no longer wants: one answer for all.
    #[error("the link is not valid")]
    InvalidToken,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(VerifyEmailError);

impl From<Fault> for VerifyEmailError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Accounts {
    /// Uses up a mailed link that proves an address; for a new address the account moves there.
    ///
    /// # Errors
    /// [`VerifyEmailError`].
    pub async fn verify_email(&self, token: &str, client: &Client) -> Result<(), VerifyEmailError> {
        let token = LinkToken::parse(token).ok_or(VerifyEmailError::InvalidToken)?;
        let now = self.core.now();
        transaction!(self.core, tx => self.verify_in(tx, &token, client, now))
    }

    async fn verify_in(
        &self,
        tx: &mut dyn Tx,
        token: &LinkToken,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), VerifyEmailError> {
        let invalid = VerifyEmailError::InvalidToken;
        let Some(link) = tx.links().consume(&token.digest(), now).await? else { return Err(invalid) };
        let Some(mut user) = tx.users().lock(link.user).await? else { return Err(invalid) };
        match link.purpose {
            LinkPurpose::VerifyEmail => self.prove_present(tx, &mut user, &link, client, now).await,
            LinkPurpose::ChangeEmail => self.move_account(tx, &mut user, link, client, now).await,
            LinkPurpose::ResetPassword | LinkPurpose::Unlock => Err(invalid),
        }
    }

    /// The link proves the address it was mailed to, so it is worth nothing once the account has
    /// another.
    async fn prove_present(
        &self,
        tx: &mut dyn Tx,
        user: &mut User,
        link: &Link,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), VerifyEmailError> {
        if user.email != link.email {
            return Err(VerifyEmailError::InvalidToken);
        }
        user.verify_email(now);
        let _ = tx.users().save(user).await?;
        let record = AuditRecord::new(AuditEvent::EmailVerified, &user.tenant, client, now);
        Ok(tx.audit().append(&record.by(user.id)).await?)
    }

    async fn move_account(
        &self,
        tx: &mut dyn Tx,
        user: &mut User,
        link: Link,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), VerifyEmailError> {
        if !user.is_active() {
            return Err(VerifyEmailError::InvalidToken);
        }
        let old_email = user.email.clone();
        user.move_to(link.email, now);
        if let Err(ExistingAccount) = tx.users().save(user).await? {
            return Err(VerifyEmailError::InvalidToken);
        }
        // Links mailed to the old address must not work for the new owner of that mailbox.
        tx.links().withdraw(user.id, LinkPurpose::ResetPassword).await?;
        tx.links().withdraw(user.id, LinkPurpose::VerifyEmail).await?;
        tx.links().withdraw(user.id, LinkPurpose::Unlock).await?;
        let ended = Ended { at: now, reason: EndReason::EmailChanged };
        tx.sessions().end_all(user.id, None, ended).await?;
        revoke_personal_in(tx, user, client, now).await?;
        tx.devices().forget_all(user.id, now).await?;
        tx.known_devices().forget_all(user.id).await?;
        let record = AuditRecord::new(AuditEvent::EmailChanged, &user.tenant, client, now)
            .by(user.id)
            .with("from", old_email.masked())
            .with("to", user.email.masked());
        tx.audit().append(&record).await?;
        for intent in [Intent::EmailLeftNotice { old_email }, Intent::EmailChangedNotice] {
            let letter = self.core.letter_to(user, intent, client, now)?;
            tx.outbox().put(&letter).await?;
        }
        Ok(())
    }

    /// Owes another verification mail to the address, if it has an account that still needs one.
    /// Answers and works alike in every case.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn resend_verification(
        &self,
        tenant: &TenantId,
        email: &Email,
        client: &Client,
    ) -> Result<(), Fault> {
        let allowed = self.core.may_mail("link", tenant, email).await?;
        let now = self.core.now();
        transaction!(self.core, tx => self.resend_in(tx, tenant, email, allowed, client, now))
    }

    async fn resend_in(
        &self,
        tx: &mut dyn Tx,
        tenant: &TenantId,
        email: &Email,
        allowed: bool,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let user = tx.users().by_email(tenant, email).await?;
        let waiting = user.filter(|user| allowed && !user.email_verified);
        let intent = Intent::VerifyEmail;
        let letter = self.core.letter((tenant, email), waiting.as_ref(), intent, client, now)?;
        Ok(tx.outbox().put(&letter).await?)
    }
}
