//! Limits that go on, stricter, while the counters of all replicas cannot be reached.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::port::{Admission, LimiterError, Quota, RateLimiter};

/// How long the shared limiter must have answered before it counts as restored. Where only some calls
/// fail, as with one node of a cluster gone, this keeps the report from changing with every call.
const CALM: TimeDelta = TimeDelta::seconds(5);

/// Which limiter decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimiterMode {
    /// The one all replicas share.
    Shared,
    /// The replica's own, with its part of each limit, for calls the shared one fails.
    Degraded,
}

/// Is told when a [`DegradingLimiter`] changes its mode, to log and count it.
///
/// It is called with a lock held and must neither wait nor call the limiter.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait LimiterWatch: Send + Sync {
    /// Limits are local and stricter from now on, because of `cause`.
    fn degraded(&self, cause: &LimiterError);

    /// Limits are shared again.
    fn restored(&self);
}

/// Asks the shared limiter, and the local one with a part of the limit when that fails.
///
/// Each call the shared limiter fails is decided by the local one: `limit ÷ replicas`, at least 1, so
/// that all replicas together admit about as much as before. What was counted before the failure is
/// not known locally; a window in which the mode changes may admit up to twice its limit.
pub struct DegradingLimiter {
    shared: Arc<dyn RateLimiter>,
    local: Arc<dyn RateLimiter>,
    replicas: NonZeroU32,
    watch: Arc<dyn LimiterWatch>,
    /// Whether `last_failure` is set; read without the lock by every call that succeeds.
    degraded: AtomicBool,
    last_failure: Mutex<Option<DateTime<Utc>>>,
}

impl DegradingLimiter {
    /// A limiter over `shared` for one of so many replicas, in the mode [`Shared`](LimiterMode::Shared).
    pub fn new(
        shared: Arc<dyn RateLimiter>,
        local: Arc<dyn RateLimiter>,
        replicas: NonZeroU32,
        watch: Arc<dyn LimiterWatch>,
    ) -> Self {
        Self {
            shared,
            local,
            replicas,
            watch,
            degraded: AtomicBool::new(false),
            last_failure: Mutex::new(None),
        }
    }

    /// The mode as it was last reported.
    pub fn mode(&self) -> LimiterMode {
        if self.degraded.load(Ordering::Acquire) { LimiterMode::Degraded } else { LimiterMode::Shared }
    }

    /// This replica's part of a quota. A door that is closed stays closed.
    fn part_of(&self, quota: Quota) -> Quota {
        let limit = quota.limit.min(1).max(quota.limit / self.replicas);
        Quota { limit, ..quota }
    }

    fn succeeded(&self, now: DateTime<Utc>) {
        if self.mode() == LimiterMode::Shared {
            return;
        }
        let mut last_failure = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not keep the report waiting for it to come round again.
        if last_failure.is_some_and(|at| (now - at).abs() >= CALM) {
            *last_failure = None;
            self.degraded.store(false, Ordering::Release);
            self.watch.restored();
        }
    }

    fn failed(&self, error: &LimiterError, now: DateTime<Utc>) {
        let mut last_failure = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        if last_failure.replace(now).is_none() {
            self.degraded.store(true, Ordering::Release);
            self.watch.degraded(error);
        }
    }
}

impl fmt::Debug for DegradingLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DegradingLimiter")
            .field("mode", &self.mode())
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl RateLimiter for DegradingLimiter {
    async fn admit(&self, key: &str, quota: Quota, now: DateTime<Utc>) -> Result<Admission, LimiterError> {
        match self.shared.admit(key, quota, now).await {
            Ok(admission) => {
                self.succeeded(now);
                Ok(admission)
            }
            Err(error) => {
                self.failed(&error, now);
                self.local.admit(key, self.part_of(quota), now).await
            }
        }
    }
}
