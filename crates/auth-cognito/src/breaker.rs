//! A rest after several failures in a row, so that callers need not wait for what will not come.

use std::time::{Duration, Instant};

/// Closed until `threshold` failures in a row; then open for a while; then one attempt decides.
#[derive(Debug)]
pub(crate) struct Breaker {
    threshold: u32,
    rest: Duration,
    failures: u32,
    open_until: Option<Instant>,
}

/// It is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("resting after several failures")]
pub(crate) struct Resting;

impl Breaker {
    pub(crate) const fn new(threshold: u32, rest: Duration) -> Self {
        Self { threshold, rest, failures: 0, open_until: None }
    }

    /// Asks for an attempt.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Resting> {
        match self.open_until {
            None => Ok(()),
            Some(until) if now < until => Err(Resting),
            Some(_) => {
                // Only this one may try. Should its caller go away, the next may after another rest.
                self.open_until = Some(now + self.rest);
                Ok(())
            }
        }
    }

    pub(crate) const fn succeeded(&mut self) {
        self.failures = 0;
        self.open_until = None;
    }

    pub(crate) fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.threshold {
            self.open_until = Some(now + self.rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(5);

    fn failed(times: u32, now: Instant) -> Breaker {
        let mut breaker = Breaker::new(5, REST);
        for _ in 0..times {
            breaker.admit(now).unwrap();
            breaker.failed(now);
        }
        breaker
    }

    #[test]
    fn opens_at_the_fifth_failure_in_a_row() {
        let now = Instant::now();
        assert_eq!(failed(4, now).admit(now), Ok(()));
        assert_eq!(failed(5, now).admit(now), Err(Resting));
        let mut interrupted = failed(4, now);
        interrupted.succeeded();
        interrupted.failed(now);
        assert_eq!(interrupted.admit(now), Ok(()));
    }

    #[test]
    fn lets_one_try_after_the_rest() {
        let now = Instant::now();
        let mut breaker = failed(5, now);
        assert_eq!(breaker.admit(now + Duration::from_millis(4_999)), Err(Resting));
        assert_eq!(breaker.admit(now + REST), Ok(()));
        assert_eq!(breaker.admit(now + REST), Err(Resting));
        breaker.failed(now + REST);
        assert_eq!(breaker.admit(now + REST + REST / 2), Err(Resting));
        assert_eq!(breaker.admit(now + REST * 2), Ok(()));
        breaker.succeeded();
        assert_eq!(breaker.admit(now + REST * 2), Ok(()));
        assert_eq!(breaker.admit(now + REST * 2), Ok(()));
    }

    #[test]
    fn an_attempt_that_never_ends_locks_nobody_out() {
        let now = Instant::now();
        let mut breaker = failed(5, now);
        assert_eq!(breaker.admit(now + REST), Ok(()));
        assert_eq!(breaker.admit(now + REST * 2), Ok(()));
    }
}
