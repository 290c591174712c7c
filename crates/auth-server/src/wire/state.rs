//! Where short-lived state is kept: in the process, or on the Redis that all replicas share.

use std::{num::NonZeroU32, sync::Arc};

use anyhow::Context as _;
use async_trait::async_trait;
use auth_domain::{
    guard::DegradingLimiter,
    port::{ChallengeStore, CodeStore, KeyedHash, RateLimiter, SmsLedger},
};
use auth_http::Probe;
use auth_memory::{MemoryChallenges, MemoryCodes, MemoryLedger, MemoryLimiter};
use auth_redis::{RedisConfig, RedisConfigError, RedisState};

use super::watch::PartWatch;
use crate::settings::{Dsn, Settings, Spec, table};

/// Short-lived state, on its adapters.
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
}

impl State {
    /// # Errors
    /// One sentence about what is wrong with the settings of Redis.
    pub(super) fn open(
        settings: &Settings,
        names: Arc<dyn KeyedHash>,
        watch: &Arc<PartWatch>,
    ) -> anyhow::Result<Self> {
        match &settings.redis {
            None => Ok(Self::in_the_process()),
            Some(dsn) => Self::on_redis(settings, dsn, names, watch),
        }
    }

    fn in_the_process() -> Self {
        Self {
            limiter: Arc::new(MemoryLimiter::new()),
            codes: Arc::new(MemoryCodes::new()),
            challenges: Arc::new(MemoryChallenges::new()),
            ledger: Arc::new(MemoryLedger::new()),
            redis: None,
        }
    }

    /// While Redis is away, limits go on locally; what proves identity or costs money does not go on.
    fn on_redis(
        settings: &Settings,
        dsn: &Dsn,
        names: Arc<dyn KeyedHash>,
        watch: &Arc<PartWatch>,
    ) -> anyhow::Result<Self> {
        let config = config(settings, dsn).with_context(|| format!("cannot use Redis at {dsn}"))?;
        let redis = RedisState::new(&config, names).with_context(|| format!("cannot use Redis at {dsn}"))?;
        let redis = Arc::new(redis.watched_by(Arc::clone(watch) as _));
        let replicas = NonZeroU32::new(settings.replicas).unwrap_or(NonZeroU32::MIN);
        let (shared, local) = (Arc::clone(&redis) as _, Arc::new(MemoryLimiter::new()));
        let limiter = DegradingLimiter::new(shared, local, replicas, Arc::clone(watch) as _);
        Ok(Self {
            limiter: Arc::new(limiter),
            codes: Arc::clone(&redis) as _,
            challenges: Arc::clone(&redis) as _,
            ledger: Arc::clone(&redis) as _,
            redis: Some(Arc::new(RedisProbe(redis))),
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

struct RedisProbe(Arc<RedisState>);

#[async_trait]
impl Probe for RedisProbe {
    async fn is_up(&self) -> bool {
        self.0.ping().await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_domain::{
        id::UserId,
        port::{Admission, CodeMac, CodePurpose, CodeSlot, Quota, Redemption, StoredChallenge, StoredCode},
        secret::{Digest, Sealed},
    };
    use auth_testkit::{
        builder::noon,
        fake::FakeCipher,
        part::{free_port, redis::RedisServer},
    };
    use chrono::TimeDelta;

    use super::*;
    use crate::settings::Inputs;

    const HOUR: Duration = Duration::from_hours(1);
    const SLOT: CodeSlot = CodeSlot { purpose: CodePurpose::SmsLogin, user: UserId::from_i64(7) };

    fn code() -> StoredCode {
        let expires_at = noon() + TimeDelta::minutes(5);
        StoredCode { mac: CodeMac::from_bytes([7; 32]), tries: 5, expires_at }
    }

    /// The state of one replica.
    fn replica(redis: Option<&str>) -> State {
        let inputs = redis.into_iter().fold(Inputs::only([]), |inputs, url| inputs.with("REDIS_URL", url));
        let settings = Settings::from_inputs(&inputs).unwrap().settings;
        State::open(&settings, Arc::new(FakeCipher::default()), &PartWatch::new().0).unwrap()
    }

    /// Whether the second one knows the codes, challenges and counts of the first.
    async fn are_shared(one: &State, other: &State) -> anyhow::Result<[bool; 3]> {
        one.codes.put(SLOT, &code(), noon()).await?;
        let redemption = other.codes.redeem(SLOT, &code().mac, noon()).await?;
        let token = Digest::of(b"token");
        let challenge = StoredChallenge::new(Sealed::from_bytes(vec![7]), 5, code().expires_at)?;
        one.challenges.open(&token, &challenge, noon()).await?;
        let consumed = other.challenges.consume(&token, noon()).await?;
        one.ledger.add("key", 1, HOUR, noon()).await?;
        let count = other.ledger.add("key", 0, HOUR, noon()).await?;
        Ok([redemption == Redemption::Accepted, consumed, count > 0])
    }

    /// The same, where a machine under load may miss the 50 ms of an operation.
    async fn are_shared_in_the_end(redis: Option<&str>) -> [bool; 3] {
        let (one, other) = (replica(redis), replica(redis));
        for _ in 0..100 {
            if let Ok(shared) = are_shared(&one, &other).await {
                return shared;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("Redis does not answer");
    }

    #[tokio::test]
    async fn replicas_share_state_on_redis_and_nowhere_else() {
        let server = RedisServer::start();
        assert_eq!(are_shared_in_the_end(Some(&server.url())).await, [true; 3]);
        assert_eq!(are_shared_in_the_end(None).await, [false; 3]);
    }

    #[tokio::test]
    async fn without_redis_only_limits_go_on() {
        let state = replica(Some(&format!("redis://127.0.0.1:{}", free_port())));
        assert_eq!(
            state.limiter.admit("key", Quota::per_hour(9), noon()).await.unwrap(),
            Admission::Admitted
        );
        assert!(state.codes.put(SLOT, &code(), noon()).await.is_err());
        assert!(state.codes.redeem(SLOT, &code().mac, noon()).await.is_err());
        assert!(state.challenges.consume(&Digest::of(b"token"), noon()).await.is_err());
        assert!(state.ledger.add("key", 1, HOUR, noon()).await.is_err());
    }
}
