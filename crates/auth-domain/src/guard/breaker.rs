//! Stops asking a part that does not answer, so that callers need not wait for what will not come.

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// When a breaker opens, and for how long.
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

/// Why a call failed.
type Cause = dyn Error + 'static;

/// Is told when a [`Breaker`] opens and closes, to log, count and audit it. Must not wait.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait BreakerWatch: Send + Sync {
    /// `part` is not asked for a while, because of `cause`, the last failure in a row.
    fn opened(&self, part: &'static str, cause: &Cause);

    /// `part` answers again.
    fn closed(&self, part: &'static str);
}

/// Nobody watches.
impl BreakerWatch for () {
    fn opened(&self, _: &'static str, _: &Cause) {}

    fn closed(&self, _: &'static str) {}
}

/// Whether a part is asked.
pub struct Breaker {
    part: &'static str,
    config: BreakerConfig,
    watch: Arc<dyn BreakerWatch>,
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
    /// One call is under way to see whether the part is back.
    Probing,
}

/// A call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} failed several times in a row and is not asked again yet")]
pub struct Resting {
    /// What is not asked.
    pub part: &'static str,
}

/// What a report changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerChange {
    /// Nothing.
    None,
    /// The part is not asked from now on.
    Opened,
    /// The part is asked again.
    Closed,
}

impl Breaker {
    /// A closed breaker in front of `part`, which nobody watches.
    pub fn new(part: &'static str, config: BreakerConfig) -> Self {
        Self { part, config, watch: Arc::new(()), state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// The same breaker, with somebody who is told when it opens and closes.
    #[must_use]
    pub fn watched_by(self, watch: Arc<dyn BreakerWatch>) -> Self {
        Self { watch, ..self }
    }

    /// Leave to ask the part.
    ///
    /// # Errors
    /// [`Resting`] while the breaker is open.
    pub fn enter(&self, now: Instant) -> Result<BreakerPermit<'_>, Resting> {
        let mut state = self.lock();
        let probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= now => true,
            State::Open { .. } | State::Probing => return Err(Resting { part: self.part }),
        };
        if probe {
            *state = State::Probing;
        }
        Ok(BreakerPermit { breaker: self, probe, entered: now, reported: false })
    }

    /// Whether calls fail at once.
    pub fn is_open(&self) -> bool {
        !matches!(*self.lock(), State::Closed { .. })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is one value: a panic cannot leave it half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("part", &self.part)
            .field("state", &*self.lock())
            .finish_non_exhaustive()
    }
}

/// Leave to ask a part once, and the duty to say how it went.
///
/// Dropped without a report, as when the caller went away, it says nothing about the part; the next
/// call probes then.
#[derive(Debug)]
#[must_use = "the breaker waits for a report"]
pub struct BreakerPermit<'a> {
    breaker: &'a Breaker,
    probe: bool,
    entered: Instant,
    reported: bool,
}

impl BreakerPermit<'_> {
    /// The part answered.
    pub fn succeeded(mut self) -> BreakerChange {
        self.reported = true;
        let change = self.after_success();
        if change == BreakerChange::Closed {
            self.breaker.watch.closed(self.breaker.part);
        }
        change
    }

    /// The part did not answer, or refused to work.
    pub fn failed(mut self, now: Instant, cause: &Cause) -> BreakerChange {
        self.reported = true;
        let change = self.after_failure(now);
        if change == BreakerChange::Opened {
            self.breaker.watch.opened(self.breaker.part, cause);
        }
        change
    }

    fn after_success(&self) -> BreakerChange {
        let mut state = self.breaker.lock();
        match *state {
            State::Probing if self.probe => {
                *state = State::Closed { failures: 0 };
                BreakerChange::Closed
            }
            State::Closed { .. } => {
                *state = State::Closed { failures: 0 };
                BreakerChange::None
            }
            // An answer to a call from before the breaker opened: the probe will tell.
            State::Open { .. } | State::Probing => BreakerChange::None,
        }
    }

    fn after_failure(&self, now: Instant) -> BreakerChange {
        let config = self.breaker.config;
        let mut state = self.breaker.lock();
        match *state {
            State::Closed { failures } if failures + 1 < config.failures => {
                *state = State::Closed { failures: failures + 1 };
                BreakerChange::None
            }
            State::Closed { .. } => {
                *state = State::Open { until: now + config.open_for };
                BreakerChange::Opened
            }
            State::Probing if self.probe => {
                *state = State::Open { until: now + config.open_for };
                BreakerChange::None
            }
            State::Open { .. } | State::Probing => BreakerChange::None,
        }
    }
}

impl Drop for BreakerPermit<'_> {
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

    fn fail(breaker: &Breaker, now: Instant) -> BreakerChange {
        breaker.enter(now).unwrap().failed(now, &fmt::Error)
    }

    /// A breaker that opened at `now`.
    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new("part", CONFIG);
        assert_eq!(
            [(); 3].map(|()| fail(&breaker, now)),
            [BreakerChange::None, BreakerChange::None, BreakerChange::Opened]
        );
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let (breaker, now) = (Breaker::new("part", CONFIG), Instant::now());
        for _ in 0..5 {
            assert_eq!([fail(&breaker, now), fail(&breaker, now)], [BreakerChange::None; 2]);
            assert_eq!(breaker.enter(now).unwrap().succeeded(), BreakerChange::None);
        }
        assert!(!breaker.is_open());
    }

    #[test]
    fn lets_one_call_probe_when_its_time_is_over() {
        let now = Instant::now();
        let breaker = opened(now);
        let (early, late) = (now + NOT_YET, now + CONFIG.open_for);
        assert!(breaker.enter(early).is_err());
        let probe = breaker.enter(late).unwrap();
        assert!(breaker.enter(late).is_err());
        assert_eq!(probe.succeeded(), BreakerChange::Closed);
        assert!(!breaker.is_open());
    }

    #[test]
    fn opens_again_when_the_probe_fails() {
        let now = Instant::now();
        let (breaker, later) = (opened(now), now + CONFIG.open_for);
        assert_eq!(fail(&breaker, later), BreakerChange::None);
        assert!(breaker.enter(later + NOT_YET).is_err());
        assert!(breaker.enter(later + CONFIG.open_for).is_ok());
    }

    #[test]
    fn a_probe_that_was_given_up_leaves_the_next_call_to_probe() {
        let now = Instant::now();
        let (breaker, later) = (opened(now), now + CONFIG.open_for);
        drop(breaker.enter(later).unwrap());
        assert!(breaker.is_open());
        assert_eq!(breaker.enter(later).unwrap().succeeded(), BreakerChange::Closed);
    }

    #[test]
    fn calls_from_before_it_opened_change_nothing() {
        let now = Instant::now();
        let breaker = Breaker::new("part", CONFIG);
        let slow = [(); 3].map(|()| breaker.enter(now).unwrap());
        for _ in 0..3 {
            fail(&breaker, now);
        }
        let probe = breaker.enter(now + CONFIG.open_for).unwrap();
        let [good, bad, given_up] = slow;
        assert_eq!(
            (good.succeeded(), bad.failed(now, &fmt::Error)),
            (BreakerChange::None, BreakerChange::None)
        );
        drop(given_up);
        assert!(breaker.is_open());
        assert_eq!(probe.succeeded(), BreakerChange::Closed);
    }

    #[test]
    fn tells_its_watch_once_when_it_opens_and_once_when_it_closes() {
        let mut watch = MockBreakerWatch::new();
        watch
            .expect_opened()
            .withf(|part, cause| part == "part" && cause.is::<fmt::Error>())
            .times(1)
            .return_const(());
        watch.expect_closed().times(1).return_const(());
        let breaker = Breaker::new("part", CONFIG).watched_by(Arc::new(watch));
        let mut now = Instant::now();
        for _ in 0..5 {
            if breaker.enter(now).is_ok() {
                fail(&breaker, now);
            }
        }
        now += CONFIG.open_for;
        fail(&breaker, now);
        now += CONFIG.open_for;
        assert_eq!(breaker.enter(now).unwrap().succeeded(), BreakerChange::Closed);
        assert_eq!(breaker.enter(now).unwrap().succeeded(), BreakerChange::None);
    }
}
