//! Limiters: one that never refuses, one that counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use auth_domain::port::{Admission, LimiterError, Quota, RateLimiter};
use chrono::{DateTime, Utc};

use super::lock;

/// Admits everything: for tests that are about something else.
#[derive(Clone, Copy, Debug, Default)]
pub struct GenerousLimiter;

#[async_trait]
impl RateLimiter for GenerousLimiter {
    async fn admit(&self, _: &str, _: Quota, _: DateTime<Utc>) -> Result<Admission, LimiterError> {
        Ok(Admission::Admitted)
    }
}

/// The key, the length in microseconds and the number of a window.
type Window = (String, u128, i128);

/// Counts in fixed windows, exactly, and forgets nothing. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct ExactLimiter {
    counts: Arc<Mutex<HashMap<Window, u32>>>,
    broken: Arc<Mutex<bool>>,
}

impl ExactLimiter {
    /// Makes every later call fail, or work again.
    pub fn set_broken(&self, broken: bool) {
        *lock(&self.broken) = broken;
    }

    /// How many events of a key and window were admitted, over all windows.
    pub fn admitted(&self, key: &str) -> u32 {
        lock(&self.counts).iter().filter(|((counted, ..), _)| counted == key).map(|(_, count)| count).sum()
    }
}

#[async_trait]
impl RateLimiter for ExactLimiter {
    async fn admit(&self, key: &str, quota: Quota, now: DateTime<Utc>) -> Result<Admission, LimiterError> {
        if *lock(&self.broken) {
            return Err(LimiterError { source: "broken by the test".into() });
        }
        let window = quota.window.as_micros().max(1);
        // A window is at most 2^64 seconds, which is far below 2^127 microseconds.
        let length = i128::try_from(window).unwrap_or(i128::MAX);
        let now = i128::from(now.timestamp_micros());
        let number = now.div_euclid(length);
        let mut counts = lock(&self.counts);
        let count = counts.entry((key.to_owned(), window, number)).or_insert(0);
        if *count < quota.limit {
            *count += 1;
            return Ok(Admission::Admitted);
        }
        let left = u64::try_from(length - now.rem_euclid(length)).unwrap_or(u64::MAX);
        Ok(Admission::Refused { retry_after: Duration::from_micros(left) })
    }
}
