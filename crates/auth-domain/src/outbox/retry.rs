//! When to try a message again.

use chrono::{DateTime, TimeDelta, Utc};

use super::OutboxItem;

/// Tries before a message is given up, whatever its deadline.
pub const MAX_ATTEMPTS: u32 = 40;

const FIRST_WAIT: TimeDelta = TimeDelta::seconds(5);
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);

/// What to do with a message that could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again at that time.
    At(DateTime<Utc>),
    /// Keep it as a dead letter for the operator.
    GiveUp,
}

/// Decides after a failed try: wait 5 seconds, doubling to 10 minutes, each time between the half and
/// the whole of that by chance (`jitter` of 0–255), so that a recovering mail server is not stormed.
pub fn after_failure(item: &OutboxItem, now: DateTime<Utc>, jitter: u8) -> Retry {
    let factor = 1i32.checked_shl(item.attempts.min(20)).unwrap_or(i32::MAX);
    let full = FIRST_WAIT.checked_mul(factor).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT));
    let half = full / 2;
    let next = now + half + half * i32::from(jitter) / 255;
    if item.attempts + 1 >= MAX_ATTEMPTS || next >= item.expires_at() {
        Retry::GiveUp
    } else {
        Retry::At(next)
    }
}
