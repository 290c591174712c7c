//! The lock rule: every short sequence, random long ones, and parallel guesses.

use auth_domain::guard::lockout::{LockPolicy, LockState, Locked, Standing, refund_attempt, reserve_attempt};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time in range")
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wrong,
    Right,
    Wait(i64),
}

/// What the rule must do, written down a second time as a count and a time.
#[derive(Clone, Copy, Debug, Default)]
struct Oracle {
    failures: u32,
    free_at: i64,
    last: i64,
}

impl Oracle {
    fn attempt(&mut self, now: i64) -> Result<(), i64> {
        let memory = if self.failures >= 100 { 30 * 86_400 } else { 86_400 };
        if self.failures > 0 && now - self.last >= memory {
            *self = Self::default();
        }
        if self.failures >= 100 {
            return Err(now + 900); // closed
        }
        if now < self.free_at {
            return Err(self.free_at);
        }
        self.failures += 1;
        self.last = now;
        if self.failures >= 5 {
            let doubled = 30 * 2i64.pow((self.failures - 5).min(10));
            self.free_at = now + doubled.min(900);
        }
        Ok(())
    }
}

fn run(steps: &[Step]) {
    let policy = LockPolicy::default();
    let (mut now, mut state, mut oracle) = (0, None, Oracle::default());
    for step in steps {
        if let Step::Wait(seconds) = step {
            now += seconds;
            continue;
        }
        let expected = oracle.attempt(now);
        match reserve_attempt(state, at(now), &policy) {
            Ok(next) => {
                assert_eq!(expected, Ok(()), "allowed at {now} in {steps:?}");
                state = Some(next);
            }
            Err(Locked { until, wait }) => {
                assert_eq!(at(now) + wait, until);
                assert_eq!(expected, Err((until - at(0)).num_seconds()), "refused at {now} in {steps:?}");
                continue;
            }
        }
        if matches!(step, Step::Right) {
            (state, oracle) = (None, Oracle::default());
        }
    }
}

#[test]
fn every_sequence_of_eight_steps_agrees_with_the_rule() {
    const CHOICES: [Step; 4] = [Step::Wrong, Step::Right, Step::Wait(29), Step::Wait(31)];
    for code in 0..4u32.pow(8) {
        let steps: Vec<Step> = (0..8).map(|place| CHOICES[(code >> (2 * place) & 3) as usize]).collect();
        // Begin at the threshold, where the rule is interesting.
        run(&[[Step::Wrong; 4].as_slice(), &steps].concat());
    }
}

proptest! {
    #[test]
    fn long_sequences_agree_with_the_rule(
        steps in prop::collection::vec(
            prop_oneof![
                6 => Just(Step::Wrong),
                1 => Just(Step::Right),
                3 => (1i64..2000).prop_map(Step::Wait),
                1 => (80_000i64..90_000).prop_map(Step::Wait),
            ],
            0..200,
        )
    ) {
        run(&steps);
    }

    /// Seldom a success and never a day's rest: most of these reach the end.
    #[test]
    fn sequences_that_reach_the_end_agree_with_the_rule(
        steps in prop::collection::vec(
            prop_oneof![
                200 => Just(Step::Wrong),
                1 => Just(Step::Right),
                200 => (600i64..1200).prop_map(Step::Wait),
                2 => (29 * 86_400i64..31 * 86_400).prop_map(Step::Wait),
            ],
            300..500,
        )
    ) {
        run(&steps);
    }
}

/// What a hundred failures, each as soon as it is let, leave behind, and when the last of them was.
fn closed() -> (LockState, i64) {
    let policy = LockPolicy::default();
    let (mut now, mut state) = (0, None);
    for number in 1..=100 {
        let next: LockState = reserve_attempt(state, at(now), &policy).expect("the hundredth is looked at");
        assert_eq!(policy.is_closed(&next), number == 100);
        state = Some(next);
        if number < 100 {
            now = next.locked_until.map_or(now, |until| (until - at(0)).num_seconds());
        }
    }
    (state.expect("a state"), now)
}

#[test]
fn a_hundred_failures_close_and_waiting_does_not_open() {
    let policy = LockPolicy::default();
    let (state, last) = closed();
    for days in [0, 1, 2, 29] {
        let now = at(last) + TimeDelta::days(days);
        let refused = reserve_attempt(Some(state), now, &policy);
        let quarter = TimeDelta::minutes(15);
        assert_eq!(refused, Err(Locked { until: now + quarter, wait: quarter }), "{days}");
        assert_eq!(policy.standing(Some(state), now), Standing::Closed);
    }
    let forgotten = at(last) + TimeDelta::days(30);
    assert_eq!(reserve_attempt(Some(state), forgotten, &policy).map(|state| state.failures), Ok(1));
    assert_eq!(policy.remembered(Some(state), forgotten), None);
}

#[test]
fn what_is_purged_is_what_is_forgotten() {
    let policy = LockPolicy::default();
    for (failures, days) in [(99, 1), (100, 30)] {
        let state = LockState { failures, locked_until: None, last_attempt_at: at(0) };
        for (now, is_old) in [(at(0) + TimeDelta::days(days), true), (at(-1) + TimeDelta::days(days), false)]
        {
            let old = policy.old(now + TimeDelta::microseconds(1));
            let before = if failures >= old.closed_at { old.closed_before } else { old.before };
            assert_eq!(state.last_attempt_at < before, is_old);
            assert_eq!(policy.remembered(Some(state), now).is_none(), is_old);
        }
    }
}

#[test]
fn an_attempt_given_back_opens_what_it_closed() {
    let policy = LockPolicy::default();
    let (state, last) = closed();
    let less = refund_attempt(state, &policy).expect("99 are left");
    assert_eq!(policy.standing(Some(less), at(last) + TimeDelta::minutes(15)), Standing::Open);
}

#[test]
fn nothing_closes_before_it_locks() {
    let policy = LockPolicy { threshold: 200, ..LockPolicy::default() };
    assert_eq!(policy.closing(), 200);
}

#[test]
fn parallel_guesses_cannot_slip_past() {
    // Reserving is atomic and comes before hashing, so the order of the answers does not matter: of a
    // hundred guesses at one moment five are looked at.
    let policy = LockPolicy::default();
    let mut state: Option<LockState> = None;
    let looked_at = (0..100)
        .filter(|_| match reserve_attempt(state, at(0), &policy) {
            Ok(next) => {
                state = Some(next);
                true
            }
            Err(_) => false,
        })
        .count();
    assert_eq!(looked_at, 5);
}

#[test]
fn waits_double_to_a_quarter_of_an_hour() {
    let policy = LockPolicy::default();
    let (mut now, mut state, mut waits) = (0, None, Vec::new());
    for _ in 0..13 {
        let next = reserve_attempt(state, at(now), &policy).unwrap();
        if let Some(until) = next.locked_until {
            let wait = (until - at(now)).num_seconds();
            waits.push(wait);
            now += wait;
        }
        state = Some(next);
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900, 900]);
}

#[test]
fn an_attempt_nobody_looked_at_is_given_back() {
    let policy = LockPolicy::default();
    let mut state = None;
    for _ in 0..5 {
        state = Some(reserve_attempt(state, at(0), &policy).unwrap());
    }
    assert!(reserve_attempt(state, at(0), &policy).is_err());
    let less = refund_attempt(state.unwrap(), &policy).unwrap();
    assert_eq!((less.failures, less.locked_until), (4, None));
    assert!(reserve_attempt(Some(less), at(0), &policy).is_ok());
    let once = reserve_attempt(None, at(0), &policy).unwrap();
    assert_eq!(refund_attempt(once, &policy), None);
}

#[test]
fn a_day_without_failures_is_forgotten() {
    let policy = LockPolicy::default();
    let state = LockState { failures: 40, locked_until: None, last_attempt_at: at(0) };
    let next = reserve_attempt(Some(state), at(0) + TimeDelta::days(1), &policy).unwrap();
    assert_eq!(next.failures, 1);
}
