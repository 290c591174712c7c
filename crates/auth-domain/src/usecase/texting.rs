//! Codes by text message: asked for, counted against pumping, kept, sent while the person waits.

use super::{Core, Fault};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::{OneTimeCode, code},
    guard::pumping::{Recipient, SmsGuard, SmsRefused},
    port::{CodePurpose, CodeSlot, SmsError, SmsReceipt, SmsText},
    user::{PhoneNumber, User},
};

/// No text message was sent.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The defences against pumping say no.
    #[error(transparent)]
    Refused(SmsRefused),
    /// The provider did not take it.
    #[error(transparent)]
    Provider(SmsError),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for TextError {
    fn from(source: E) -> Self {
        Self::Fault(source.into())
    }
}

impl Core {
    pub(super) fn sms_guard(&self) -> SmsGuard {
        let ports = &self.ports;
        SmsGuard::new(self.policy.sms.clone(), ports.limiter.clone(), ports.sms_ledger.clone())
    }

    /// Sends a code to a number of the user. The number must come from the store, or have been admitted
    /// for the user.
    pub(super) async fn text_code(
        &self,
        user: &User,
        number: &PhoneNumber,
        purpose: CodePurpose,
        client: &Client,
    ) -> Result<SmsReceipt, TextError> {
        let now = self.now();
        let recipient = match purpose {
            CodePurpose::SmsLogin => Recipient::Owner,
            _ => Recipient::Anybody,
        };
        if let Err(refused) = self.sms_guard().admit(user.id, number, recipient, client.ip, now).await {
            self.log_text(user, AuditEvent::SmsBlocked, number, client).await?;
            return Err(TextError::Refused(refused));
        }
        let code = OneTimeCode::mint(self.entropy())?;
        let slot = CodeSlot { purpose, user: user.id };
        let mac = code.mac(slot, &user.tenant, number.as_str(), &*self.ports.keyed_hash);
        self.ports.codes.put(slot, &code::stored(mac, now), now).await?;
        match self.ports.sms.send(number, &text(purpose, &code)).await {
            Ok(receipt) => {
                self.log_text(user, AuditEvent::SmsSent, number, client).await?;
                Ok(receipt)
            }
            Err(error) => {
                // What was sent may arrive all the same, but nobody was told to wait for it.
                self.ports.codes.discard(slot).await?;
                Err(TextError::Provider(error))
            }
        }
    }

    async fn log_text(
        &self,
        user: &User,
        event: AuditEvent,
        number: &PhoneNumber,
        client: &Client,
    ) -> Result<(), Fault> {
        let record = AuditRecord::new(event, &user.tenant, client, self.now());
        let record = record.about(user.id).with("to", number.masked());
        Ok(self.ports.store.read().await?.audit().append(&record).await?)
    }

    /// Counts a code that came back from a number to be proved, for the defence that watches how many do. A
    /// count that is lost fails nobody's proof.
    pub(super) async fn count_returned_code(&self, number: &PhoneNumber) {
        let _ = self.sms_guard().verified(number, self.now()).await;
    }
}

/// The words of the contract.
fn text(purpose: CodePurpose, code: &OneTimeCode) -> SmsText {
    let what = if purpose == CodePurpose::SmsLogin { "login" } else { "verification" };
    let minutes = code::LIFE.num_minutes();
    let code = code.expose_secret();
    SmsText::new(format!("Your {what} code is: {code}. This code will expire in {minutes} minutes."))
}
