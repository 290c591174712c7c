//! Text messages.

use std::fmt;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::SendError;
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

/// Sends text messages.
///
/// An implementor must send to exactly one number, must not send an accepted message again, and must
/// end within three seconds.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait SmsSender: Send + Sync {
    /// Hands a message over for delivery.
    ///
    /// # Errors
    /// [`SendError`] says whether trying again can help.
    async fn send(&self, to: &PhoneNumber, text: &SmsText) -> Result<(), SendError>;
}
