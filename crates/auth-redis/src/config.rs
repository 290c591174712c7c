//! Settings of the adapter.

use std::{fmt, path::PathBuf, time::Duration};

use deadpool_redis::redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo, parse_redis_url,
};

use auth_domain::guard::BreakerConfig;

/// How to reach Redis, and how patient to be.
///
/// `Debug` shows hosts and numbers, never user names or passwords.
#[derive(Clone)]
pub struct RedisConfig {
    servers: Vec<ConnectionInfo>,
    cluster: bool,
    prefix: String,
    /// Certificates to trust for `rediss://` (PEM), in place of those of the system.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take to be made: 100 ms.
    pub connect_timeout: Duration,
    /// How long an operation may take, and how long it may wait for a connection: 50 ms each.
    pub operation_timeout: Duration,
    /// How many connections are kept at most: 8.
    pub pool_size: usize,
    /// When to stop asking.
    pub breaker: BreakerConfig,
}

/// A single server without TLS, when its parts are settings of their own.
#[derive(Clone)]
pub struct ServerParts {
    /// Name or address.
    pub host: String,
    /// Usually 6379.
    pub port: u16,
    /// Usually 0.
    pub database: u16,
    /// The ACL user; needs a password.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
}

impl RedisConfig {
    /// The commands an ACL user needs, as a rule of Redis. Its keys are the prefix and a star.
    pub const ACL_COMMANDS: &'static str =
        "-@all +ping +eval +evalsha +get +incr +incrby +pexpire +del +hset +hmget +hincrby";

    /// What an ACL user needs on top where the servers form a cluster.
    pub const ACL_CLUSTER_COMMANDS: &'static str = "+cluster|slots";

    /// What all keys begin with, unless set otherwise.
    pub const DEFAULT_PREFIX: &'static str = "auth:";

    /// Reads one URL, or several with commas between them.
    ///
    /// Each is `redis://[[user]:password@]host[:port][/database]`, or `rediss://…` for TLS; names and
    /// passwords are percent-encoded, commas in them too. Several URLs are seeds of one Redis Cluster
    /// and must agree in all but host and port; `?cluster=true` makes a single URL the seed of one.
    ///
    /// # Errors
    /// [`RedisConfigError`] says what is wrong, in one line without any part of the URL.
    pub fn parse(urls: &str) -> Result<Self, RedisConfigError> {
        let parsed = urls.split(',').map(|url| parse_one(url.trim())).collect::<Result<Vec<_>, _>>()?;
        let marked = parsed.iter().filter(|(_, cluster)| *cluster == Some(true)).count();
        let unmarked = parsed.iter().any(|(_, cluster)| *cluster == Some(false));
        let cluster = parsed.len() > 1 || marked > 0;
        if cluster && unmarked {
            return Err(RedisConfigError::NoCluster);
        }
        let servers: Vec<_> = parsed.into_iter().map(|(server, _)| server).collect();
        if servers.windows(2).any(|pair| !agree(&pair[0], &pair[1])) {
            return Err(RedisConfigError::Disagreement);
        }
        if cluster && servers.iter().any(|server| server.redis_settings().db() != 0) {
            return Err(RedisConfigError::ClusterDatabase);
        }
        Ok(Self::with(servers, cluster))
    }

    /// A single server by its parts.
    ///
    /// # Errors
    /// [`RedisConfigError::UserWithoutPassword`].
    pub fn from_parts(parts: ServerParts) -> Result<Self, RedisConfigError> {
        let mut settings = RedisConnectionInfo::default().set_db(i64::from(parts.database));
        match (parts.username, parts.password) {
            (Some(_), None) => return Err(RedisConfigError::UserWithoutPassword),
            (username, password) => {
                settings = username.into_iter().fold(settings, RedisConnectionInfo::set_username);
                settings = password.into_iter().fold(settings, RedisConnectionInfo::set_password);
            }
        }
        let server = ConnectionAddr::Tcp(parts.host, parts.port)
            .into_connection_info()
            .map_err(|_| RedisConfigError::Url)?
            .set_redis_settings(settings.set_skip_set_lib_name());
        Ok(Self::with(vec![server], false))
    }

    /// Changes what all keys begin with, for several installations on one Redis.
    ///
    /// # Errors
    /// [`RedisConfigError::Prefix`] unless it is 1 to 64 of `A-Z a-z 0-9 : . _ -`. Braces would break
    /// the spread over a cluster, and stars the pattern of an ACL rule.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, RedisConfigError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":._-".contains(&byte);
        if !(1..=64).contains(&prefix.len()) || !prefix.bytes().all(allowed) {
            return Err(RedisConfigError::Prefix);
        }
        Ok(Self { prefix: prefix.to_owned(), ..self })
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the servers form a Redis Cluster.
    pub const fn is_cluster(&self) -> bool {
        self.cluster
    }

    /// Whether connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.servers.iter().all(|server| matches!(server.addr(), ConnectionAddr::TcpTls { .. }))
    }

    pub(crate) fn servers(&self) -> &[ConnectionInfo] {
        &self.servers
    }

    fn with(servers: Vec<ConnectionInfo>, cluster: bool) -> Self {
        Self {
            servers,
            cluster,
            prefix: Self::DEFAULT_PREFIX.to_owned(),
            ca_file: None,
            connect_timeout: Duration::from_millis(100),
            operation_timeout: Duration::from_millis(50),
            pool_size: 8,
            breaker: BreakerConfig::default(),
        }
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<String> = self.servers.iter().map(|server| server.addr().to_string()).collect();
        f.debug_struct("RedisConfig")
            .field("servers", &servers)
            .field("cluster", &self.cluster)
            .field("encrypted", &self.is_encrypted())
            .field("prefix", &self.prefix)
            .field("ca_file", &self.ca_file)
            .field("connect_timeout", &self.connect_timeout)
            .field("operation_timeout", &self.operation_timeout)
            .field("pool_size", &self.pool_size)
            .field("breaker", &self.breaker)
            .finish()
    }
}

/// Reads one URL, and whether it says to be one of a cluster.
fn parse_one(text: &str) -> Result<(ConnectionInfo, Option<bool>), RedisConfigError> {
    let url = parse_redis_url(text).ok_or(RedisConfigError::Url)?;
    // The client knows more schemes, and a fragment that switches verification off.
    let known = matches!(url.scheme(), "redis" | "rediss") && url.fragment().is_none();
    let database = url.path().strip_prefix('/').unwrap_or(url.path());
    let number = database.is_empty() || database.parse::<u16>().is_ok();
    if !known || !number || url.host_str().is_none_or(str::is_empty) {
        return Err(RedisConfigError::Url);
    }
    if !url.username().is_empty() && url.password().is_none_or(str::is_empty) {
        return Err(RedisConfigError::UserWithoutPassword);
    }
    let cluster = match url.query() {
        None => None,
        Some("cluster=true") => Some(true),
        Some("cluster=false") => Some(false),
        // The parameter is not repeated: it may be the rest of a password with a bare question mark.
        Some(_) => return Err(RedisConfigError::Parameter),
    };
    let server = url.into_connection_info().map_err(|_| RedisConfigError::Url)?;
    let settings = server.redis_settings().clone().set_skip_set_lib_name();
    Ok((server.set_redis_settings(settings), cluster))
}

/// Whether two seeds differ in host and port only.
fn agree(one: &ConnectionInfo, other: &ConnectionInfo) -> bool {
    let encrypted = |server: &ConnectionInfo| matches!(server.addr(), ConnectionAddr::TcpTls { .. });
    let (this, that) = (one.redis_settings(), other.redis_settings());
    encrypted(one) == encrypted(other)
        && this.db() == that.db()
        && this.username() == that.username()
        && this.password() == that.password()
}

/// The settings do not make sense. Says nothing of what was given: it may hold a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisConfigError {
    /// Not a URL of the known form.
    #[error(
        "a Redis URL must look like redis://[[user]:password@]host[:port][/database], or rediss://… for TLS"
    )]
    Url,
    /// A parameter other than `cluster`.
    #[error("a Redis URL has an unknown parameter; only ?cluster=true and ?cluster=false are known")]
    Parameter,
    /// A user name alone.
    #[error("a Redis user needs a password; a password without user is written redis://:password@host")]
    UserWithoutPassword,
    /// Several URLs, one of which says it is no cluster.
    #[error("several Redis URLs are seeds of one cluster, but one of them says cluster=false")]
    NoCluster,
    /// Seeds that cannot be of one cluster.
    #[error("the seeds of a Redis Cluster must have the same scheme, user, password and database")]
    Disagreement,
    /// A cluster has one database.
    #[error("a Redis Cluster has database 0 only")]
    ClusterDatabase,
    /// A prefix that would break key patterns.
    #[error("a Redis key prefix is 1 to 64 of A-Z a-z 0-9 : . _ -")]
    Prefix,
    /// Certificates are of use only with TLS.
    #[error("a Redis CA file needs rediss:// URLs")]
    CaWithoutTls,
    /// The file of certificates cannot be read.
    #[error("cannot read the Redis CA file {path}")]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no certificate.
    #[error("the Redis CA file holds no PEM certificate")]
    CaEmpty,
    /// The client refused the settings.
    #[error("the Redis client refuses the settings")]
    Client(#[source] deadpool_redis::redis::RedisError),
    /// The pool refused the settings.
    #[error("the Redis connection pool refuses the settings")]
    Pool,
}

#[cfg(test)]
mod tests;
