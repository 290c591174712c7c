//! Opening connections: to the first host that will do.

use std::{
    error::Error,
    fmt::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio::time::timeout;
use tokio_postgres::{
    Config, NoTls,
    config::{Host, SslMode as Negotiation, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    config::{OpenError, PostgresConfig, SslMode},
    tls,
};

/// A host that vanishes says nothing. So much time without a word, and the system asks it; so much more,
/// and it asks again; after so many questions without an answer the connection counts as closed.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 3;
/// How long what was sent may stay unconfirmed. Longer than a call waits: its caller has gone by then.
const UNCONFIRMED: Duration = Duration::from_secs(5);

/// Opens connections to one database, wherever it is served at the moment.
pub(crate) struct Connector {
    hosts: Vec<(String, Config)>,
    tls: Option<MakeRustlsConnect>,
    /// For one host.
    limit: Duration,
    /// The host that did last time. It is tried first: a dead one costs the whole limit.
    favourite: AtomicUsize,
}

impl Connector {
    /// A connector whose sessions end what takes too long.
    pub(crate) fn new(config: &PostgresConfig) -> Result<Self, OpenError> {
        let limits = format!(
            "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={}",
            config.statement_timeout.as_millis(),
            config.lock_timeout.as_millis(),
            config.idle_in_transaction_timeout.as_millis(),
        );
        Self::with_options(config, &limits)
    }

    /// A connector for work that takes its time, such as a migration.
    pub(crate) fn patient(config: &PostgresConfig) -> Result<Self, OpenError> {
        Self::with_options(config, "-c statement_timeout=0 -c lock_timeout=60000")
    }

    /// A connector for reading somebody else's tables for as long as it takes, wherever they can be read.
    pub(crate) fn reading(config: &PostgresConfig) -> Result<Self, OpenError> {
        let config = PostgresConfig { read_write: false, ..config.clone() };
        let options = "-c statement_timeout=0 -c lock_timeout=60000 -c default_transaction_read_only=on \
                       -c TimeZone=UTC -c DateStyle=ISO";
        Self::with_options(&config, options)
    }

    fn with_options(config: &PostgresConfig, options: &str) -> Result<Self, OpenError> {
        let names = config.hosts();
        let names = names.split(", ").map(ToOwned::to_owned);
        let hosts = config.server.get_hosts().iter().enumerate();
        let hosts = hosts.map(|(at, host)| one_host(config, host, config.port(at), options));
        Ok(Self {
            hosts: names.zip(hosts).collect(),
            tls: tls::connector(config)?,
            limit: config.connect_timeout,
            favourite: AtomicUsize::new(0),
        })
    }

    /// How long [`connect`](Self::connect) takes at most.
    pub(crate) fn limit(&self) -> Duration {
        self.limit * u32::try_from(self.hosts.len()).unwrap_or(u32::MAX)
    }

    pub(crate) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let (count, first) = (self.hosts.len(), self.favourite.load(Ordering::Relaxed));
        let mut refusals = String::new();
        for at in (0..count).map(|step| (first + step) % count) {
            let (name, config) = &self.hosts[at];
            match timeout(self.limit, self.connect_to(config)).await {
                Ok(Ok(connection)) => {
                    self.favourite.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(Err(error)) => note(&mut refusals, name, &*error),
                Err(late) => note(&mut refusals, name, &late),
            }
        }
        Err(ConnectionError::BadConnection(refusals))
    }

    async fn connect_to(&self, config: &Config) -> Result<AsyncPgConnection, Box<dyn Error + Send + Sync>> {
        Ok(match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await?
            }
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await?
            }
        })
    }
}

fn one_host(config: &PostgresConfig, host: &Host, port: u16, options: &str) -> Config {
    let from = &config.server;
    let mut to = Config::new();
    to.port(port).options(options).application_name(&config.application_name);
    to.connect_timeout(config.connect_timeout).tcp_user_timeout(UNCONFIRMED);
    to.keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
    to.keepalives_retries(KEEPALIVE_RETRIES);
    if let Some(user) = from.get_user() {
        to.user(user);
    }
    if let Some(password) = from.get_password() {
        to.password(password);
    }
    if let Some(database) = from.get_dbname() {
        to.dbname(database);
    }
    if config.read_write {
        to.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    to.ssl_mode(match (config.ssl_mode, host) {
        (SslMode::Disable, _) => Negotiation::Disable,
        // Nobody is in between.
        #[cfg(unix)]
        (_, Host::Unix(_)) => Negotiation::Disable,
        (SslMode::Prefer, _) => Negotiation::Prefer,
        (SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull, _) => Negotiation::Require,
    });
    match host {
        Host::Tcp(name) => to.host(name),
        #[cfg(unix)]
        Host::Unix(path) => to.host_path(path),
    };
    to
}

/// Adds why a host would not do, with the whole chain of causes.
fn note(refusals: &mut String, host: &str, error: &dyn Error) {
    let separator = if refusals.is_empty() { "" } else { "; " };
    // Writing to a String cannot fail.
    let _ = write!(refusals, "{separator}{host}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(refusals, ": {error}");
        cause = error.source();
    }
}
