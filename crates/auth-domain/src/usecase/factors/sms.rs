//! Codes by text message.

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
    port::{CodePurpose, CodeSlot, SmsReceipt, Tx},
    token::AuthMethod,
    usecase::{Caller, transaction::transaction},
    user::PhoneNumber,
};

impl Factors {
    /// Asks for text messages to a number and sends the code that proves it. A number at work goes on
    /// working until the new one is [proved](Self::verify_sms).
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn set_up_sms(
        &self,
        caller: &Caller,
        number: &PhoneNumber,
        change: &FactorChange,
    ) -> Result<SmsReceipt, FactorError> {
        self.authorize(caller, change).await?;
        let user = &caller.user;
        let now = self.core.now();
        let admitted = self.core.sms_guard().admit_number(user.id, number, now).await;
        admitted.map_err(FactorError::Refused)?;
        let receipt = self.core.text_code(user, number, CodePurpose::SmsSetup, &change.client).await?;
        transaction!(self.core, tx => self.set_up_sms_in(tx, caller, number, change, now))?;
        Ok(receipt)
    }

    async fn set_up_sms_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        number: &PhoneNumber,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), FactorError> {
        let Some(mut user) = tx.users().lock(caller.user.id).await? else { return Ok(()) };
        Self::still_authorized(&user, caller, change)?;
        user.factors.sms.set_up(number.clone());
        user.updated_at = now;
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&user).await?;
        let record = record(AuditEvent::MfaSetup, caller, &change.client, now);
        let record = record.with("factor", FactorKind::Sms.as_str()).with("to", number.masked());
        Ok(tx.audit().append(&record).await?)
    }

    /// Sends another code to the number that waits for its proof, or to the proved one.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn send_sms(&self, caller: &Caller, client: &Client) -> Result<SmsReceipt, FactorError> {
        let user = &caller.user;
        let number = user.factors.sms.number_to_prove().ok_or(FactorError::NotSetUp)?;
        Ok(self.core.text_code(user, number, CodePurpose::SmsSetup, client).await?)
    }

    /// Proves the number with the code that was sent there; from then on logins ask for it.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn verify_sms(
        &self,
        caller: &Caller,
        code: &SecretString,
        change: &FactorChange,
    ) -> Result<(), FactorError> {
        let user = &caller.user;
        let number = user.factors.sms.number_to_prove().ok_or(FactorError::NotSetUp)?;
        let slot = CodeSlot { purpose: CodePurpose::SmsSetup, user: user.id };
        let code = code.expose_secret();
        let proved = self.core.prove_sent_code(user, slot, number.as_str(), code, &change.client).await?;
        proved.map_err(|_| FactorError::NoCode)?;
        self.core.count_returned_code(number).await;
        let now = self.core.now();
        let admitted = self.core.sms_guard().admit_owner(user.id, number, now).await;
        admitted.map_err(FactorError::Refused)?;
        transaction!(self.core, tx => self.verify_sms_in(tx, caller, number, change, now))
    }

    async fn verify_sms_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        number: &PhoneNumber,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), FactorError> {
        let Some(mut user) = tx.users().lock(caller.user.id).await? else { return Ok(()) };
        let before = user.factors.sms.clone();
        // The number changed after the code was sent: the code says nothing about the new one.
        if !user.factors.sms.prove(number) {
            return Err(FactorError::WrongCode);
        }
        if user.factors.sms != before {
            self.store_in(tx, caller, &mut user, Switched::On(FactorKind::Sms), change, now).await?;
        }
        let record = record(AuditEvent::SmsVerified, caller, &change.client, now);
        tx.audit().append(&record.with("to", number.masked())).await?;
        Ok(self.step_up_in(tx, caller, AuthMethod::Sms, now).await?)
    }

    /// Switches text messages off. The number is kept, and must be proved again to be used again.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn disable_sms(&self, caller: &Caller, change: &FactorChange) -> Result<(), FactorError> {
        self.authorize(caller, change).await?;
        self.switch_off(caller, FactorKind::Sms, change).await
    }
}
