//! A clock that moves when a test says so.

use std::sync::{Arc, Mutex};

use auth_domain::port::Clock;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::lock;

/// A clock under the test's control. Clones share the time.
#[derive(Clone, Debug)]
pub struct FakeClock {
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl FakeClock {
    /// A clock that shows `now`, cut to microseconds as every clock does.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { now: Arc::new(Mutex::new(now.trunc_subsecs(6))) }
    }

    /// Moves the time forward.
    ///
    /// # Panics
    /// When `by` is negative: time does not go back, and a test that needs it to has a bug.
    pub fn advance(&self, by: TimeDelta) {
        assert!(by >= TimeDelta::zero(), "a clock does not go back (asked for {by})");
        *lock(&self.now) += by;
    }
}

impl Default for FakeClock {
    /// A clock that shows 2026-01-01T12:00:00Z.
    fn default() -> Self {
        // 2026-01-01T12:00:00Z lies well within the range of the type.
        Self::at(DateTime::from_timestamp(1_767_268_800, 0).unwrap_or_default())
    }
}

impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        *lock(&self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_time() {
        let clock = FakeClock::default();
        assert_eq!(clock.now().to_rfc3339(), "2026-01-01T12:00:00+00:00");
        let other = clock.clone();
        other.advance(TimeDelta::seconds(3));
        assert_eq!(clock.now().to_rfc3339(), "2026-01-01T12:00:03+00:00");
    }

    #[test]
    #[should_panic(expected = "a clock does not go back")]
    fn refuses_to_go_back() {
        FakeClock::default().advance(TimeDelta::microseconds(-1));
    }
}
