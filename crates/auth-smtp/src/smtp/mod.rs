//! Mail through an SMTP server.

mod config;
mod connection;
mod envelope;
mod failure;
mod lines;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use auth_domain::port::{Clock, Letter, Mailer, SendError};
use lettre::Address;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tracing::Instrument as _;

pub use config::{SmtpConfig, SmtpConfigError, SmtpLogin, SmtpTls};
use connection::{Connection, Connector};
use envelope::{Sender, address};
use failure::Failure;

use crate::templates::Templates;

/// How long an unused connection is worth keeping; servers close theirs after some minutes.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// Sends letters through an SMTP server, over a few connections that are used again.
///
/// A letter goes to exactly its recipient. It ends within [`SmtpConfig::send_limit`], whatever the
/// server does. A failure is permanent only when the server refused the recipient or the message for
/// good; what an operator can mend (login, certificate, sender, relaying) is temporary. A letter whose
/// acceptance was not heard may be sent again, under the same Message-ID.
pub struct SmtpMailer {
    connector: Connector,
    sender: Sender,
    templates: Templates,
    clock: Arc<dyn Clock>,
    send_limit: Duration,
    messages_per_connection: u32,
    slots: Semaphore,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl fmt::Debug for SmtpMailer {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer")
            .field("sender", &self.sender)
            .field("templates", &self.templates)
            .finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// Prepares sending. Does not connect: a server that is down now may be up when mail is due.
    ///
    /// # Errors
    /// [`SmtpConfigError`] when the configuration cannot work.
    pub fn new(
        config: SmtpConfig,
        templates: Templates,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SmtpConfigError> {
        config.check()?;
        if config.exposes_password() {
            tracing::warn!(host = config.host, "the SMTP password crosses the network unencrypted");
        }
        Ok(Self {
            connector: Connector::new(&config)?,
            sender: Sender::new(&config.from, config.from_name).map_err(SmtpConfigError::From)?,
            templates,
            clock,
            send_limit: config.send_limit,
            messages_per_connection: config.messages_per_connection,
            slots: Semaphore::new(config.connections),
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Connects and logs in, as a check of the configuration.
    ///
    /// # Errors
    /// [`SendError::Unreachable`] with what went wrong.
    pub async fn check(&self) -> Result<(), SendError> {
        let _slot = self.slots.acquire().await;
        let connection = self.connector.connect().await?;
        self.keep(connection);
        Ok(())
    }

    async fn deliver(&self, to: &Address, mail: &[u8]) -> Result<(), Failure> {
        // Never closed, so it always gives; the limit over all bounds the wait.
        let _slot = self.slots.acquire().await;
        let mut connection = match self.reuse().await {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        // Owned here: when the time is up it is dropped, and never used for another message.
        match connection.send(&self.sender.address, to, mail).await {
            Ok(()) => {
                self.keep(connection);
                Ok(())
            }
            Err(failure) => {
                connection.close();
                Err(failure)
            }
        }
    }

    /// A connection from before that still works.
    async fn reuse(&self) -> Option<Connection> {
        loop {
            let (mut connection, since) = self.idle().pop()?;
            if since.elapsed() < IDLE_LIMIT && connection.is_alive().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: Connection) {
        if connection.sent < self.messages_per_connection {
            self.idle().push((connection, Instant::now()));
        } else {
            connection.close();
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Connection, Instant)>> {
        // Pushing and popping leave nothing half done.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let message = self.templates.render(letter).map_err(|error| SendError::Permanent(error.into()))?;
        let to = address(&letter.to).map_err(|error| SendError::Permanent(error.into()))?;
        let mail = self
            .sender
            .write(letter, &to, message, self.clock.now())
            .map_err(|error| SendError::Permanent(error.into()))?;
        let span = tracing::info_span!(target: "auth_trace", "smtp send", otel.kind = "client");
        timeout(self.send_limit, self.deliver(&to, &mail))
            .instrument(span)
            .await
            .unwrap_or(Err(Failure::TimedOut { limit: self.send_limit, connecting: false }))?;
        Ok(())
    }
}
