//! The lock rule: failures for one identifier make it wait, longer and longer.
//!
//! Pure; see `tests/it/lockout_model.rs`. An attempt is counted *before* the password is checked and
//! the count is taken back on success, so that parallel guesses cannot slip past (invariant I11). An
//! identifier that does not exist locks like one that does (invariant I7).
//!
//! Waiting makes guessing slow, but not finite: after [`closed_at`](LockPolicy::closed_at) failures in a row
//! the identifier is *closed*. It then does not open by waiting, but by what its owner can do and a
//! stranger cannot: a mailed link, a device known from earlier, an operator.

use chrono::{DateTime, TimeDelta, Utc};

/// Numbers of the lock rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockPolicy {
    /// Failures that lock.
    pub threshold: u32,
    /// How long the first lock lasts; each further failure doubles it.
    pub first_wait: TimeDelta,
    /// How long a lock lasts at most.
    pub longest_wait: TimeDelta,
    /// After this long without a failure the count begins anew.
    pub forgotten_after: TimeDelta,
    /// Failures in a row that close the identifier; never fewer than lock it.
    pub closed_at: u32,
    /// After this long without a counted attempt a closed identifier is forgotten all the same: its owner
    /// may have no mailbox any more, and the table must not grow for ever.
    pub closed_forgotten_after: TimeDelta,
}

impl LockPolicy {
    /// How many failures in a row close an identifier.
    pub fn closing(&self) -> u32 {
        self.closed_at.max(self.threshold)
    }

    /// Whether an identifier does not open by waiting.
    pub fn is_closed(&self, state: &LockState) -> bool {
        state.failures >= self.closing()
    }

    /// How long without an attempt it takes until `state` is forgotten.
    fn memory_of(&self, state: &LockState) -> TimeDelta {
        if self.is_closed(state) { self.closed_forgotten_after } else { self.forgotten_after }
    }

    /// Which failure counts are forgotten at `now`.
    pub fn old(&self, now: DateTime<Utc>) -> OldLocks {
        OldLocks {
            before: now - self.forgotten_after,
            closed_at: self.closing(),
            closed_before: now - self.closed_forgotten_after,
        }
    }

    /// What `state`, as it is [remembered](Self::remembered) at `now`, means for the next attempt.
    pub fn standing(&self, state: Option<LockState>, now: DateTime<Utc>) -> Standing {
        let Some(state) = state else { return Standing::Open };
        if self.is_closed(&state) {
            return Standing::Closed;
        }
        state.locked_until.filter(|&until| now < until).map_or(Standing::Open, Standing::Waits)
    }

    /// What is still remembered of `state` at `now`.
    pub fn remembered(&self, state: Option<LockState>, now: DateTime<Utc>) -> Option<LockState> {
        state.filter(|state| now - state.last_attempt_at < self.memory_of(state))
    }
}

impl Default for LockPolicy {
    /// 5 failures; 30 seconds, doubling to 15 minutes; forgotten after a day. Closed at 100, which is the
    /// most that NIST SP 800-63B-4 §3.2.2 lets anybody fail in a row; forgotten then after 30 days.
    fn default() -> Self {
        Self {
            threshold: 5,
            first_wait: TimeDelta::seconds(30),
            longest_wait: TimeDelta::minutes(15),
            forgotten_after: TimeDelta::days(1),
            closed_at: 100,
            closed_forgotten_after: TimeDelta::days(30),
        }
    }
}

/// What is remembered about one identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockState {
    /// Attempts counted since the last success.
    pub failures: u32,
    /// Until when attempts are refused.
    pub locked_until: Option<DateTime<Utc>>,
    /// When the last attempt was counted.
    pub last_attempt_at: DateTime<Utc>,
}

/// Whether attempts for an identifier are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are.
    Open,
    /// They are from then on.
    Waits(DateTime<Utc>),
    /// They are not, until somebody opens it.
    Closed,
}

/// Which failure counts are old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldLocks {
    /// Those without an attempt since then,
    pub before: DateTime<Utc>,
    /// unless they count at least so many failures:
    pub closed_at: u32,
    /// then those without an attempt since then.
    pub closed_before: DateTime<Utc>,
}

/// The attempt was refused without looking at the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("locked until {until}")]
pub struct Locked {
    /// When the next attempt is allowed.
    pub until: DateTime<Utc>,
    /// How long that is from the refused attempt.
    pub wait: TimeDelta,
}

/// Counts an attempt, or refuses it.
///
/// `state` is what is remembered (`None` for nothing). The result is what to remember now; it must be
/// stored before the password is checked, and removed if the password is right.
///
/// # Errors
/// [`Locked`] while the identifier has to wait; the state does not change then. A closed one is told the
/// longest wait.
pub fn reserve_attempt(
    state: Option<LockState>,
    now: DateTime<Utc>,
    policy: &LockPolicy,
) -> Result<LockState, Locked> {
    let remembered = policy.remembered(state, now);
    match policy.standing(remembered, now) {
        Standing::Open => {}
        Standing::Waits(until) => return Err(Locked { until, wait: until - now }),
        Standing::Closed => {
            return Err(Locked { until: now + policy.longest_wait, wait: policy.longest_wait });
        }
    }
    let failures = remembered.map_or(0, |state| state.failures).saturating_add(1);
    let locked_until = failures.checked_sub(policy.threshold).map(|beyond| now + wait(beyond, policy));
    Ok(LockState { failures, locked_until, last_attempt_at: now })
}

/// Takes back an attempt whose password was never looked at. `None` means: forget the identifier.
pub fn refund_attempt(state: LockState, policy: &LockPolicy) -> Option<LockState> {
    let failures = state.failures.saturating_sub(1);
    let locked_until = state.locked_until.filter(|_| failures >= policy.threshold);
    (failures > 0).then_some(LockState { failures, locked_until, ..state })
}

/// How long the lock after `beyond` failures past the threshold lasts.
fn wait(beyond: u32, policy: &LockPolicy) -> TimeDelta {
    let factor = 1i32.checked_shl(beyond.min(30)).unwrap_or(i32::MAX);
    policy.first_wait.checked_mul(factor).map_or(policy.longest_wait, |wait| wait.min(policy.longest_wait))
}
