//! Contract of the ledger of text messages.

use std::{sync::Arc, time::Duration};

use auth_domain::port::SmsLedger;
use chrono::{DateTime, TimeDelta, Utc};

/// Runs the contract of ledgers against what `make` gives.
#[macro_export]
macro_rules! ledger_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; ledger;
            adds_and_reads counts_each_key_and_length_alone begins_anew_with_each_window
            counts_late_calls_in_their_own_window loses_no_addition_under_parallel_calls
        }
    };
}

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);

/// 2026-01-01T12:00:00Z: the beginning of an hour.
fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_268_800, 0).unwrap_or_default()
}

async fn add(ledger: &impl SmsLedger, key: &str, by: u32, window: Duration, now: DateTime<Utc>) -> u32 {
    ledger.add(key, by, window, now).await.expect("the ledger works")
}

/// Each addition gives the count after it; adding nothing reads and keeps it.
pub async fn adds_and_reads(ledger: impl SmsLedger) {
    assert_eq!(add(&ledger, "key", 0, DAY, noon()).await, 0);
    assert_eq!(add(&ledger, "key", 1, DAY, noon()).await, 1);
    assert_eq!(add(&ledger, "key", 5, DAY, noon()).await, 6);
    for _ in 0..3 {
        assert_eq!(add(&ledger, "key", 0, DAY, noon()).await, 6);
    }
}

/// One key's count says nothing about another's, nor a day's about an hour's.
pub async fn counts_each_key_and_length_alone(ledger: impl SmsLedger) {
    for key in ["a", "b", "ab", "", "é"] {
        assert_eq!(add(&ledger, key, 1, DAY, noon()).await, 1);
        assert_eq!(add(&ledger, key, 2, HOUR, noon()).await, 2);
    }
}

/// The next window begins at nothing.
pub async fn begins_anew_with_each_window(ledger: impl SmsLedger) {
    let last = noon() + TimeDelta::microseconds(3_599_999_999);
    assert_eq!(add(&ledger, "key", 1, HOUR, noon()).await, 1);
    assert_eq!(add(&ledger, "key", 1, HOUR, last).await, 2);
    let next = noon() + TimeDelta::hours(1);
    assert_eq!(add(&ledger, "key", 0, HOUR, next).await, 0);
    assert_eq!(add(&ledger, "key", 1, HOUR, next).await, 1);
}

/// Calls take their time: one from before the end of a window may come after the first of the next, and
/// neither forgets the other.
pub async fn counts_late_calls_in_their_own_window(ledger: impl SmsLedger) {
    let next = noon() + TimeDelta::hours(1);
    let late = next - TimeDelta::microseconds(1);
    assert_eq!(add(&ledger, "key", 3, HOUR, noon()).await, 3);
    assert_eq!(add(&ledger, "key", 1, HOUR, next).await, 1);
    assert_eq!(add(&ledger, "key", 1, HOUR, late).await, 4);
    assert_eq!(add(&ledger, "key", 1, HOUR, next).await, 2);
}

/// Of parallel additions none is lost, and each sees a count of its own.
pub async fn loses_no_addition_under_parallel_calls(ledger: impl SmsLedger + 'static) {
    let ledger = Arc::new(ledger);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..100 {
                    seen.push(add(&*ledger, "key", 1, DAY, noon()).await);
                    tokio::task::yield_now().await;
                }
                seen
            })
        })
        .collect();
    let mut seen = Vec::new();
    for call in calls {
        seen.extend(call.await.expect("the task ends"));
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=800).collect::<Vec<_>>());
}
