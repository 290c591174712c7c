//! The lane of a known device: random sequences, and the corners.

use auth_domain::{
    guard::known_device::{DeviceToken, KnownDevice, KnownDevicePolicy, Spent},
    id::UserId,
};
use auth_testkit::{builder, fake::SeededEntropy};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

fn at(seconds: i64) -> DateTime<Utc> {
    builder::noon() + TimeDelta::seconds(seconds)
}

fn device() -> KnownDevice {
    builder::known_device(1, UserId::from_i64(7), at(0))
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wrong,
    Right,
    Wait(i64),
}

/// What the rule must do, written down a second time over the times of all failures.
fn is_spent(failures: &[i64]) -> bool {
    let run = 1 + failures.windows(2).rev().take_while(|pair| pair[1] - pair[0] < 600).count();
    !failures.is_empty() && (run >= 10 || failures.len() >= 100)
}

fn run(steps: &[Step]) {
    let policy = KnownDevicePolicy::default();
    let (mut now, mut device, mut failures) = (0, device(), Vec::new());
    for step in steps {
        if let Step::Wait(seconds) = step {
            now += seconds;
            continue;
        }
        let counted = device.reserve_attempt(at(now), &policy);
        assert_eq!(counted.is_err(), is_spent(&failures), "at {now} in {steps:?}");
        let Ok(counted) = counted else { return };
        if matches!(step, Step::Wrong) {
            device = counted;
            failures.push(now);
        } else {
            device = counted.succeeded();
            failures.clear();
        }
    }
}

proptest! {
    #[test]
    fn sequences_agree_with_the_rule(
        steps in prop::collection::vec(
            prop_oneof![
                12 => Just(Step::Wrong),
                1 => Just(Step::Right),
                4 => (1i64..300).prop_map(Step::Wait),
                4 => (500i64..700).prop_map(Step::Wait),
            ],
            0..300,
        )
    ) {
        run(&steps);
    }
}

#[test]
fn ten_failures_at_once_are_the_last() {
    let policy = KnownDevicePolicy::default();
    let mut device = device();
    for number in 1..=10 {
        assert!(!device.is_spent(&policy));
        device = device.reserve_attempt(at(number), &policy).expect("the tenth is looked at");
    }
    assert!(device.is_spent(&policy));
    // It does not become known again by waiting: whoever meets it has it forgotten.
    assert_eq!(device.reserve_attempt(at(100_000), &policy), Err(Spent));
    assert!(device.succeeded().reserve_attempt(at(11), &policy).is_ok());
}

#[test]
fn an_attempt_nobody_looked_at_is_given_back() {
    let policy = KnownDevicePolicy::default();
    let mut device = device();
    for _ in 0..20 {
        let counted = device.reserve_attempt(at(0), &policy).expect("none of them counts");
        device = counted.refund_attempt();
    }
    assert_eq!((device.failures, device.recent_failures), (0, 0));
}

#[test]
fn a_hundred_failures_in_a_row_are_the_last_however_slow_they_come() {
    let policy = KnownDevicePolicy::default();
    let mut device = device();
    for number in 1..=100 {
        device = device.reserve_attempt(at(number * 3600), &policy).expect("the hundredth is looked at");
    }
    assert_eq!(device.recent_failures, 1);
    assert_eq!(device.reserve_attempt(at(1_000_000), &policy), Err(Spent));
}

#[test]
fn a_login_prolongs_and_a_right_password_alone_does_not() {
    let policy = KnownDevicePolicy::default();
    let device = device();
    let owner = UserId::from_i64(7);
    let later = at(0) + TimeDelta::days(89);
    assert_eq!(device.succeeded().expires_at, at(0) + TimeDelta::days(90));
    let used = device.used(later, &policy);
    assert_eq!((used.last_used_at, used.created_at), (later, at(0)));
    assert!(
        used.is_of(owner, later + TimeDelta::days(89)) && !used.is_of(owner, later + TimeDelta::days(90))
    );
    assert!(!used.is_of(UserId::from_i64(8), later));
}

#[test]
fn a_token_shows_nothing_and_is_of_its_kind() {
    let minted = DeviceToken::mint(&SeededEntropy::new(1)).expect("a token");
    let token = minted.expose_secret().to_owned();
    assert!(token.starts_with("dt_") && token.len() == 46);
    let parsed = DeviceToken::parse(&token).expect("a token");
    assert_eq!(format!("{parsed:?}"), "DeviceToken");
    assert_eq!(parsed.clone().digest(), parsed.digest());
    for other in ["mt_", "rt_", ""] {
        assert!(DeviceToken::parse(&token.replace("dt_", other)).is_none());
    }
}
