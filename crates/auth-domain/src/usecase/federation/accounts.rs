//! Accounts at the provider: opened, confirmed, their forgotten passwords mended.

use chrono::{DateTime, Utc};

use super::Federation;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    port::{
        Delivery, DeliveryMedium, EntropyError, IdentityError, IdentityKey, ProviderCode, ProviderSignUp,
        ProviderSignedUp, Tx,
    },
    session::{EndReason, Ended},
    tenant::TenantId,
    usecase::{Core, Fault, fault::faults, transaction::transaction},
    user::{Email, Password},
};

/// Why no account was opened at the provider.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// The address has an account there. Never answered when existing accounts are hidden.
    #[error("the address has an account already")]
    EmailTaken,
    /// The provider's policy refuses the password.
    #[error("the provider refuses the password")]
    WeakPassword {
        /// In its words.
        reason: String,
    },
    /// The provider takes no more of these now.
    #[error("the provider takes no more of these requests now")]
    TooManyRequests,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(SignUpError);

impl From<Fault> for SignUpError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Why a code of the provider was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// Wrong, expired or of nobody: one answer for all.
    #[error("the code is wrong or has expired")]
    InvalidCode,
    /// The provider's policy refuses the password.
    #[error("the provider refuses the password")]
    WeakPassword {
        /// In its words.
        reason: String,
    },
    /// The provider takes no more of these now.
    #[error("the provider takes no more of these requests now")]
    TooManyRequests,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ConfirmError);

impl From<Fault> for ConfirmError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<IdentityError> for ConfirmError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::WeakPassword { reason } => Self::WeakPassword { reason },
            IdentityError::TooManyRequests(_) => Self::TooManyRequests,
            fault @ (IdentityError::Unavailable(_) | IdentityError::Internal(_)) => Self::Fault(fault.into()),
            // Anything else is about the person, and nobody's business before the code is right.
            _ => Self::InvalidCode,
        }
    }
}

/// A new password at the provider, with the code that it sent.
#[derive(Clone, Debug)]
pub struct ResetAtProvider {
    /// The tenant of the request.
    pub tenant: TenantId,
    /// The address.
    pub email: Email,
    /// The code.
    pub code: ProviderCode,
    /// The new password.
    pub new_password: Password,
    /// Who is calling.
    pub client: Client,
}

impl Federation {
    /// Opens an account at the provider, which sends a code. Here there is none before the first login.
    ///
    /// When existing accounts are hidden, a taken address gets an answer of the same form with a made-up
    /// subject.
    ///
    /// # Errors
    /// [`SignUpError`].
    pub async fn sign_up(&self, request: &ProviderSignUp) -> Result<ProviderSignedUp, SignUpError> {
        match self.core.provider()?.accounts.sign_up(request).await {
            Ok(signed_up) => Ok(signed_up),
            Err(IdentityError::AlreadyExists) if self.core.policy.hide_existing_accounts => {
                Ok(self.made_up(&request.email)?)
            }
            Err(IdentityError::AlreadyExists) => Err(SignUpError::EmailTaken),
            Err(IdentityError::WeakPassword { reason }) => Err(SignUpError::WeakPassword { reason }),
            Err(IdentityError::TooManyRequests(_)) => Err(SignUpError::TooManyRequests),
            Err(other) => Err(SignUpError::Fault(other.into())),
        }
    }

    /// What the registration of a free address is answered with.
    fn made_up(&self, email: &Email) -> Result<ProviderSignedUp, Fault> {
        let invalid = |_| IdentityError::Internal("the issuer of the settings cannot be one".into());
        let subject = made_up_subject(&self.core)?;
        let key = IdentityKey::new(&self.core.provider()?.issuer, &subject).map_err(invalid)?;
        let delivery = Delivery { medium: DeliveryMedium::Email, destination: as_cognito_masks(email) };
        Ok(ProviderSignedUp { key, confirmed: false, delivery: Some(delivery) })
    }

    /// Confirms an account at the provider with the code it sent.
    ///
    /// # Errors
    /// [`ConfirmError`].
    pub async fn confirm(&self, email: &Email, code: &ProviderCode) -> Result<(), ConfirmError> {
        Ok(self.core.provider()?.accounts.confirm(email, code).await?)
    }

    /// Has the provider send the code of confirmation again. Answers alike in every case.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn resend_code(&self, tenant: &TenantId, email: &Email) -> Result<(), Fault> {
        let provider = self.core.provider()?;
        if !self.core.may_mail("provider", tenant, email).await? {
            return Ok(());
        }
        silent(provider.accounts.resend_code(email).await)
    }

    /// Has the provider send a code to set another password with. Answers alike in every case.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn forgot_password(
        &self,
        tenant: &TenantId,
        email: &Email,
        client: &Client,
    ) -> Result<(), Fault> {
        let provider = self.core.provider()?;
        let record = AuditRecord::new(AuditEvent::PasswordResetRequested, tenant, client, self.core.now());
        let record = record.with("provider", "cognito");
        self.core.ports.store.read().await?.audit().append(&record).await?;
        if !self.core.may_mail("provider", tenant, email).await? {
            return Ok(());
        }
        silent(provider.accounts.forgot_password(email).await)
    }

    /// Sets another password at the provider, and ends the sessions that the old one opened here.
    ///
    /// # Errors
    /// [`ConfirmError`].
    pub async fn reset_password(&self, request: &ResetAtProvider) -> Result<(), ConfirmError> {
        let ResetAtProvider { email, code, new_password, .. } = request;
        self.core.provider()?.accounts.reset_password(email, code, new_password).await?;
        let now = self.core.now();
        Ok(transaction!(self.core, tx => self.reset_in(tx, request, now))?)
    }

    /// The provider does not say whose password it was: the address has to do, which it had sent the code
    /// to.
    async fn reset_in(
        &self,
        tx: &mut dyn Tx,
        request: &ResetAtProvider,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let record = AuditRecord::new(AuditEvent::PasswordReset, &request.tenant, &request.client, now);
        let record = record.with("provider", "cognito");
        let known = tx.users().by_email(&request.tenant, &request.email).await?;
        let Some(user) = known else { return Ok(tx.audit().append(&record).await?) };
        let ended = Ended { at: now, reason: EndReason::PasswordChanged };
        let count = self.core.end_provider_sessions_in(tx, user.id, None, ended).await?;
        tx.audit().append(&record.by(user.id).with("sessions_ended", count.to_string())).await?;
        Ok(())
    }
}

/// Only what is nobody's fault shows: whether the provider knows the address does not.
fn silent(outcome: Result<(), IdentityError>) -> Result<(), Fault> {
    match outcome {
        Err(fault @ (IdentityError::Unavailable(_) | IdentityError::Internal(_))) => Err(fault.into()),
        _ => Ok(()),
    }
}

/// A random UUID (RFC 9562, version 4), as Cognito names people.
fn made_up_subject(core: &Core) -> Result<String, EntropyError> {
    let mut bits = [0u8; 16];
    core.entropy().fill(&mut bits)?;
    bits[6] = bits[6] & 0x0f | 0x40;
    bits[8] = bits[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bits));
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// `a***@e***`, as Cognito shows where it sent something.
fn as_cognito_masks(email: &Email) -> String {
    let (local, domain) = email.as_str().split_once('@').unwrap_or_default();
    let first = |text: &str| text.chars().next().unwrap_or('*');
    format!("{}***@{}***", first(local), first(domain))
}
