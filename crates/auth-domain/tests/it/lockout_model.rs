//! The lock rule: every short sequence, random long ones, and parallel guesses.

use auth_domain::guard::lockout::{LockPolicy, LockState, Locked, refund_attempt, reserve_attempt};
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
        if self.failures > 0 && now - self.last >= 86_400 {
            *self = Self::default();
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
