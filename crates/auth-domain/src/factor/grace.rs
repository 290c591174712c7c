//! How long an account may do without a second factor, where one is demanded of everybody.

use chrono::{DateTime, TimeDelta, Utc};

use super::FactorKind;
use crate::user::User;

/// What an installation demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MfaPolicy {
    /// Whether every account needs a second factor.
    pub required: bool,
    /// How many days a new account may do without.
    pub grace_days: u32,
    /// What people are told will be switched on after that; `None` for nothing.
    pub auto_enable: Option<FactorKind>,
    /// How long a device that proved a second factor need not prove it again; zero for not at all.
    pub device_bypass: TimeDelta,
}

impl Default for MfaPolicy {
    /// Nothing is demanded. Should it be: 30 days, then codes by mail. Five minutes for front ends that
    /// sign in again right after the code.
    fn default() -> Self {
        Self {
            required: false,
            grace_days: 30,
            auto_enable: Some(FactorKind::Email),
            device_bypass: TimeDelta::minutes(5),
        }
    }
}

impl MfaPolicy {
    /// Whether the time of an account without a second factor is over, so that its next login switches
    /// codes by mail on.
    ///
    /// Whatever [`auto_enable`](Self::auto_enable) names: an authenticator app and a telephone cannot be
    /// switched on for somebody who did not prove them just now, and a number that was switched off may be
    /// somebody else's by now. Mail can, because the address is proved.
    pub fn mail_is_overdue(&self, user: &User, now: DateTime<Utc>) -> bool {
        let concerned = self.required && self.auto_enable.is_some() && !user.factors.is_demanded();
        concerned && now >= self.ends_at(user)
    }

    fn ends_at(&self, user: &User) -> DateTime<Utc> {
        user.created_at + TimeDelta::days(i64::from(self.grace_days))
    }
}

/// What a client is told about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracePeriod {
    /// How many days the installation gives.
    pub days: u32,
    /// What will be switched on.
    pub auto_enable: Option<FactorKind>,
    /// When the period ends or ended; `None` when there is none for this account.
    pub ends_at: Option<DateTime<Utc>>,
    /// How many days are left, begun ones included.
    pub days_left: u32,
}

impl GracePeriod {
    /// The grace period of an account.
    pub fn of(user: &User, policy: &MfaPolicy, now: DateTime<Utc>) -> Self {
        let auto_enable = policy.auto_enable.filter(|_| policy.required);
        let concerned = auto_enable.is_some() && !user.factors.is_demanded();
        let ends_at = concerned.then(|| policy.ends_at(user));
        let left = ends_at.map_or(TimeDelta::zero(), |end| end - now).max(TimeDelta::zero());
        let days = left.num_days() + i64::from(left > TimeDelta::days(left.num_days()));
        Self { days: policy.grace_days, auto_enable, ends_at, days_left: u32::try_from(days).unwrap_or(0) }
    }

    /// Whether the account may still do without a second factor.
    pub const fn is_running(&self) -> bool {
        self.days_left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        factor::Enrolment,
        id::UserId,
        tenant::TenantId,
        user::{Credential, Email, PasswordHash},
    };

    fn user(factors: Enrolment) -> User {
        let email = Email::parse("ada@example.com").unwrap();
        let credential = Credential::permanent(PasswordHash::new("hash"));
        let (id, tenant) = (UserId::from_i64(1), TenantId::default());
        let mut user = User::register(id, tenant, email, None, credential, DateTime::UNIX_EPOCH);
        user.factors = factors;
        user
    }

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    #[test]
    fn runs_out_after_its_days() {
        let policy = MfaPolicy { required: true, ..MfaPolicy::default() };
        let user = user(Enrolment::default());
        for (now, left, overdue) in [
            (day(0), 30, false),
            (day(29), 1, false),
            (day(30) - TimeDelta::seconds(1), 1, false),
            (day(30), 0, true),
            (day(400), 0, true),
        ] {
            let grace = GracePeriod::of(&user, &policy, now);
            assert_eq!((grace.days_left, grace.ends_at), (left, Some(day(30))));
            assert_eq!(policy.mail_is_overdue(&user, now), overdue);
        }
    }

    #[test]
    fn concerns_nobody_where_nothing_is_demanded_or_missing() {
        let required = MfaPolicy { required: true, ..MfaPolicy::default() };
        let with_email = user(Enrolment { email: true, ..Enrolment::default() });
        let without = user(Enrolment::default());
        for (user, policy) in [
            (&without, MfaPolicy::default()),
            (&with_email, required),
            (&without, MfaPolicy { auto_enable: None, ..required }),
        ] {
            let grace = GracePeriod::of(user, &policy, day(10));
            assert_eq!((grace.is_running(), grace.ends_at), (false, None));
            assert!(!policy.mail_is_overdue(user, day(400)));
        }
    }
}
