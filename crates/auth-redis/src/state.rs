//! The adapter itself: a pool, a breaker, deadlines, names.

use std::{
    fmt::{self, Write as _},
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_domain::{
    guard::{Breaker, BreakerChange, BreakerPermit, BreakerWatch},
    port::{KeyPurpose, KeyedHash},
};
use chrono::{DateTime, Utc};
use deadpool::{
    Runtime,
    managed::{PoolError, Timeouts},
};
use deadpool_redis::redis::{FromRedisValue, RedisResult, Value, cmd};
use tokio::time::timeout;

use crate::{
    config::{RedisConfig, RedisConfigError},
    error::RedisFailure,
    pool::{Connection, Lease, Manager, Pool},
    script::{Arg, Invocation, Lua, Scripts},
};

/// How much longer than its owner needs it a key stays: calls take their time before they come here,
/// and the clocks of replicas differ a little.
const GRACE_MILLIS: i128 = 60_000;

/// The longest a key stays: 100 years. Redis refuses times beyond its integers.
const LONGEST_MILLIS: i128 = 100 * 365 * 86_400_000;

/// One-time codes, login challenges, rate limits and counts of text messages on Redis.
///
/// Cheap to share behind an `Arc`. Connections are made when they are first needed; they live on the
/// runtime of the call that made them, which must live as long as this.
pub struct RedisState {
    pool: Pool,
    breaker: Breaker,
    pub(crate) scripts: Scripts,
    names: Arc<dyn KeyedHash>,
    prefix: String,
    operation_timeout: Duration,
    checkout_timeout: Duration,
}

impl RedisState {
    /// Prepares the adapter without connecting. `names` hides addresses and tokens in the names of
    /// keys; all replicas must derive it from the same secret.
    ///
    /// # Errors
    /// [`RedisConfigError`] when the settings do not make sense.
    pub fn new(config: &RedisConfig, names: Arc<dyn KeyedHash>) -> Result<Self, RedisConfigError> {
        if config.is_encrypted() {
            choose_cryptography();
        }
        let manager = Manager::new(config, read_ca(config)?).map_err(RedisConfigError::Client)?;
        let connect_timeout = manager.connect_timeout(config.connect_timeout);
        let pool = Pool::builder(manager)
            .max_size(config.pool_size.max(1))
            .timeouts(Timeouts {
                wait: Some(config.operation_timeout),
                create: Some(connect_timeout),
                recycle: Some(config.operation_timeout),
            })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| RedisConfigError::Pool)?;
        Ok(Self {
            pool,
            breaker: Breaker::new("redis", config.breaker),
            scripts: Scripts::new(),
            names,
            prefix: config.prefix().to_owned(),
            operation_timeout: config.operation_timeout,
            checkout_timeout: connect_timeout + config.operation_timeout,
        })
    }

    /// The same state, with somebody who is told when the breaker opens and closes.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn BreakerWatch>) -> Self {
        self.breaker = self.breaker.watched_by(watch);
        self
    }

    /// Asks the server, or every master of the cluster, whether it is there.
    ///
    /// # Errors
    /// [`RedisFailure`], at once while the breaker is open.
    pub async fn ping(&self) -> Result<(), RedisFailure> {
        self.call(Question::Ping).await.map(drop)
    }

    /// Whether calls fail at once at the moment, for readiness and metrics.
    pub fn is_breaker_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Runs a script on one key.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Lua,
        key: &str,
        args: &[Arg<'_>],
    ) -> Result<T, RedisFailure> {
        let answer = self.call(Question::Run(Invocation { script, key, args })).await?;
        T::from_redis_value(answer).map_err(|_| RedisFailure::Answer)
    }

    /// The name of a key: the prefix, the kind, and a keyed hash that says nothing about the parts. The
    /// braces make the hash alone decide where in a cluster the key lives.
    pub(crate) fn name(&self, kind: &str, parts: &[&[u8]]) -> String {
        let message: Vec<&[u8]> = std::iter::once(kind.as_bytes()).chain(parts.iter().copied()).collect();
        let mac = self.names.mac(KeyPurpose::StateName, &message);
        let mut name = format!("{}{kind}:{{", self.prefix);
        // Half of the hash: 128 bits, and nobody without the key can look for two that meet.
        for byte in &mac[..16] {
            // Writing to a `String` cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name.push('}');
        name
    }

    async fn call(&self, question: Question<'_>) -> Result<Value, RedisFailure> {
        let permit = self.breaker.enter(Instant::now()).map_err(|_resting| RedisFailure::BreakerOpen)?;
        let outcome = self.ask(question).await;
        self.report(permit, outcome.as_ref().err());
        outcome
    }

    async fn ask(&self, question: Question<'_>) -> Result<Value, RedisFailure> {
        let mut lease = self.checkout().await?;
        let failure = match timeout(self.operation_timeout, question.put_to(&mut lease)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) if !error.is_timeout() => {
                if error.is_io_error() || error.is_unrecoverable_error() {
                    self.replace(lease);
                }
                RedisFailure::Command(error)
            }
            Ok(Err(_)) | Err(_) => {
                self.replace(lease);
                RedisFailure::Timeout
            }
        };
        Err(failure)
    }

    async fn checkout(&self) -> Result<Lease, RedisFailure> {
        match timeout(self.checkout_timeout, self.pool.get()).await {
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(PoolError::Backend(error))) if !error.is_timeout() => Err(RedisFailure::Connect(error)),
            Ok(Err(_)) | Err(_) => Err(RedisFailure::ConnectTimeout),
        }
    }

    /// Gives up a connection that broke, and the idle ones of its age with it: they most likely broke
    /// too, and would each cost a call.
    fn replace(&self, lease: Lease) {
        if !self.pool.manager().mends_itself() {
            drop(Lease::take(lease));
            self.pool.retain(|_, _| false);
        }
    }

    fn report(&self, permit: BreakerPermit<'_>, failure: Option<&RedisFailure>) {
        let change = match failure {
            None => permit.succeeded(),
            Some(failure) => permit.failed(Instant::now(), failure),
        };
        if change == BreakerChange::Opened {
            // Whatever the connections are waiting for, the next ones begin without it.
            self.pool.retain(|_, _| false);
        }
    }
}

impl fmt::Debug for RedisState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisState")
            .field("kind", self.pool.manager())
            .field("prefix", &self.prefix)
            .field("breaker_open", &self.is_breaker_open())
            .finish_non_exhaustive()
    }
}

/// What a call asks.
#[derive(Clone, Copy)]
enum Question<'a> {
    Ping,
    Run(Invocation<'a>),
}

impl Question<'_> {
    async fn put_to(self, connection: &mut Connection) -> RedisResult<Value> {
        match self {
            Self::Ping => connection.ask(&cmd("PING")).await,
            Self::Run(invocation) => invocation.run(connection).await,
        }
    }
}

/// Microseconds since 1970, as scripts compare them.
pub(crate) const fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// How many milliseconds a key stays that is needed for so many microseconds more.
pub(crate) fn ttl_millis(needed_micros: i128) -> i64 {
    let millis = needed_micros / 1000 + 1 + GRACE_MILLIS;
    i64::try_from(millis.clamp(1, LONGEST_MILLIS)).unwrap_or(i64::MAX)
}

/// TLS needs a cryptography of the whole process; a server that has chosen one keeps it.
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster, with the same choice.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn read_ca(config: &RedisConfig) -> Result<Option<Vec<u8>>, RedisConfigError> {
    let Some(path) = &config.ca_file else { return Ok(None) };
    if !config.is_encrypted() {
        return Err(RedisConfigError::CaWithoutTls);
    }
    let pem = fs::read(path).map_err(|source| RedisConfigError::CaFile { path: path.clone(), source })?;
    // The client takes a file without certificates for one that trusts nobody.
    let begin = b"-----BEGIN CERTIFICATE-----";
    if !pem.windows(begin.len()).any(|window| window == begin) {
        return Err(RedisConfigError::CaEmpty);
    }
    Ok(Some(pem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_a_minute_longer_and_not_for_ever() {
        for (needed, millis) in [
            (0, 60_001),
            (1, 60_001),
            (300_000_000, 360_001),
            (-1_000_000_000, 1),
            (i128::from(i64::MAX), 3_153_600_000_000),
            (1 << 100, 3_153_600_000_000),
        ] {
            assert_eq!(ttl_millis(needed), millis, "{needed}");
        }
    }
}
