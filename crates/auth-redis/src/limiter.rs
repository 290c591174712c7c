//! The limiter port.

use async_trait::async_trait;
use auth_domain::port::{Admission, LimiterError, Quota, RateLimiter};
use chrono::{DateTime, Utc};

use crate::{script::Arg, state::RedisState, window::Window};

#[async_trait]
impl RateLimiter for RedisState {
    async fn admit(&self, key: &str, quota: Quota, now: DateTime<Utc>) -> Result<Admission, LimiterError> {
        let window = Window::around(now, quota.window);
        // A door that is always closed needs no count.
        if quota.limit > 0 {
            let args = [Arg::Number(quota.limit.into()), Arg::Number(window.ttl_millis())];
            let admitted: i64 = self
                .run(&self.scripts.admit, &self.name_in_window("limit", key, &window), &args)
                .await
                .map_err(|failure| LimiterError { source: failure.into() })?;
            if admitted == 1 {
                return Ok(Admission::Admitted);
            }
        }
        Ok(Admission::Refused { retry_after: window.left() })
    }
}
