//! Windows of time, as the limiter and the ledger count in them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::state::{RedisState, micros, ttl_millis};

/// A fixed window aligned to the clock, in microseconds.
pub(crate) struct Window {
    length: i128,
    /// Which of the windows of this length since 1970.
    number: i128,
    /// From now to its end.
    left: i128,
}

impl Window {
    /// The window of this length that `now` lies in; a length of less than a microsecond is one.
    pub(crate) fn around(now: DateTime<Utc>, length: Duration) -> Self {
        // The longest duration is 2^64 seconds, far below 2^127 microseconds.
        let length = i128::try_from(length.as_micros().max(1)).unwrap_or(i128::MAX);
        let now = i128::from(micros(now));
        Self { length, number: now.div_euclid(length), left: length - now.rem_euclid(length) }
    }

    /// How long until it ends.
    pub(crate) fn left(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.left).unwrap_or(u64::MAX))
    }

    /// How many milliseconds a key in it stays.
    pub(crate) fn ttl_millis(&self) -> i64 {
        ttl_millis(self.left)
    }
}

impl RedisState {
    /// The name of a count. Each window has a key of its own: a call that took its time in the old
    /// window and comes late counts there.
    pub(crate) fn name_in_window(&self, kind: &str, key: &str, window: &Window) -> String {
        self.name(kind, &[key.as_bytes(), &window.length.to_be_bytes(), &window.number.to_be_bytes()])
    }
}
