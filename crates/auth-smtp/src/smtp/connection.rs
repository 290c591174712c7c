//! One conversation with the mail server.
//!
//! lettre speaks SMTP; its own transport is not used, for three reasons. Its time-out covers only the
//! TCP connect. Its pool takes a connection back whose message was abandoned half-way, so that the next
//! one would be read as part of it. And its error does not tell *what* was refused, which decides
//! whether trying again can help.

use std::time::Duration;

use lettre::{
    Address,
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use secrecy::SecretString;
use tokio::{net::TcpStream, time::timeout};

use super::{
    config::{SmtpConfig, SmtpConfigError, SmtpLogin, SmtpTls},
    failure::{Failure, Step},
    lines::Lines,
};

/// How long a polite goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How to open a conversation.
pub(super) struct Connector {
    server: (String, u16),
    mode: SmtpTls,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    /// What no answer is kept for repeating.
    secrets: Vec<SecretString>,
    hello_name: ClientId,
    limit: Duration,
}

impl Connector {
    pub(super) fn new(config: &SmtpConfig) -> Result<Self, SmtpConfigError> {
        Ok(Self {
            server: (config.host.clone(), config.port),
            mode: config.tls,
            tls: config.tls_parameters()?,
            credentials: config.credentials(),
            secrets: config.login.iter().flat_map(SmtpLogin::secrets).collect(),
            hello_name: config.hello_name.clone().map_or_else(ClientId::default, ClientId::Domain),
            limit: config.connect_limit,
        })
    }

    /// Connects, encrypts and logs in.
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        timeout(self.limit, self.open())
            .await
            .map_err(|_| Failure::TimedOut { limit: self.limit, connecting: true })?
    }

    async fn open(&self) -> Result<Connection, Failure> {
        let mut smtp = self.greet().await?;
        if let (SmtpTls::StartTls, Some(tls)) = (self.mode, &self.tls) {
            // Fails where the server does not offer it; there is no way around.
            let upgraded = smtp.starttls(tls.clone(), &self.hello_name).await;
            upgraded.map_err(|error| Failure::new(Step::StartTls, error))?;
        }
        if let Some(credentials) = &self.credentials {
            let login = smtp.auth(DEFAULT_MECHANISMS, credentials).await;
            login.map_err(|error| Failure::new(Step::Login, error).without(&self.secrets))?;
        }
        Ok(Connection { smtp, sent: 0 })
    }

    async fn greet(&self) -> Result<AsyncSmtpConnection, Failure> {
        let server = (self.server.0.as_str(), self.server.1);
        let greeted = if self.mode == SmtpTls::Implicit {
            AsyncSmtpConnection::connect_tokio1(server, None, &self.hello_name, self.tls.clone(), None).await
        } else {
            let stream = TcpStream::connect(server).await.map_err(Failure::unreachable)?;
            // A message ends with a short write after a long one, which would wait 40 ms for nothing.
            // Without it mail is only slower.
            let _ = stream.set_nodelay(true);
            AsyncSmtpConnection::connect_with_transport(Box::new(Lines::new(stream)), &self.hello_name).await
        };
        greeted.map_err(|error| Failure::new(Step::Connect, error))
    }
}

/// An open conversation that has no message under way.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
    /// How many messages it carried.
    pub(super) sent: u32,
}

impl Connection {
    /// Whether the server still answers.
    pub(super) async fn is_alive(&mut self) -> bool {
        matches!(timeout(GOODBYE, self.smtp.test_connected()).await, Ok(true))
    }

    /// Hands one message over, to one recipient. After a failure the connection is of no use any more.
    pub(super) async fn send(&mut self, from: &Address, to: &Address, mail: &[u8]) -> Result<(), Failure> {
        let mut parameters = Vec::new();
        if !AsRef::<str>::as_ref(to).is_ascii() || !AsRef::<str>::as_ref(from).is_ascii() {
            if !self.smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::NotAscii);
            }
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let sender = self.smtp.command(Mail::new(Some(from.clone()), parameters)).await;
        sender.map_err(|error| Failure::new(Step::Sender, error))?;
        let recipient = self.smtp.command(Rcpt::new(to.clone(), Vec::new())).await;
        recipient.map_err(|error| Failure::new(Step::Recipient, error))?;
        let data = self.smtp.command(Data).await;
        data.map_err(|error| Failure::new(Step::Message, error))?;
        let message = self.smtp.message(mail).await;
        message.map_err(|error| Failure::new(Step::Message, error))?;
        self.sent += 1;
        Ok(())
    }

    /// Says goodbye and closes, while the caller goes on: what was accepted stays accepted, and no
    /// limit of the message may run out over it.
    pub(super) fn close(mut self) {
        tokio::spawn(async move {
            let _ = timeout(GOODBYE, self.smtp.abort()).await;
        });
    }
}
