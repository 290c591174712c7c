//! The limiter port.

use std::time::Duration;

use async_trait::async_trait;
use auth_domain::port::{Admission, LimiterError, Quota, RateLimiter};
use chrono::{DateTime, Utc};

use crate::{
    script::Arg,
    state::{RedisState, micros, ttl_millis},
};

/// A fixed window aligned to the clock, in microseconds.
struct Window {
    length: i128,
    /// Which of the windows of this length since 1970.
    number: i128,
    /// From now to its end.
    left: i128,
}

impl Window {
    /// The window of this length that `now` lies in; a length of less than a microsecond is one.
    fn around(now: i64, length: Duration) -> Self {
        // The longest duration is 2^64 seconds, far below 2^127 microseconds.
        let length = i128::try_from(length.as_micros().max(1)).unwrap_or(i128::MAX);
        let now = i128::from(now);
        Self { length, number: now.div_euclid(length), left: length - now.rem_euclid(length) }
    }
}

#[async_trait]
impl RateLimiter for RedisState {
    async fn admit(&self, key: &str, quota: Quota, now: DateTime<Utc>) -> Result<Admission, LimiterError> {
        let window = Window::around(micros(now), quota.window);
        // A door that is always closed needs no count.
        if quota.limit > 0 {
            // Each window has a key of its own: a call that took its time in the old window and comes
            // late counts there.
            let parts = [key.as_bytes(), &window.length.to_be_bytes(), &window.number.to_be_bytes()];
            let args = [Arg::Number(quota.limit.into()), Arg::Number(ttl_millis(window.left))];
            let admitted: i64 = self
                .run(&self.scripts.admit, &self.name("limit", &parts), &args)
                .await
                .map_err(|failure| LimiterError { source: failure.into() })?;
            if admitted == 1 {
                return Ok(Admission::Admitted);
            }
        }
        let left = u64::try_from(window.left).unwrap_or(u64::MAX);
        Ok(Admission::Refused { retry_after: Duration::from_micros(left) })
    }
}
