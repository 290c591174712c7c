//! Contract of the limiter ports.

use std::{sync::Arc, time::Duration};

use auth_domain::port::{Admission, Quota, RateLimiter};
use chrono::{DateTime, TimeDelta, Utc};

/// Runs the contract of rate limiters against what `make` gives.
#[macro_export]
macro_rules! limiter_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; limiter;
            admits_up_to_the_limit says_when_the_window_ends begins_anew_with_each_window
            counts_each_key_alone counts_each_length_of_window_alone
            admits_no_more_under_parallel_calls keeps_running_windows_among_many_keys
            refuses_everything_with_a_limit_of_zero bears_odd_times_and_windows
        }
    };
}

/// 2026-01-01T12:00:00Z: the beginning of a minute and of an hour.
fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_268_800, 0).unwrap_or_default()
}

async fn admits(limiter: &impl RateLimiter, key: &str, quota: Quota, now: DateTime<Utc>) -> bool {
    limiter.admit(key, quota, now).await.expect("the limiter works") == Admission::Admitted
}

/// As many as the limit says are admitted, the next is not.
pub async fn admits_up_to_the_limit(limiter: impl RateLimiter) {
    for _ in 0..5 {
        assert!(admits(&limiter, "key", Quota::per_minute(5), noon()).await);
    }
    for _ in 0..5 {
        assert!(!admits(&limiter, "key", Quota::per_minute(5), noon()).await);
    }
}

/// A refusal tells the time to the end of the window, which is aligned to the clock.
pub async fn says_when_the_window_ends(limiter: impl RateLimiter) {
    let now = noon() + TimeDelta::milliseconds(12_500);
    assert!(admits(&limiter, "key", Quota::per_minute(1), now).await);
    let refused = limiter.admit("key", Quota::per_minute(1), now).await.expect("the limiter works");
    assert_eq!(refused, Admission::Refused { retry_after: Duration::from_millis(47_500) });
    let last = noon() + TimeDelta::microseconds(59_999_999);
    let refused = limiter.admit("key", Quota::per_minute(1), last).await.expect("the limiter works");
    assert_eq!(refused, Admission::Refused { retry_after: Duration::from_micros(1) });
}

/// The next window admits again, and only as many.
pub async fn begins_anew_with_each_window(limiter: impl RateLimiter) {
    let last = noon() + TimeDelta::microseconds(59_999_999);
    assert!(admits(&limiter, "key", Quota::per_minute(1), last).await);
    assert!(!admits(&limiter, "key", Quota::per_minute(1), last).await);
    let next = noon() + TimeDelta::seconds(60);
    assert!(admits(&limiter, "key", Quota::per_minute(1), next).await);
    assert!(!admits(&limiter, "key", Quota::per_minute(1), next).await);
}

/// One key's count says nothing about another's.
pub async fn counts_each_key_alone(limiter: impl RateLimiter) {
    for key in ["a", "b", "ab", "", "é"] {
        assert!(admits(&limiter, key, Quota::per_hour(1), noon()).await);
        assert!(!admits(&limiter, key, Quota::per_hour(1), noon()).await);
    }
}

/// A minute's count says nothing about an hour's.
pub async fn counts_each_length_of_window_alone(limiter: impl RateLimiter) {
    assert!(admits(&limiter, "key", Quota::per_minute(1), noon()).await);
    assert!(admits(&limiter, "key", Quota::per_hour(1), noon()).await);
    assert!(!admits(&limiter, "key", Quota::per_minute(1), noon()).await);
    assert!(!admits(&limiter, "key", Quota::per_hour(1), noon()).await);
}

/// Of many parallel calls exactly the limit is admitted.
pub async fn admits_no_more_under_parallel_calls(limiter: impl RateLimiter + 'static) {
    let limiter = Arc::new(limiter);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                let mut admitted = 0;
                for _ in 0..200 {
                    admitted += u32::from(admits(&*limiter, "key", Quota::per_minute(700), noon()).await);
                    tokio::task::yield_now().await;
                }
                admitted
            })
        })
        .collect();
    let mut admitted = 0;
    for call in calls {
        admitted += call.await.expect("the task ends");
    }
    assert_eq!(admitted, 700);
}

/// However many other keys come, a window that runs is not forgotten.
pub async fn keeps_running_windows_among_many_keys(limiter: impl RateLimiter) {
    assert!(admits(&limiter, "kept", Quota::per_hour(1), noon()).await);
    for number in 0..20_000 {
        let now = noon() + TimeDelta::milliseconds(number * 100);
        assert!(admits(&limiter, &format!("other-{number}"), Quota::per_minute(1), now).await);
    }
    assert!(!admits(&limiter, "kept", Quota::per_hour(1), noon() + TimeDelta::minutes(59)).await);
}

/// A limit of zero closes a door.
pub async fn refuses_everything_with_a_limit_of_zero(limiter: impl RateLimiter) {
    assert!(!admits(&limiter, "key", Quota::per_minute(0), noon()).await);
}

/// Times before 1970 and windows of no or endless length neither panic nor admit too much.
pub async fn bears_odd_times_and_windows(limiter: impl RateLimiter) {
    for window in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        for now in [DateTime::UNIX_EPOCH - TimeDelta::days(1), noon()] {
            let quota = Quota { limit: 1, window };
            let key = format!("{window:?} {now}");
            assert!(admits(&limiter, &key, quota, now).await);
            assert!(!admits(&limiter, &key, quota, now).await);
        }
    }
}
