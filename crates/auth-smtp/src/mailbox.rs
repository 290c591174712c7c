//! The development mailbox: captures what the server would have sent.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use auth_domain::{
    port::{
        CapturedMessage, Channel, Clock, Letter, Mailbox, MailboxError, MailboxFilter, Mailer, SendError,
        SmsError, SmsReceipt, SmsSender, SmsText,
    },
    user::PhoneNumber,
};

use crate::{journal::Journal, templates::Templates};

/// Writes mail and text messages into a file instead of sending them, and shows them.
///
/// A message survives the end of the process once its sender was told that it was handed over. The
/// newest thousand are kept. The file (`messages.jsonl`) holds working links and codes, so only its
/// owner may read it. One process at a time may write to a directory.
pub struct CapturingSender {
    journal: Arc<Mutex<Journal>>,
    templates: Templates,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for CapturingSender {
    /// Leaves the messages out: they hold working links and codes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapturingSender").field("templates", &self.templates).finish_non_exhaustive()
    }
}

impl CapturingSender {
    /// Opens the mailbox in `directory`, which is made if it is missing.
    ///
    /// # Errors
    /// When the directory or the file in it cannot be made, read or kept private.
    pub fn open(directory: &Path, templates: Templates, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let journal = Journal::open(directory)?;
        Ok(Self { journal: Arc::new(Mutex::new(journal)), templates, clock })
    }

    /// Works on the file where waiting for the disk holds nobody else up. The work goes on to its end
    /// when the caller is gone.
    async fn with_journal<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Journal) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let journal = Arc::clone(&self.journal);
        tokio::task::spawn_blocking(move || {
            // What a panic may leave half done is a torn line, which the journal bears.
            work(&mut journal.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await
        .map_err(io::Error::other)?
    }

    async fn capture(&self, message: CapturedMessage) -> io::Result<i64> {
        let channel = message.channel.as_str();
        let id = self.with_journal(|journal| journal.append(message)).await?;
        tracing::info!(id, channel, "captured a message in the dev mailbox");
        Ok(id)
    }
}

#[async_trait]
impl Mailer for CapturingSender {
    async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let message = self.templates.render(letter).map_err(|error| SendError::Permanent(error.into()))?;
        self.capture(CapturedMessage {
            id: 0,
            channel: Channel::Email,
            to: letter.to.as_str().to_owned(),
            subject: message.subject,
            text: message.text,
            html: message.html,
            created_at: self.clock.now(),
        })
        .await
        .map(|_| ())
        .map_err(|error| SendError::Temporary(error.into()))
    }
}

#[async_trait]
impl SmsSender for CapturingSender {
    async fn send(&self, to: &PhoneNumber, text: &SmsText) -> Result<SmsReceipt, SmsError> {
        self.capture(CapturedMessage {
            id: 0,
            channel: Channel::Sms,
            to: to.as_str().to_owned(),
            subject: String::new(),
            text: text.expose_secret().to_owned(),
            html: String::new(),
            created_at: self.clock.now(),
        })
        .await
        .map(|id| SmsReceipt { message_id: Some(id.to_string()) })
        .map_err(|error| SmsError::Unavailable(error.into()))
    }
}

#[async_trait]
impl Mailbox for CapturingSender {
    async fn list(&self, filter: &MailboxFilter) -> Result<Vec<CapturedMessage>, MailboxError> {
        let to = filter.to.as_ref().map(|to| to.to_lowercase());
        let channel = filter.channel;
        self.with_journal(move |journal| {
            let fits = |message: &&CapturedMessage| {
                channel.is_none_or(|channel| channel == message.channel)
                    && to.as_ref().is_none_or(|to| *to == message.to.to_lowercase())
            };
            Ok(journal.newest_first().filter(fits).cloned().collect())
        })
        .await
        .map_err(MailboxError)
    }

    async fn clear(&self) -> Result<(), MailboxError> {
        self.with_journal(Journal::clear).await.map_err(MailboxError)
    }
}
