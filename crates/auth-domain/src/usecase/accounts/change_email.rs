//! Asking for another address.

use chrono::{DateTime, Utc};

use super::Accounts;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::lockout::Locked,
    outbox::Intent,
    port::Tx,
    usecase::{
        Caller, Fault, factors::has_second_factor, fault::faults, lane::Attempt, proof::ProofError,
        transaction::transaction,
    },
    user::{Email, Password, User},
};

/// A request to move an account to another address.
#[derive(Clone, Debug)]
pub struct ChangeEmail {
    /// The new address.
    pub new_email: Email,
    /// The present password.
    pub password: Password,
    /// Who is calling.
    pub client: Client,
}

/// Why the change was not begun.
#[derive(Debug, thiserror::Error)]
pub enum ChangeEmailError {
    /// The password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The account has a second factor that codes by mail may be, and this session proved none.
    #[error("the login had no second factor")]
    RecentLoginRequired,
    /// Too many wrong passwords.
    #[error(transparent)]
    Locked(Locked),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ChangeEmailError);

impl From<ProofError> for ChangeEmailError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Wrong => Self::WrongPassword,
            ProofError::Locked(locked) => Self::Locked(locked),
            ProofError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Accounts {
    /// Owes the new address a link that moves the account there, and the present address a notice.
    ///
    /// A taken address answers and works as a free one: the link is just never sent.
    ///
    /// # Errors
    /// [`ChangeEmailError`].
    pub async fn request_email_change(
        &self,
        caller: &Caller,
        request: &ChangeEmail,
    ) -> Result<(), ChangeEmailError> {
        let user = &caller.user;
        // Where the mail goes, codes may go: that takes as much as changing a second factor.
        if user.factors.is_demanded() && !has_second_factor(caller) {
            return Err(ChangeEmailError::RecentLoginRequired);
        }
        let attempt = self.core.prove_password(user, &request.password, &request.client).await?;
        let allowed = self
            .core
            .may_mail("link", &user.tenant, &request.new_email)
            .await
            .map_err(ChangeEmailError::Fault)?;
        let now = self.core.now();
        transaction!(self.core, tx => self.change_email_in(tx, user, attempt, request, allowed, now))
            .map_err(ChangeEmailError::Fault)
    }

    async fn change_email_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        attempt: Attempt,
        request: &ChangeEmail,
        allowed: bool,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let new_email = request.new_email.clone();
        self.core.clear_attempt(tx, &attempt).await?;
        let free = tx.users().by_email(&user.tenant, &new_email).await?.is_none();
        let link = if free && allowed {
            Intent::ConfirmEmailChange { new_email: new_email.clone() }
        } else {
            Intent::Nothing
        };
        let notice = Intent::EmailChangeNotice { new_email: new_email.clone() };
        for intent in [link, notice] {
            let letter = self.core.letter_to(user, intent, &request.client, now)?;
            tx.outbox().put(&letter).await?;
        }
        let record = AuditRecord::new(AuditEvent::EmailChangeRequested, &user.tenant, &request.client, now);
        Ok(tx.audit().append(&record.by(user.id).with("to", new_email.masked())).await?)
    }
}
