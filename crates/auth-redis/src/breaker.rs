//! Stops asking a server that does not answer.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// When the breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// So many failures in a row open it; 0 counts as 1.
    pub failures: u32,
    /// For so long every call fails at once; then one call tries again while others still fail.
    pub open_for: Duration,
}

impl Default for BreakerConfig {
    /// 5 failures, 5 seconds.
    fn default() -> Self {
        Self { failures: 5, open_for: Duration::from_secs(5) }
    }
}

pub(crate) struct Breaker {
    config: BreakerConfig,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One call is under way to see whether the server is back.
    Probing,
}

/// What a report changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Opened,
    Closed,
}

impl Breaker {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        Self { config, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Leave to ask the server; `None` while the breaker is open.
    pub(crate) fn enter(&self, now: Instant) -> Option<Permit<'_>> {
        let mut state = self.lock();
        let probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= now => true,
            State::Open { .. } | State::Probing => return None,
        };
        if probe {
            *state = State::Probing;
        }
        Some(Permit { breaker: self, probe, entered: now, reported: false })
    }

    pub(crate) fn is_open(&self) -> bool {
        !matches!(*self.lock(), State::Closed { .. })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is one value: a panic cannot leave it half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to ask the server once, and the duty to say how it went.
///
/// Dropped without a report, as when the caller went away, it says nothing about the server; the next
/// call probes then.
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
    entered: Instant,
    reported: bool,
}

impl Permit<'_> {
    /// The server answered.
    pub(crate) fn succeeded(mut self) -> Change {
        self.reported = true;
        let mut state = self.breaker.lock();
        match *state {
            State::Probing if self.probe => {
                *state = State::Closed { failures: 0 };
                Change::Closed
            }
            State::Closed { .. } => {
                *state = State::Closed { failures: 0 };
                Change::None
            }
            // An answer to a call from before the breaker opened: the probe will tell.
            State::Open { .. } | State::Probing => Change::None,
        }
    }

    /// The server did not answer, or refused.
    pub(crate) fn failed(mut self, now: Instant) -> Change {
        self.reported = true;
        let config = self.breaker.config;
        let mut state = self.breaker.lock();
        match *state {
            State::Closed { failures } if failures + 1 < config.failures => {
                *state = State::Closed { failures: failures + 1 };
                Change::None
            }
            State::Closed { .. } => {
                *state = State::Open { until: now + config.open_for };
                Change::Opened
            }
            State::Probing if self.probe => {
                *state = State::Open { until: now + config.open_for };
                Change::None
            }
            State::Open { .. } | State::Probing => Change::None,
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe && !self.reported {
            *self.breaker.lock() = State::Open { until: self.entered };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig = BreakerConfig { failures: 3, open_for: Duration::from_secs(5) };
    const NOT_YET: Duration = Duration::from_millis(4999);

    fn fail(breaker: &Breaker, now: Instant) -> Change {
        breaker.enter(now).unwrap().failed(now)
    }

    /// A breaker that opened at `now`.
    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new(CONFIG);
        assert_eq!([(); 3].map(|()| fail(&breaker, now)), [Change::None, Change::None, Change::Opened]);
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let (breaker, now) = (Breaker::new(CONFIG), Instant::now());
        for _ in 0..5 {
            assert_eq!([fail(&breaker, now), fail(&breaker, now)], [Change::None; 2]);
            assert_eq!(breaker.enter(now).unwrap().succeeded(), Change::None);
        }
        assert!(!breaker.is_open());
    }

    #[test]
    fn lets_one_call_probe_when_its_time_is_over() {
        let now = Instant::now();
        let breaker = opened(now);
        let (early, late) = (now + NOT_YET, now + CONFIG.open_for);
        assert!(breaker.enter(early).is_none());
        let probe = breaker.enter(late).unwrap();
        assert!(breaker.enter(late).is_none());
        assert_eq!(probe.succeeded(), Change::Closed);
        assert!(!breaker.is_open());
    }

    #[test]
    fn opens_again_when_the_probe_fails() {
        let now = Instant::now();
        let (breaker, later) = (opened(now), now + CONFIG.open_for);
        assert_eq!(fail(&breaker, later), Change::None);
        assert!(breaker.enter(later + NOT_YET).is_none());
        assert!(breaker.enter(later + CONFIG.open_for).is_some());
    }

    #[test]
    fn a_probe_that_was_given_up_leaves_the_next_call_to_probe() {
        let now = Instant::now();
        let (breaker, later) = (opened(now), now + CONFIG.open_for);
        drop(breaker.enter(later).unwrap());
        assert!(breaker.is_open());
        assert_eq!(breaker.enter(later).unwrap().succeeded(), Change::Closed);
    }

    #[test]
    fn calls_from_before_it_opened_change_nothing() {
        let now = Instant::now();
        let breaker = Breaker::new(CONFIG);
        let slow = [(); 3].map(|()| breaker.enter(now).unwrap());
        for _ in 0..3 {
            fail(&breaker, now);
        }
        let probe = breaker.enter(now + CONFIG.open_for).unwrap();
        let [good, bad, given_up] = slow;
        assert_eq!((good.succeeded(), bad.failed(now)), (Change::None, Change::None));
        drop(given_up);
        assert!(breaker.is_open());
        assert_eq!(probe.succeeded(), Change::Closed);
    }
}
