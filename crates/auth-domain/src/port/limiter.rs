//! Limits: how often something may happen.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// At most so often in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How often.
    pub limit: u32,
    /// In how long: a window of this length, aligned to the clock.
    pub window: Duration,
}

impl Quota {
    /// `limit` per minute.
    pub const fn per_minute(limit: u32) -> Self {
        Self { limit, window: Duration::from_mins(1) }
    }

    /// `limit` per hour.
    pub const fn per_hour(limit: u32) -> Self {
        Self { limit, window: Duration::from_hours(1) }
    }
}

/// Whether it may happen once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may, and was counted.
    Admitted,
    /// It may not; nothing was counted.
    Refused {
        /// When the window ends.
        retry_after: Duration,
    },
}

/// Counts events by key.
///
/// An implementor must count atomically: of any number of parallel calls at most
/// [`limit`](Quota::limit) are admitted in one window. It must bound its memory without forgetting a
/// key whose window still runs. Nothing that must survive a restart lives here.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts one event of `key`, if the quota allows.
    ///
    /// # Errors
    /// [`LimiterError`] when the counters cannot be reached.
    async fn admit(&self, key: &str, quota: Quota, now: DateTime<Utc>) -> Result<Admission, LimiterError>;
}

/// The counters cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("the rate limiter cannot be reached")]
pub struct LimiterError {
    /// What the adapter met.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
