//! The development mailbox: what the server would have sent, for people without a mail server.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// By which way a message would have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Mail.
    Email,
    /// Text message.
    Sms,
}

impl Channel {
    /// The name that clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// A message that was captured instead of sent.
#[derive(Clone, PartialEq, Eq)]
pub struct CapturedMessage {
    /// Position in the mailbox, rising.
    pub id: i64,
    /// By which way it would have gone.
    pub channel: Channel,
    /// The address or number.
    pub to: String,
    /// The subject; empty for a text message.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The HTML part; empty for a text message.
    pub html: String,
    /// When it was captured.
    pub created_at: DateTime<Utc>,
}

impl std::fmt::Debug for CapturedMessage {
    /// Leaves the content out: it holds working links and codes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CapturedMessage")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Which messages to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxFilter {
    /// Only those to this address or number.
    pub to: Option<String>,
    /// Only those of this channel.
    pub channel: Option<Channel>,
}

/// Shows and forgets captured messages.
///
/// An implementor must list newest first, must keep messages over a restart, and must bound how many
/// it keeps.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// The messages that fit `filter`, newest first.
    ///
    /// # Errors
    /// [`MailboxError`] when they cannot be read.
    async fn list(&self, filter: &MailboxFilter) -> Result<Vec<CapturedMessage>, MailboxError>;

    /// Forgets all messages.
    ///
    /// # Errors
    /// [`MailboxError`] when they cannot be removed.
    async fn clear(&self) -> Result<(), MailboxError>;
}

/// The mailbox cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the development mailbox cannot be read or written")]
pub struct MailboxError(#[source] pub std::io::Error);
