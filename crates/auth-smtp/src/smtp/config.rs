//! How to reach the mail server.

use std::{
    fmt, io,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use auth_domain::user::Email;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::transport::smtp::{
    authentication::Credentials,
    client::{Certificate, TlsParameters},
};
use secrecy::{ExposeSecret as _, SecretString};

/// Whether and when the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Never: for a mail catcher or a relay on the same machine (port 1025 or 25).
    Plain,
    /// From the `STARTTLS` command on (port 587). A server that does not offer it gets no mail: the
    /// connection is never used unencrypted instead.
    StartTls,
    /// From the first byte on (port 465).
    Implicit,
}

/// Who logs in to the mail server.
#[derive(Clone)]
pub struct SmtpLogin {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

impl SmtpLogin {
    /// The password in each form in which it travels: a server may repeat what it was sent.
    pub(super) fn secrets(&self) -> [SecretString; 3] {
        let plain = SecretString::from(format!("\0{}\0{}", self.user, self.password.expose_secret()));
        let encoded = |text: &SecretString| STANDARD.encode(text.expose_secret()).into();
        [self.password.clone(), encoded(&self.password), encoded(&plain)]
    }
}

impl fmt::Debug for SmtpLogin {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpLogin").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How to reach the mail server, and in whose name to write.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// The server: a name or an address. With TLS its certificate must be for this name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether and when the connection is encrypted.
    pub tls: SmtpTls,
    /// Logs in when set; else the server takes mail from anybody or by address.
    pub login: Option<SmtpLogin>,
    /// The sender's address; its domain also names the messages.
    pub from: Email,
    /// The sender's name, as mail programs show it.
    pub from_name: Option<String>,
    /// Trusted besides the system's certificate authorities: a PEM file with one or more certificates.
    pub extra_ca: Option<PathBuf>,
    /// What this machine calls itself in `EHLO`; its host name when unset.
    pub hello_name: Option<String>,
    /// How long it may take until a connection is ready: name lookup, TCP, TLS, greeting, login.
    pub connect_limit: Duration,
    /// How long one message may take over all, the connection included.
    pub send_limit: Duration,
    /// How many connections at most are open at the same time.
    pub connections: usize,
    /// After how many messages a connection is closed; some servers refuse more.
    pub messages_per_connection: u32,
}

impl SmtpConfig {
    /// The usual limits: 5 seconds to connect, 10 over all, 4 connections, 100 messages each.
    pub fn new(host: impl Into<String>, port: u16, tls: SmtpTls, from: Email) -> Self {
        Self {
            host: host.into(),
            port,
            tls,
            login: None,
            from,
            from_name: None,
            extra_ca: None,
            hello_name: None,
            connect_limit: Duration::from_secs(5),
            send_limit: Duration::from_secs(10),
            connections: 4,
            messages_per_connection: 100,
        }
    }

    /// Whether the password would cross a network unencrypted. Production should refuse that.
    pub fn exposes_password(&self) -> bool {
        let local = self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        self.tls == SmtpTls::Plain && self.login.is_some() && !local
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        let login = self.login.as_ref()?;
        Some(Credentials::new(login.user.clone(), login.password.expose_secret().to_owned()))
    }

    /// The TLS side, with the system's certificate authorities read once.
    pub(super) fn tls_parameters(&self) -> Result<Option<TlsParameters>, SmtpConfigError> {
        if self.tls == SmtpTls::Plain {
            return Ok(None);
        }
        let mut builder = TlsParameters::builder(self.host.clone());
        for certificate in self.extra_ca.as_deref().map(certificates).transpose()?.unwrap_or_default() {
            builder = builder.add_root_certificate(certificate);
        }
        builder.build_rustls().map(Some).map_err(SmtpConfigError::Tls)
    }

    /// Refuses what would end up in a header or a command.
    pub(super) fn check(&self) -> Result<(), SmtpConfigError> {
        let texts = [
            ("the SMTP host", Some(&self.host)),
            ("the sender's name", self.from_name.as_ref()),
            ("the EHLO name", self.hello_name.as_ref()),
        ];
        for (what, text) in texts {
            if text.is_some_and(|text| text.trim().is_empty() || text.chars().any(char::is_control)) {
                return Err(SmtpConfigError::Text(what));
            }
        }
        if self.connections == 0 || self.messages_per_connection == 0 {
            return Err(SmtpConfigError::Zero);
        }
        Ok(())
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, SmtpConfigError> {
    let refused = |source: Box<dyn std::error::Error + Send + Sync>| SmtpConfigError::ExtraCa {
        path: path.to_owned(),
        source,
    };
    let pem = std::fs::read(path).map_err(|error| refused(error.into()))?;
    // Other content than certificates is skipped by the reader, so a wrong file would pass as empty.
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        let error = io::Error::new(io::ErrorKind::InvalidData, "it holds no certificate in PEM form");
        return Err(refused(error.into()));
    }
    Certificate::from_pem(&pem).map(|certificate| vec![certificate]).map_err(|error| refused(error.into()))
}

/// The mail server cannot be used as configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpConfigError {
    /// A text is blank or has control characters, which could forge a header or a command.
    #[error("{0} is blank or has control characters")]
    Text(&'static str),
    /// A limit is zero.
    #[error("the mail server needs at least one connection, and each at least one message")]
    Zero,
    /// The sender's address cannot be written in a mail.
    #[error("the sender's address cannot be used in a mail")]
    From(#[source] lettre::address::AddressError),
    /// The file of additional certificate authorities is not usable.
    #[error("cannot use the certificates in {path}")]
    ExtraCa {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS for the mail server")]
    Tls(#[source] lettre::transport::smtp::Error),
}
