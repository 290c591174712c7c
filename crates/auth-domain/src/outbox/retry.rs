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

/// How long to wait for a server that cannot be reached: it may be back at any moment, and then whatever it
/// missed must not wait for long (invariant I12).
const UNREACHABLE_WAIT: TimeDelta = TimeDelta::seconds(10);

/// Decides when there was no server to try: after 10 to 20 seconds, as long as the message is of use. Such a
/// try is not the message's fault, so the number of tries ends nothing.
pub fn after_no_answer(item: &OutboxItem, now: DateTime<Utc>, jitter: u8) -> Retry {
    let by_chance = TimeDelta::milliseconds(UNREACHABLE_WAIT.num_milliseconds() * i64::from(jitter) / 255);
    let next = now + UNREACHABLE_WAIT + by_chance;
    if next >= item.expires_at() { Retry::GiveUp } else { Retry::At(next) }
}

/// Decides after a failed try: wait 5 seconds, doubling to 10 minutes, each time between the half and
/// the whole of that by chance (`jitter` of 0–255), so that a recovering mail server is not stormed.
pub fn after_failure(item: &OutboxItem, now: DateTime<Utc>, jitter: u8) -> Retry {
    let factor = 1i32.checked_shl(item.attempts.min(20)).unwrap_or(i32::MAX);
    let full = FIRST_WAIT.checked_mul(factor).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT));
    let half = full / 2;
    let by_chance = TimeDelta::milliseconds(half.num_milliseconds() * i64::from(jitter) / 255);
    let next = now + half + by_chance;
    if item.attempts + 1 >= MAX_ATTEMPTS || next >= item.expires_at() {
        Retry::GiveUp
    } else {
        Retry::At(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::Client, id::OutboxId, outbox::Intent, tenant::TenantId};

    fn item(intent: Intent, attempts: u32) -> OutboxItem {
        let id = OutboxId::from_i64(1);
        let now = DateTime::UNIX_EPOCH;
        OutboxItem {
            attempts,
            ..OutboxItem::new(id, TenantId::default(), None, intent, Client::default(), now)
        }
    }

    fn wait(attempts: u32, jitter: u8) -> TimeDelta {
        let item = item(Intent::PasswordChangedNotice, attempts);
        match after_failure(&item, item.created_at, jitter) {
            Retry::At(due) => due - item.created_at,
            Retry::GiveUp => panic!("there is time left"),
        }
    }

    #[test]
    fn waits_double_up_to_ten_minutes_and_chance_takes_up_to_half_away() {
        for (attempts, full) in [(0, 5), (1, 10), (2, 20), (6, 320), (7, 600), (8, 600), (38, 600)] {
            assert_eq!(wait(attempts, 255), TimeDelta::seconds(full), "{attempts}");
            assert_eq!(wait(attempts, 0), TimeDelta::seconds(full) / 2, "{attempts}");
            let between = wait(attempts, 100);
            assert!(wait(attempts, 0) < between && between < wait(attempts, 255), "{attempts}");
        }
    }

    #[test]
    fn gives_up_at_the_deadline_of_its_kind_and_after_enough_tries() {
        for (intent, hours) in
            [(Intent::ResetPassword, 1), (Intent::VerifyEmail, 24), (Intent::RefreshReuseNotice, 168)]
        {
            let item = item(intent, 0);
            let deadline = item.created_at + TimeDelta::hours(hours);
            let last = deadline - TimeDelta::seconds(5) - TimeDelta::microseconds(1);
            assert_eq!(after_failure(&item, last, 255), Retry::At(deadline - TimeDelta::microseconds(1)));
            assert_eq!(after_failure(&item, last + TimeDelta::microseconds(1), 255), Retry::GiveUp);
        }
        let tired = item(Intent::PasswordChangedNotice, MAX_ATTEMPTS - 1);
        assert_eq!(after_failure(&tired, tired.created_at, 0), Retry::GiveUp);
    }

    #[test]
    fn an_absent_server_is_asked_every_few_seconds_for_as_long_as_it_makes_sense() {
        let now = DateTime::UNIX_EPOCH;
        for attempts in [0, 5, MAX_ATTEMPTS, 10_000] {
            let item = item(Intent::VerifyEmail, attempts);
            assert_eq!(after_no_answer(&item, now, 0), Retry::At(now + TimeDelta::seconds(10)));
            assert_eq!(after_no_answer(&item, now, 255), Retry::At(now + TimeDelta::seconds(20)));
            let last = item.expires_at() - TimeDelta::seconds(10);
            assert_eq!(after_no_answer(&item, last, 0), Retry::GiveUp);
        }
    }
}
