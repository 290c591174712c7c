//! Codes for people who are not signed in yet: the password is asked for first.

use secrecy::SecretString;

use super::{
    Login, LoginError, PasswordLogin,
    enter::{Entry, Wish},
};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::{DeviceTraits, FactorKind},
    guard::known_device::DeviceToken,
    outbox::Intent,
    port::{CodePurpose, SmsReceipt, Tx},
    tenant::TenantId,
    usecase::{Core, Fault, TextError, transaction::transaction},
    user::{Email, Password, User},
};

/// A request for a code that completes a login.
#[derive(Clone, Debug)]
pub struct SendCode {
    /// The tenant of the request.
    pub tenant: TenantId,
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// The token of the device, if it has one from an earlier login.
    pub device_token: Option<DeviceToken>,
    /// Who is calling.
    pub client: Client,
}

/// Why no code was sent.
#[derive(Debug, thiserror::Error)]
pub enum SendCodeError {
    /// As at login: wrong password, lock, unproved address, a port that failed.
    #[error(transparent)]
    Login(LoginError),
    /// The account has no such factor; it has these.
    #[error("the account has no such factor")]
    NotEnrolled(Vec<FactorKind>),
    /// The message could not be sent.
    #[error(transparent)]
    Text(TextError),
}

impl From<Fault> for SendCodeError {
    fn from(fault: Fault) -> Self {
        Self::Login(LoginError::Fault(fault))
    }
}

impl SendCode {
    fn as_login(&self) -> PasswordLogin {
        PasswordLogin {
            tenant: self.tenant.clone(),
            email: self.email.clone(),
            password: self.password.clone(),
            code: None::<SecretString>,
            device: DeviceTraits::default(),
            device_token: self.device_token.clone(),
            client: self.client.clone(),
        }
    }
}

impl Login {
    /// Sends a login code by text message.
    ///
    /// # Errors
    /// [`SendCodeError`].
    pub async fn send_sms_code(&self, request: &SendCode) -> Result<SmsReceipt, SendCodeError> {
        let user = self.first_factor(request).await?;
        let Some(number) = user.factors.sms.active_number() else {
            return Err(SendCodeError::NotEnrolled(user.factors.active()));
        };
        self.core
            .text_code(&user, number, CodePurpose::SmsLogin, &request.client)
            .await
            .map_err(SendCodeError::Text)
    }

    /// Owes a login code by mail. Gives the address it goes to.
    ///
    /// # Errors
    /// [`SendCodeError`].
    pub async fn send_email_code(&self, request: &SendCode) -> Result<Email, SendCodeError> {
        let user = self.first_factor(request).await?;
        if !user.factors.is_active(FactorKind::Email) {
            return Err(SendCodeError::NotEnrolled(user.factors.active()));
        }
        self.core.mail_code(&user, Intent::LoginCode, &request.client).await?;
        Ok(user.email)
    }

    async fn first_factor(&self, request: &SendCode) -> Result<User, SendCodeError> {
        let entry = self.check_password(&request.as_login(), Wish::SendCode).await;
        match entry.map_err(SendCodeError::Login)? {
            Entry::FirstFactor(user, _) => Ok(*user),
            Entry::Locked(locked) => Err(SendCodeError::Login(LoginError::Locked(locked))),
            Entry::Open(_) | Entry::Unverified | Entry::Refused => {
                Err(SendCodeError::Login(LoginError::BadCredentials))
            }
        }
    }
}

impl Core {
    /// Owes a code by mail; beyond the quota of the address nothing is sent and nothing is said.
    pub(in crate::usecase) async fn mail_code(
        &self,
        user: &User,
        intent: Intent,
        client: &Client,
    ) -> Result<(), Fault> {
        // A count apart from that of links: those anybody can ask for, codes only the owner.
        if !self.may_mail("code", &user.tenant, &user.email).await? {
            return Ok(());
        }
        transaction!(self, tx => self.mail_code_in(tx, user, intent.clone(), client))
    }

    async fn mail_code_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        intent: Intent,
        client: &Client,
    ) -> Result<(), Fault> {
        let now = self.now();
        let record = AuditRecord::new(AuditEvent::EmailCodeRequested, &user.tenant, client, now);
        tx.audit().append(&record.about(user.id)).await?;
        let letter = self.letter_to(user, intent, client, now)?;
        Ok(tx.outbox().put(&letter).await?)
    }
}
