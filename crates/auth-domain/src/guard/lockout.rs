//! The lock rule: failures for one identifier make it wait, longer and longer.
//!
//! Pure; see `tests/it/lockout_model.rs`. An attempt is counted *before* the password is checked and
//! the count is taken back on success, so that parallel guesses cannot slip past (invariant I11). An
//! identifier that does not exist locks like one that does (invariant I7).

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
}

impl Default for LockPolicy {
    /// 5 failures; 30 seconds, doubling to 15 minutes; forgotten after a day.
    fn default() -> Self {
        Self {
            threshold: 5,
            first_wait: TimeDelta::seconds(30),
            longest_wait: TimeDelta::minutes(15),
            forgotten_after: TimeDelta::days(1),
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
/// [`Locked`] while the identifier has to wait; the state does not change then.
pub fn reserve_attempt(
    state: Option<LockState>,
    now: DateTime<Utc>,
    policy: &LockPolicy,
) -> Result<LockState, Locked> {
    let remembered = state.filter(|state| now - state.last_attempt_at < policy.forgotten_after);
    if let Some(until) = remembered.and_then(|state| state.locked_until).filter(|&until| now < until) {
        return Err(Locked { until, wait: until - now });
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
