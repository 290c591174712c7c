//! Each defence against SMS pumping, with its counts.

use std::{net::IpAddr, sync::Arc};

use auth_domain::{
    guard::pumping::{ConversionPolicy, Recipient, RefusedNumber, SmsGuard, SmsPolicy, SmsRefused, Velocity},
    id::UserId,
    port::{LedgerError, MockSmsLedger},
    user::PhoneNumber,
};
use auth_memory::{MemoryLedger, MemoryLimiter};
use auth_testkit::fake::ExactLimiter;
use chrono::{DateTime, TimeDelta, Utc};

/// The beginning of a day.
fn morning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("a time")
}

/// Limits so wide that only what a test narrows can refuse.
fn wide() -> SmsPolicy {
    SmsPolicy {
        per_hour: 1_000,
        per_day_each: 1_000,
        per_prefix_and_hour: 1_000,
        per_network_and_hour: 1_000,
        pairs: 1_000,
        conversion: ConversionPolicy { batch: 0, percent: 0 },
        per_day: 1_000,
        ..SmsPolicy::default()
    }
}

fn guard(policy: SmsPolicy) -> SmsGuard {
    SmsGuard::new(policy, Arc::new(MemoryLimiter::new()), Arc::new(MemoryLedger::new()))
}

/// Number `last` of one range.
fn number(last: u32) -> PhoneNumber {
    PhoneNumber::parse(&format!("+1212555{last:04}")).expect("a number")
}

async fn admit(guard: &SmsGuard, user: i64, to: &PhoneNumber, now: DateTime<Utc>) -> Result<(), SmsRefused> {
    let from = Some([203, 0, 113, 7].into());
    guard.admit(UserId::from_i64(user), to, Recipient::Anybody, from, now).await
}

/// What was asked for too often, if that was it.
fn velocity(result: Result<(), SmsRefused>) -> Option<Velocity> {
    match result {
        Ok(()) => None,
        Err(SmsRefused::TooOften { what, .. }) => Some(what),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn numbers_of_other_countries_and_kinds_get_nothing() {
    let guard = guard(wide());
    let abroad = PhoneNumber::parse("+447400123456").unwrap();
    let premium = PhoneNumber::parse("+19002345678").unwrap();
    for to in [abroad, premium] {
        assert!(matches!(admit(&guard, 1, &to, morning()).await, Err(SmsRefused::Number(_))), "{to}");
        let setup = guard.admit_number(UserId::from_i64(1), &to, morning()).await;
        assert!(matches!(setup, Err(SmsRefused::Number(_))), "{to}");
    }
    let nowhere = self::guard(SmsPolicy { countries: Vec::new(), ..wide() });
    let refused = admit(&nowhere, 1, &number(1), morning()).await;
    assert!(matches!(refused, Err(SmsRefused::Number(RefusedNumber::Country))), "{refused:?}");
}

#[tokio::test]
async fn a_user_gets_ten_in_an_hour_and_thirty_in_a_day() {
    let defaults = SmsPolicy::default();
    let policy = SmsPolicy { per_hour: defaults.per_hour, per_day_each: defaults.per_day_each, ..wide() };
    let guard = guard(policy);
    let mut sent = 0;
    for hour in 0..24 {
        for attempt in 0..12 {
            let now = morning() + TimeDelta::hours(hour) + TimeDelta::minutes(attempt);
            // Another number each time: only the user is the same.
            let to = number(u32::try_from(hour * 12 + attempt).unwrap());
            match velocity(admit(&guard, 7, &to, now).await) {
                None => sent += 1,
                Some(what) => assert_eq!(what, Velocity::User),
            }
        }
        assert_eq!(sent, (10 * (hour + 1)).min(30), "after hour {hour}");
    }
}

#[tokio::test]
async fn a_number_gets_no_more_however_many_users_ask() {
    let guard = guard(SmsPolicy { per_hour: 10, ..wide() });
    for user in 0..10 {
        admit(&guard, user, &number(1), morning()).await.unwrap();
    }
    assert_eq!(velocity(admit(&guard, 10, &number(1), morning()).await), Some(Velocity::Number));
    admit(&guard, 10, &number(2), morning()).await.unwrap();
}

#[tokio::test]
async fn a_range_of_numbers_gets_no_more_however_many_there_are() {
    let guard = guard(SmsPolicy { per_prefix_and_hour: 20, ..wide() });
    for last in 0..20 {
        admit(&guard, i64::from(last), &number(last), morning()).await.unwrap();
    }
    assert_eq!(velocity(admit(&guard, 20, &number(20), morning()).await), Some(Velocity::Prefix));
    let elsewhere = PhoneNumber::parse("+13105550123").unwrap();
    admit(&guard, 20, &elsewhere, morning()).await.unwrap();
    admit(&guard, 20, &number(20), morning() + TimeDelta::hours(1)).await.unwrap();
}

#[tokio::test]
async fn a_network_gets_no_more_however_many_users_it_has() {
    let guard = guard(SmsPolicy { per_network_and_hour: 5, ..wide() });
    let from = |text: &str| Some(text.parse().unwrap());
    for user in 0..5 {
        let ip = from(&format!("2001:db8:1:2::{user}"));
        guard.admit(UserId::from_i64(user), &number(1), Recipient::Anybody, ip, morning()).await.unwrap();
    }
    let same = guard
        .admit(UserId::from_i64(5), &number(1), Recipient::Anybody, from("2001:db8:1:2::ffff"), morning())
        .await;
    assert_eq!(velocity(same), Some(Velocity::Network));
    guard
        .admit(UserId::from_i64(5), &number(1), Recipient::Anybody, from("2001:db8:1:3::1"), morning())
        .await
        .unwrap();
    guard.admit(UserId::from_i64(5), &number(1), Recipient::Anybody, None, morning()).await.unwrap();
}

#[tokio::test]
async fn the_daily_cap_stops_everybody_until_the_next_day() {
    let guard = guard(SmsPolicy { per_day: 3, ..wide() });
    for user in 0..3 {
        admit(&guard, user, &number(1), morning()).await.unwrap();
    }
    let refused = admit(&guard, 9, &number(9), morning() + TimeDelta::hours(23)).await;
    assert_eq!(velocity(refused), Some(Velocity::Everybody));
    admit(&guard, 9, &number(9), morning() + TimeDelta::days(1)).await.unwrap();
}

#[tokio::test]
async fn zero_a_day_is_the_kill_switch() {
    let guard = guard(SmsPolicy { per_day: 0, ..wide() });
    assert!(matches!(admit(&guard, 1, &number(1), morning()).await, Err(SmsRefused::Off)));
}

#[tokio::test]
async fn whoever_runs_into_a_limit_of_his_own_uses_up_nobody_elses() {
    let guard = guard(SmsPolicy { per_hour: 1, per_prefix_and_hour: 2, per_day: 2, ..wide() });
    admit(&guard, 1, &number(1), morning()).await.unwrap();
    for _ in 0..50 {
        assert_eq!(velocity(admit(&guard, 1, &number(1), morning()).await), Some(Velocity::User));
    }
    admit(&guard, 2, &number(2), morning()).await.unwrap();
}

#[tokio::test]
async fn a_user_has_three_numbers_and_a_number_three_owners() {
    let guard = guard(SmsPolicy { pairs: 3, ..wide() });
    let ask = async |user, last| guard.admit_number(UserId::from_i64(user), &number(last), morning()).await;
    let own = async |user, last| guard.admit_owner(UserId::from_i64(user), &number(last), morning()).await;
    for last in 1..=3 {
        ask(1, last).await.unwrap();
    }
    for _ in 0..2 {
        // The second time, too: a refusal leaves nothing that would let it pass.
        assert!(matches!(ask(1, 4).await, Err(SmsRefused::TooManyPairs)));
    }
    // What was admitted once stays so.
    ask(1, 2).await.unwrap();
    for user in 2..=9 {
        ask(user, 1).await.unwrap();
    }
    // Those who merely asked use up nothing of its owners.
    for user in 7..=9 {
        own(user, 1).await.unwrap();
    }
    assert!(matches!(own(4, 1).await, Err(SmsRefused::TooManyPairs)));
    own(7, 1).await.unwrap();
}

#[tokio::test]
async fn what_strangers_have_sent_keeps_no_owner_out() {
    let conversion = ConversionPolicy { batch: 5, percent: 20 };
    let policy = SmsPolicy { per_hour: 4, per_prefix_and_hour: 6, per_day: 10, conversion, ..wide() };
    let guard = guard(policy);
    let sign_in = async |from| {
        let from: Option<IpAddr> = Some(from);
        guard.admit(UserId::from_i64(1), &number(1), Recipient::Owner, from, morning()).await
    };
    let mut refused = 0;
    for user in 2..40 {
        refused += u32::from(admit(&guard, user, &number(1), morning()).await.is_err());
        refused +=
            u32::from(admit(&guard, user, &number(u32::try_from(user).unwrap()), morning()).await.is_err());
    }
    assert!(refused > 0, "the number, its range and the day of strangers are used up");
    // The same network as theirs: even that is counted apart.
    sign_in([203, 0, 113, 7].into()).await.unwrap();
    sign_in([203, 0, 113, 7].into()).await.unwrap();
}

#[tokio::test]
async fn a_range_whose_codes_do_not_come_back_is_blocked() {
    let guard = guard(SmsPolicy { conversion: ConversionPolicy::default(), ..wide() });
    for last in 0..50 {
        admit(&guard, i64::from(last), &number(last), morning()).await.unwrap();
    }
    for _ in 0..3 {
        let refused = admit(&guard, 99, &number(99), morning() + TimeDelta::hours(20)).await;
        assert!(matches!(refused, Err(SmsRefused::Conversion)), "{refused:?}");
    }
    let elsewhere = PhoneNumber::parse("+13105550123").unwrap();
    admit(&guard, 99, &elsewhere, morning()).await.unwrap();
    admit(&guard, 99, &number(99), morning() + TimeDelta::days(1)).await.unwrap();
}

#[tokio::test]
async fn late_verifications_lift_the_block() {
    let guard = guard(SmsPolicy { conversion: ConversionPolicy::default(), ..wide() });
    for last in 0..50 {
        admit(&guard, i64::from(last), &number(last), morning()).await.unwrap();
    }
    for last in 0..10 {
        assert!(matches!(admit(&guard, 99, &number(99), morning()).await, Err(SmsRefused::Conversion)));
        guard.verified(&number(last), morning()).await.unwrap();
    }
    admit(&guard, 99, &number(99), morning()).await.unwrap();
}

#[tokio::test]
async fn a_good_past_does_not_pay_for_a_bad_present() {
    let guard = guard(SmsPolicy { conversion: ConversionPolicy::default(), ..wide() });
    for last in 0..50 {
        admit(&guard, i64::from(last), &number(last), morning()).await.unwrap();
        guard.verified(&number(last), morning()).await.unwrap();
    }
    for last in 50..100 {
        admit(&guard, i64::from(last), &number(last), morning()).await.unwrap();
    }
    assert!(matches!(admit(&guard, 1, &number(100), morning()).await, Err(SmsRefused::Conversion)));
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_can_be_counted() {
    let limiter = ExactLimiter::default();
    let broken = SmsGuard::new(wide(), Arc::new(limiter.clone()), Arc::new(MemoryLedger::new()));
    limiter.set_broken(true);
    assert!(matches!(admit(&broken, 1, &number(1), morning()).await, Err(SmsRefused::Limiter(_))));
    let mut ledger = MockSmsLedger::new();
    ledger.expect_add().returning(|_, _, _, _| Err(LedgerError { source: "gone".into() }));
    let broken = SmsGuard::new(wide(), Arc::new(MemoryLimiter::new()), Arc::new(ledger));
    assert!(matches!(admit(&broken, 1, &number(1), morning()).await, Err(SmsRefused::Ledger(_))));
}
