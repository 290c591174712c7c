//! Mail.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    client::Client,
    factor::{FactorKind, OneTimeCode},
    id::OutboxId,
    tenant::TenantId,
    token::LinkToken,
    user::{Email, FullName, Password},
};

/// One message to one person.
#[derive(Debug)]
pub struct Letter {
    /// The stable part of the Message-ID: a message sent twice has one id.
    pub id: OutboxId,
    /// The tenant of the account it is about.
    pub tenant: TenantId,
    /// The only recipient: an address taken from the store, never from a request.
    pub to: Email,
    /// How to greet the recipient.
    pub name: Option<FullName>,
    /// What it says.
    pub notice: Notice,
    /// What caused it.
    pub client: Client,
    /// When that was.
    pub at: DateTime<Utc>,
}

/// What a letter says. Texts and links are made by the adapter, from templates.
#[derive(Debug)]
pub enum Notice {
    /// Prove your address with this link.
    VerifyEmail(LinkToken),
    /// You already have an account.
    AccountExists,
    /// Set a new password with this link.
    ResetPassword(LinkToken),
    /// Prove your new address with this link.
    ConfirmEmailChange(LinkToken),
    /// Somebody, hopefully you, asked to move your account to another address.
    EmailChangeRequested {
        /// The new address, masked.
        masked: String,
    },
    /// Your password was changed.
    PasswordChanged,
    /// Your account moved to another address. Goes to the old and to the new one.
    EmailChanged {
        /// The new address, masked.
        masked: String,
    },
    /// Somebody, hopefully you, signed in from a device or a place not seen lately.
    NewDevice,
    /// Wrong passwords or codes locked your account; this link opens it.
    AccountLocked(LinkToken),
    /// A spent refresh token came back; the session was ended.
    RefreshReuse,
    /// Complete your login with this code.
    LoginCode(OneTimeCode),
    /// Prove that mail reaches you with this code.
    ProofCode(OneTimeCode),
    /// A second factor was switched on.
    FactorEnabled(FactorKind),
    /// A second factor was switched off.
    FactorDisabled(FactorKind),
    /// Codes by mail were switched on, because the time without a second factor is over.
    FactorAutoEnabled,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// The recovery codes were replaced by new ones.
    RecoveryCodesReplaced,
    /// A sign-in succeeded after several that failed.
    SignInAfterFailures,
    /// The person's account at Cognito opens this one from now on.
    IdentityLinked,
    /// The same, and a password from before the address was proved is gone.
    AccountClaimed,
    /// The person's account at Cognito opens this one no more.
    IdentityUnlinked,
    /// An API key was made.
    ApiKeyCreated,
    /// You have an account now; this password opens it for two days and must be changed then.
    TemporaryPassword(Password),
    /// An administrator gave your account this password.
    NewPassword(Password),
}

impl Notice {
    /// What nobody but its reader may see: the token of its link, its code or its password.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::VerifyEmail(token)
            | Self::ResetPassword(token)
            | Self::ConfirmEmailChange(token)
            | Self::AccountLocked(token) => Some(token.expose_secret()),
            Self::LoginCode(code) | Self::ProofCode(code) => Some(code.expose_secret()),
            Self::TemporaryPassword(password) | Self::NewPassword(password) => Some(password.expose_secret()),
            Self::AccountExists
            | Self::EmailChangeRequested { .. }
            | Self::PasswordChanged
            | Self::EmailChanged { .. }
            | Self::NewDevice
            | Self::RefreshReuse
            | Self::FactorEnabled(_)
            | Self::FactorDisabled(_)
            | Self::FactorAutoEnabled
            | Self::RecoveryCodeUsed
            | Self::RecoveryCodesReplaced
            | Self::SignInAfterFailures
            | Self::IdentityLinked
            | Self::AccountClaimed
            | Self::IdentityUnlinked
            | Self::ApiKeyCreated => None,
        }
    }
}

/// Sends letters.
///
/// An implementor must send to exactly [`Letter::to`], must keep header and body free of what names
/// and addresses might smuggle in, must tell permanent from temporary failure and both from a server that
/// cannot be reached, and must end within a bounded time.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a letter over for delivery.
    ///
    /// # Errors
    /// [`SendError`] says whether trying again can help.
    async fn send(&self, letter: &Letter) -> Result<(), SendError>;
}

/// A message could not be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The server cannot be reached, or takes no mail from us at all now. Says nothing about the message.
    #[error("the mail server cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// May work later: a busy server, a full mailbox.
    #[error("the message could not be handed over now")]
    Temporary(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Will not work: the address or the message is refused.
    #[error("the message was refused")]
    Permanent(#[source] Box<dyn std::error::Error + Send + Sync>),
}
