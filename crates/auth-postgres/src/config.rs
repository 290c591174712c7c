//! Settings of the store, and why it did not open.

use std::{fmt, path::PathBuf, time::Duration};

/// How far a server is believed to be who it says it is. The names are those of libpq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// No encryption.
    Disable,
    /// Encryption if the server offers it; anybody in between can talk it out of that.
    Prefer,
    /// Encryption, with whoever answers.
    Require,
    /// The server's certificate must come from a known authority, for whatever name.
    VerifyCa,
    /// The server's certificate must come from a known authority, for the name in the URL.
    VerifyFull,
}

/// How to open the store. [`from_url`](Self::from_url) fills in everything; change the numbers after.
#[derive(Clone)]
pub struct PostgresConfig {
    /// Hosts, user, password and database; no host-independent setting.
    pub(crate) server: tokio_postgres::Config,
    /// How far the server is believed.
    pub ssl_mode: SslMode,
    /// Certificates of the authorities to believe, as PEM; those of the system without.
    pub root_certificates: Option<PathBuf>,
    /// Whether only a server that accepts writes will do.
    pub read_write: bool,
    /// Connections for requests.
    pub max_connections: usize,
    /// Further connections for [`ping`](auth_domain::port::Store::ping) and
    /// [`reserved`](crate::PostgresStore::reserved), which requests cannot use up.
    pub reserved_connections: usize,
    /// How long a caller waits for its turn on a connection.
    pub acquire_timeout: Duration,
    /// How long one host may take until a connection to it can be used.
    pub connect_timeout: Duration,
    /// How long PostgreSQL lets a statement run. One second later the client gives up, too, and drops
    /// the connection.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock.
    pub lock_timeout: Duration,
    /// How long PostgreSQL lets a transaction do nothing.
    pub idle_in_transaction_timeout: Duration,
    /// What this program is called in `pg_stat_activity`.
    pub application_name: String,
}

/// A URL is not understood. Says what is wrong with it, and never repeats the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It has another form.
    #[error("the database URL is not of the form postgres://user:password@host:port/database")]
    Malformed,
    /// Something that must be there is not.
    #[error("the database URL names no {0}")]
    Missing(&'static str),
    /// A parameter is not known here.
    #[error(
        "the database URL has an unknown parameter `{0}`; known are sslmode, sslrootcert and \
         target_session_attrs"
    )]
    UnknownParameter(String),
    /// A parameter has a value that is not known here.
    #[error("the database URL has `{parameter}={value}`; possible are {possible}")]
    UnknownValue {
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: String,
        /// What it could be.
        possible: &'static str,
    },
}

/// The store did not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file of authorities cannot be read, or holds none.
    #[error("cannot use the certificates in {}", .path.display())]
    RootCertificates {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system has no authorities, and none were given.
    #[error("the system has no certificates of authorities; give sslrootcert")]
    NoSystemCertificates,
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
}

impl PostgresConfig {
    /// The server that `url` names, with the default numbers.
    ///
    /// ```
    /// use auth_postgres::{PostgresConfig, SslMode};
    ///
    /// let url = "postgres://auth:secret@db1:5432,db2:5432/auth?sslmode=verify-full";
    /// let config = PostgresConfig::from_url(url)?;
    /// assert_eq!(config.ssl_mode, SslMode::VerifyFull);
    /// assert!(!format!("{config:?}").contains("secret"));
    /// # Ok::<(), auth_postgres::UrlError>(())
    /// ```
    ///
    /// Of several hosts, the first that accepts writes is used. Parameters:
    ///
    /// - `sslmode`: `disable`, `prefer` (without it), `require`, `verify-ca` or `verify-full`;
    /// - `sslrootcert`: a PEM file of authorities, instead of the system's;
    /// - `target_session_attrs`: `read-write` (without it) or `any`.
    ///
    /// # Errors
    /// [`UrlError`] in one line for an operator.
    pub fn from_url(url: &str) -> Result<Self, UrlError> {
        crate::url::parse(url)
    }

    pub(crate) fn new(server: tokio_postgres::Config) -> Self {
        Self {
            server,
            ssl_mode: SslMode::Prefer,
            root_certificates: None,
            read_write: true,
            max_connections: 32,
            reserved_connections: 2,
            acquire_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(2),
            lock_timeout: Duration::from_secs(1),
            idle_in_transaction_timeout: Duration::from_secs(5),
            application_name: "auth-server".to_owned(),
        }
    }

    /// The hosts, for an operator: `db1:5432, db2:5432`.
    pub fn hosts(&self) -> String {
        let hosts = self.server.get_hosts().iter().enumerate().map(|(at, host)| match host {
            tokio_postgres::config::Host::Tcp(name) => format!("{name}:{}", self.port(at)),
            #[cfg(unix)]
            tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        });
        hosts.collect::<Vec<_>>().join(", ")
    }

    /// The port of the host at `index`: one each, or one for all.
    pub(crate) fn port(&self, index: usize) -> u16 {
        let ports = self.server.get_ports();
        ports.get(index).or(ports.first()).copied().unwrap_or(5432)
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("hosts", &self.hosts())
            .field("user", &self.server.get_user())
            .field("database", &self.server.get_dbname())
            .field("ssl_mode", &self.ssl_mode)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}
