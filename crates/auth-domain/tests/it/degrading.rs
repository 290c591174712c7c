//! Limits while the counters of all replicas cannot be reached.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

use auth_domain::{
    guard::{DegradingLimiter, LimiterMode, LimiterWatch},
    port::{Admission, LimiterError, MockRateLimiter, Quota, RateLimiter},
};
use auth_testkit::fake::ExactLimiter;
use chrono::{DateTime, TimeDelta, Utc};

/// Writes the reports down.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<LimiterMode>>>);

impl Reports {
    fn take(&self) -> Vec<LimiterMode> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl LimiterWatch for Reports {
    fn degraded(&self, _: &LimiterError) {
        self.0.lock().unwrap().push(LimiterMode::Degraded);
    }

    fn restored(&self) {
        self.0.lock().unwrap().push(LimiterMode::Shared);
    }
}

fn second(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(number)
}

fn limiter(
    shared: impl RateLimiter + 'static,
    local: impl RateLimiter + 'static,
    replicas: u32,
) -> (DegradingLimiter, Reports) {
    let (reports, replicas) = (Reports::default(), NonZeroU32::new(replicas).unwrap());
    let limiter =
        DegradingLimiter::new(Arc::new(shared), Arc::new(local), replicas, Arc::new(reports.clone()));
    (limiter, reports)
}

fn failure() -> LimiterError {
    LimiterError { source: "gone".into() }
}

#[tokio::test]
async fn asks_the_shared_limiter_alone_while_it_answers() {
    let mut shared = MockRateLimiter::new();
    shared
        .expect_admit()
        .withf(|key, quota, now| key == "key" && *quota == Quota::per_minute(9) && *now == second(7))
        .times(2)
        .returning(|_, _, _| Ok(Admission::Admitted));
    let (limiter, reports) = limiter(shared, MockRateLimiter::new(), 3);
    for _ in 0..2 {
        let admission = limiter.admit("key", Quota::per_minute(9), second(7)).await.unwrap();
        assert_eq!(admission, Admission::Admitted);
    }
    assert_eq!((limiter.mode(), reports.take()), (LimiterMode::Shared, vec![]));
}

#[tokio::test]
async fn asks_the_local_one_with_this_replicas_part_when_that_fails() {
    for (limit, replicas, part) in [(9, 3, 3), (10, 3, 3), (2, 3, 1), (1, 1, 1), (5, 1, 5), (0, 3, 0)] {
        let mut shared = MockRateLimiter::new();
        shared.expect_admit().returning(|_, _, _| Err(failure()));
        let mut local = MockRateLimiter::new();
        local
            .expect_admit()
            .withf(move |key, quota, now| {
                key == "key" && *quota == Quota::per_hour(part) && *now == second(7)
            })
            .once()
            .returning(|_, quota, _| Ok(Admission::Refused { retry_after: quota.window }));
        let (limiter, _) = limiter(shared, local, replicas);
        let admission = limiter.admit("key", Quota::per_hour(limit), second(7)).await.unwrap();
        assert_eq!(admission, Admission::Refused { retry_after: Quota::per_hour(1).window });
    }
}

#[tokio::test]
async fn fails_when_both_fail() {
    let (shared, local) = (ExactLimiter::default(), ExactLimiter::default());
    shared.set_broken(true);
    local.set_broken(true);
    let (limiter, _) = limiter(shared, local, 1);
    assert!(limiter.admit("key", Quota::per_minute(1), second(0)).await.is_err());
}

#[tokio::test]
async fn reports_each_change_once() {
    let shared = ExactLimiter::default();
    let (limiter, reports) = limiter(shared.clone(), ExactLimiter::default(), 1);
    let admit = async |now| limiter.admit("key", Quota::per_minute(1000), now).await.unwrap();
    shared.set_broken(true);
    for now in 0..3 {
        admit(second(now)).await;
    }
    assert_eq!((limiter.mode(), reports.take()), (LimiterMode::Degraded, vec![LimiterMode::Degraded]));
    shared.set_broken(false);
    for now in 3..12 {
        admit(second(now)).await;
    }
    assert_eq!((limiter.mode(), reports.take()), (LimiterMode::Shared, vec![LimiterMode::Shared]));
}

#[tokio::test]
async fn is_not_restored_while_some_calls_still_fail() {
    let shared = ExactLimiter::default();
    let (limiter, reports) = limiter(shared.clone(), ExactLimiter::default(), 1);
    for now in 0..60 {
        shared.set_broken(now % 4 == 0);
        limiter.admit("key", Quota::per_minute(1000), second(now)).await.unwrap();
    }
    assert_eq!(reports.take(), [LimiterMode::Degraded]);
}

#[tokio::test]
async fn is_restored_although_the_clock_was_set_back() {
    let shared = ExactLimiter::default();
    let (limiter, reports) = limiter(shared.clone(), ExactLimiter::default(), 1);
    shared.set_broken(true);
    limiter.admit("key", Quota::per_minute(9), second(3600)).await.unwrap();
    shared.set_broken(false);
    limiter.admit("key", Quota::per_minute(9), second(0)).await.unwrap();
    assert_eq!(reports.take(), [LimiterMode::Degraded, LimiterMode::Shared]);
}

#[tokio::test]
async fn a_busy_failing_moment_is_one_report() {
    let shared = ExactLimiter::default();
    shared.set_broken(true);
    let (limiter, reports) = limiter(shared, ExactLimiter::default(), 2);
    let limiter = Arc::new(limiter);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move { limiter.admit("key", Quota::per_minute(20), second(0)).await.unwrap() })
        })
        .collect();
    let mut admitted = 0;
    for call in calls {
        admitted += u32::from(call.await.unwrap() == Admission::Admitted);
    }
    assert_eq!((admitted, reports.take()), (10, vec![LimiterMode::Degraded]));
}
