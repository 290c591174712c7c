//! Codes by mail.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    FactorChange, FactorError, Factors,
    change::{Switched, record},
};
use crate::{
    audit::AuditEvent,
    client::Client,
    factor::FactorKind,
    outbox::Intent,
    port::{CodePurpose, CodeSlot, Tx},
    token::AuthMethod,
    usecase::{Caller, Fault, transaction::transaction},
};

impl Factors {
    /// Switches codes by mail on and owes one, so that the person sees that mail arrives. The address is
    /// proved already: whoever signed in did so with it.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn enable_email(&self, caller: &Caller, change: &FactorChange) -> Result<(), FactorError> {
        self.authorize(caller, change).await?;
        let now = self.core.now();
        transaction!(self.core, tx => self.enable_email_in(tx, caller, change, now))?;
        Ok(self.core.mail_code(&caller.user, Intent::ProofCode, &change.client).await?)
    }

    async fn enable_email_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), FactorError> {
        let Some(mut user) = tx.users().lock(caller.user.id).await? else { return Ok(()) };
        Self::still_authorized(&user, caller, change)?;
        if user.factors.email {
            return Ok(());
        }
        user.factors.email = true;
        Ok(self.store_in(tx, caller, &mut user, Switched::On(FactorKind::Email), change, now).await?)
    }

    /// Owes another code by mail.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn send_email(&self, caller: &Caller, client: &Client) -> Result<(), FactorError> {
        if !caller.user.factors.email {
            return Err(FactorError::NotSetUp);
        }
        Ok(self.core.mail_code(&caller.user, Intent::ProofCode, client).await?)
    }

    /// Proves that mail arrives, with a code that came by it.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn verify_email(
        &self,
        caller: &Caller,
        code: &SecretString,
        client: &Client,
    ) -> Result<(), FactorError> {
        let user = &caller.user;
        if !user.factors.email {
            return Err(FactorError::NotSetUp);
        }
        let slot = CodeSlot { purpose: CodePurpose::EmailSetup, user: user.id };
        let code = code.expose_secret();
        let proved = self.core.prove_sent_code(user, slot, user.email.as_str(), code, client).await?;
        proved.map_err(|_| FactorError::NoCode)?;
        let now = self.core.now();
        transaction!(self.core, tx => self.verified_email_in(tx, caller, client, now))
            .map_err(FactorError::Fault)
    }

    async fn verified_email_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let record = record(AuditEvent::EmailCodeVerified, caller, client, now);
        tx.audit().append(&record).await?;
        self.step_up_in(tx, caller, AuthMethod::Email, now).await
    }

    /// Switches codes by mail off.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn disable_email(&self, caller: &Caller, change: &FactorChange) -> Result<(), FactorError> {
        self.authorize(caller, change).await?;
        self.switch_off(caller, FactorKind::Email, change).await
    }
}
