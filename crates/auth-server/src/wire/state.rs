//! Where short-lived state is kept: in the process, or on the Redis that all replicas share.

use std::{num::NonZeroU32, sync::Arc};

use anyhow::Context as _;
use async_trait::async_trait;
use auth_domain::{
    audit::AuditEvent,
    guard::{DegradingLimiter, LimiterWatch},
    port::{ChallengeStore, CodeStore, KeyedHash, LimiterError, RateLimiter, SmsLedger},
};
use auth_http::{Probe, error_chain};
use auth_memory::{MemoryChallenges, MemoryCodes, MemoryLedger, MemoryLimiter};
use auth_redis::{RedisConfig, RedisConfigError, RedisState};
use tokio::sync::mpsc;

use crate::settings::{Dsn, Settings, Spec, table};

/// Short-lived state, on its adapters.
#[expect(dead_code, reason = "the engine has no use case of text messages yet")]
pub(crate) struct State {
    /// Counts requests.
    pub(crate) limiter: Arc<dyn RateLimiter>,
    /// Keeps one-time codes.
    pub(crate) codes: Arc<dyn CodeStore>,
    /// Keeps logins that wait for a second factor.
    pub(crate) challenges: Arc<dyn ChallengeStore>,
    /// Counts text messages.
    pub(crate) ledger: Arc<dyn SmsLedger>,
    /// Says whether Redis answers; `None` without Redis.
    pub(crate) redis: Option<Arc<dyn Probe>>,
    /// Tells when limits begin and cease to be local; `None` without Redis.
    pub(crate) changes: Option<mpsc::UnboundedReceiver<AuditEvent>>,
}

impl State {
    /// # Errors
    /// One sentence about what is wrong with the settings of Redis.
    pub(super) fn open(settings: &Settings, names: Arc<dyn KeyedHash>) -> anyhow::Result<Self> {
        match &settings.redis {
            None => Ok(Self::in_the_process()),
            Some(dsn) => Self::on_redis(settings, dsn, names),
        }
    }

    fn in_the_process() -> Self {
        Self {
            limiter: Arc::new(MemoryLimiter::new()),
            codes: Arc::new(MemoryCodes::new()),
            challenges: Arc::new(MemoryChallenges::new()),
            ledger: Arc::new(MemoryLedger::new()),
            redis: None,
            changes: None,
        }
    }

    /// While Redis is away, limits go on locally; what proves identity or costs money does not go on.
    fn on_redis(settings: &Settings, dsn: &Dsn, names: Arc<dyn KeyedHash>) -> anyhow::Result<Self> {
        let config = config(settings, dsn).with_context(|| format!("cannot use Redis at {dsn}"))?;
        let redis = RedisState::new(&config, names).with_context(|| format!("cannot use Redis at {dsn}"))?;
        let redis = Arc::new(redis);
        let (sender, changes) = mpsc::unbounded_channel();
        let replicas = NonZeroU32::new(settings.replicas).unwrap_or(NonZeroU32::MIN);
        let (shared, local) = (Arc::clone(&redis) as _, Arc::new(MemoryLimiter::new()));
        let limiter = DegradingLimiter::new(shared, local, replicas, Arc::new(Watch(sender)));
        Ok(Self {
            limiter: Arc::new(limiter),
            codes: Arc::clone(&redis) as _,
            challenges: Arc::clone(&redis) as _,
            ledger: Arc::clone(&redis) as _,
            redis: Some(Arc::new(RedisProbe(redis))),
            changes: Some(changes),
        })
    }
}

fn config(settings: &Settings, dsn: &Dsn) -> Result<RedisConfig, RedisConfigError> {
    let mut config = RedisConfig::parse(dsn.expose_secret())?.with_prefix(&settings.redis_key_prefix)?;
    config.ca_file.clone_from(&settings.redis_ca_file);
    Ok(config)
}

/// What is wrong with the settings of Redis: which of them, and one line about it.
pub(super) fn refusal(settings: &Settings, dsn: &Dsn) -> Option<(&'static Spec, String)> {
    let error = config(settings, dsn).err()?;
    let spec = match error {
        RedisConfigError::Prefix => &table::REDIS_KEY_PREFIX,
        RedisConfigError::UserWithoutPassword => &table::REDIS_USERNAME,
        _ => &table::REDIS_URL,
    };
    Some((spec, error.to_string()))
}

/// Logs each change of the limiter's mode, and passes it on for the audit log: the limiter must not wait.
struct Watch(mpsc::UnboundedSender<AuditEvent>);

impl LimiterWatch for Watch {
    fn degraded(&self, cause: &LimiterError) {
        tracing::warn!(error = %error_chain(cause), "Redis does not answer: limits are local and stricter");
        // Nobody listens any more while the server stops.
        let _ = self.0.send(AuditEvent::LimitsDegraded);
    }

    fn restored(&self) {
        tracing::info!("Redis answers again: limits are shared");
        let _ = self.0.send(AuditEvent::LimitsRestored);
    }
}

struct RedisProbe(Arc<RedisState>);

#[async_trait]
impl Probe for RedisProbe {
    async fn is_up(&self) -> bool {
        self.0.ping().await.is_ok()
    }
}
