//! Text messages.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::user::PhoneNumber;

/// The text of a message. It carries a code, so `Debug` does not show it.
pub struct SmsText(SecretString);

impl SmsText {
    /// Wraps a text.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SmsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmsText")
    }
}

/// A text message was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmsReceipt {
    /// What the provider calls the message; clients are told, operators can ask for it.
    pub message_id: Option<String>,
}

/// Sends text messages.
///
/// An implementor must send to exactly one number, must hand the text over unchanged, must not send
/// again what may have been accepted, must tell whose fault a refusal is, and must end within three
/// seconds.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait SmsSender: Send + Sync {
    /// Hands a message over for delivery.
    ///
    /// # Errors
    /// [`SmsError`] says whose fault it is.
    async fn send(&self, to: &PhoneNumber, text: &SmsText) -> Result<SmsReceipt, SmsError>;
}

/// A text message could not be handed over. No message of this type names the number or the text.
///
/// The first two are the caller's to mend and clients know a text for each; to all others the answer
/// is that the service is unavailable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmsError {
    /// The provider does not take the number.
    #[error("the provider refused the number")]
    InvalidNumber(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The owner of the number asked for no more messages.
    #[error("the number has opted out of text messages")]
    OptedOut(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Too many messages for the account, for now.
    #[error("the provider takes no more text messages now")]
    Throttled(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Our credentials, permissions, account or settings are refused: the operator has to act.
    #[error("the provider refused our account or settings")]
    Misconfigured(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer, an error of the provider, or a rest after several of these. A message whose answer was
    /// not heard may still arrive.
    #[error("the provider of text messages is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SmsError {
    /// Whether the number is at fault, so that the caller is told to give another.
    pub const fn is_about_the_number(&self) -> bool {
        matches!(self, Self::InvalidNumber(_) | Self::OptedOut(_))
    }
}

/// Counts what was sent and what came of it, for the defences against SMS pumping.
///
/// An implementor must lose no addition under parallel calls, must count each key and each length of
/// window alone, must begin anew with each window, and must bound its memory. A shared one makes the
/// defences hold over all replicas. Nothing that must survive a restart lives here.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait SmsLedger: Send + Sync {
    /// Adds `by` to the count of `key` in the window of this length that `now` lies in (windows are
    /// aligned to the clock); gives the count after that. Adding nothing reads.
    ///
    /// # Errors
    /// [`LedgerError`] when the counts cannot be reached.
    async fn add(&self, key: &str, by: u32, window: Duration, now: DateTime<Utc>)
    -> Result<u32, LedgerError>;
}

/// The counts of text messages cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("the counts of text messages cannot be reached")]
pub struct LedgerError {
    /// What the adapter met.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
