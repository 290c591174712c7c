//! The limiter port on maps in memory.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use auth_domain::port::{Admission, LimiterError, Quota, RateLimiter};
use chrono::{DateTime, Utc};

use crate::shard::{Shard, Window};

/// How many maps share the keys: enough that a sweep of one seldom keeps another call waiting.
const SHARDS: usize = 32;

/// Counts events in fixed windows aligned to the clock.
///
/// Exact: a key always falls into the same shard, and a shard counts under one lock, so parallel
/// calls are never admitted beyond the limit.
///
/// # Memory
/// A window is forgotten only when it has ended a minute before the time of a later call (the
/// minute is for calls that took their time early and arrive late). Sweeps are paid for by the calls
/// that begin a window: a shard is swept when it has doubled since the last sweep. So the limiter
/// keeps at most twice as many windows as were alive at once, and never less than room for a few
/// thousand. How many can be alive is a matter of the caller's keys: bound them by what an attacker
/// has to pay for (an address, an account), never by a text of the request alone.
pub struct MemoryLimiter {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

impl MemoryLimiter {
    /// A limiter that has counted nothing yet.
    pub fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        // The remainder is below `SHARDS`, which fits every integer. The state differs from those of
        // the maps, so keys of one shard still spread within its map.
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        // A shard is whole between any two of its statements, so a panic elsewhere does not spoil it.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryLimiter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryLimiter {
    /// Leaves the keys out: they hold addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLimiter").finish_non_exhaustive()
    }
}

#[async_trait]
impl RateLimiter for MemoryLimiter {
    async fn admit(&self, key: &str, quota: Quota, now: DateTime<Utc>) -> Result<Admission, LimiterError> {
        let now = i128::from(now.timestamp_micros());
        let window = Window::around(now, quota.window);
        // A door that is always closed needs no count.
        if quota.limit > 0 && self.shard(key).count(key, window, quota.limit, now) {
            return Ok(Admission::Admitted);
        }
        let left = u64::try_from(window.end() - now).unwrap_or(u64::MAX);
        Ok(Admission::Refused { retry_after: Duration::from_micros(left) })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn windows(limiter: &MemoryLimiter) -> usize {
        limiter.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[tokio::test]
    async fn keeps_few_windows_of_many() {
        let limiter = MemoryLimiter::new();
        for second in 0..200_000 {
            let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
            limiter.admit(&format!("key-{second}"), Quota::per_minute(1), now).await.unwrap();
        }
        // Some 120 are alive at a time, so every shard stays at its smallest room.
        assert!(windows(&limiter) <= SHARDS * Shard::ROOM, "{}", windows(&limiter));
    }

    /// Whoever has very many names cannot have a count forgotten that stands against him.
    #[tokio::test]
    async fn strangers_in_any_number_leave_a_count_as_it_is() {
        let limiter = MemoryLimiter::new();
        let (now, quota) = (DateTime::UNIX_EPOCH, Quota::per_minute(5));
        for _ in 0..5 {
            limiter.admit("victim", quota, now).await.unwrap();
        }
        let before = resident_mib();
        for stranger in 0..200_000 {
            limiter.admit(&format!("http:POST /api/auth/login:{stranger}"), quota, now).await.unwrap();
        }
        let grown = resident_mib().saturating_sub(before);
        assert!(grown < 64, "{grown} MiB");
        let end_of_window = now + TimeDelta::seconds(59);
        let admission = limiter.admit("victim", quota, end_of_window).await.unwrap();
        assert!(matches!(admission, Admission::Refused { .. }), "{admission:?}");
        assert!(windows(&limiter) > 200_000);
        // Half as many later, no more than those are left.
        for late in 0..100_000 {
            let now = now + TimeDelta::minutes(3);
            limiter.admit(&format!("late-{late}"), quota, now).await.unwrap();
        }
        assert!(windows(&limiter) <= 100_000, "{}", windows(&limiter));
    }

    /// What this process has in memory.
    fn resident_mib() -> u64 {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4 / 1024
    }

    #[tokio::test]
    async fn one_busy_key_keeps_few_windows() {
        let limiter = MemoryLimiter::new();
        for minute in 0..10_000 {
            let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
            let admission = limiter.admit("key", Quota::per_minute(1), now).await.unwrap();
            assert_eq!(admission, Admission::Admitted);
        }
        assert!(windows(&limiter) <= 3, "{}", windows(&limiter));
    }

    #[tokio::test]
    async fn a_late_call_counts_in_its_own_window() {
        let limiter = MemoryLimiter::new();
        let (early, late) =
            (DateTime::UNIX_EPOCH + TimeDelta::seconds(59), DateTime::UNIX_EPOCH + TimeDelta::seconds(61));
        for (now, admitted) in [(early, true), (late, true), (early, false), (late, false)] {
            let admission = limiter.admit("key", Quota::per_minute(1), now).await.unwrap();
            assert_eq!(admission == Admission::Admitted, admitted, "{now}");
        }
    }

    #[tokio::test]
    async fn a_closed_door_keeps_nothing() {
        let limiter = MemoryLimiter::new();
        limiter.admit("key", Quota::per_minute(0), DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(windows(&limiter), 0);
    }

    #[test]
    fn shows_no_keys() {
        assert_eq!(format!("{:?}", MemoryLimiter::new()), "MemoryLimiter { .. }");
    }
}
