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
    /// What is switched on after that; `None` for nothing.
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
    /// The factor that an account without one gets at its next login: `None` while nothing is demanded,
    /// within the grace period, and for an account that has one.
    ///
    /// An authenticator app and a telephone cannot be switched on for somebody who never set them up;
    /// mail can, because the address is proved.
    pub fn factor_to_enable(&self, user: &User, now: DateTime<Utc>) -> Option<FactorKind> {
        let wanted = self.auto_enable.filter(|_| self.required && !user.factors.is_demanded())?;
        if now < self.ends_at(user) {
            return None;
        }
        let has_number = user.factors.sms.number.is_some();
        Some(if wanted == FactorKind::Sms && has_number { FactorKind::Sms } else { FactorKind::Email })
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
        factor::{Enrolment, SmsFactor},
        id::UserId,
        tenant::TenantId,
        user::{Credential, Email, PasswordHash, PhoneNumber},
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
        for (now, left, enabled) in [
            (day(0), 30, None),
            (day(29), 1, None),
            (day(30) - TimeDelta::seconds(1), 1, None),
            (day(30), 0, Some(FactorKind::Email)),
            (day(400), 0, Some(FactorKind::Email)),
        ] {
            let grace = GracePeriod::of(&user, &policy, now);
            assert_eq!((grace.days_left, grace.ends_at), (left, Some(day(30))));
            assert_eq!(policy.factor_to_enable(&user, now), enabled);
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
            assert_eq!(policy.factor_to_enable(user, day(400)), None);
        }
    }

    #[test]
    fn only_what_is_proved_is_switched_on() {
        let number = PhoneNumber::parse("+12125550123").unwrap();
        let off = SmsFactor { enabled: false, number: Some(number), pending: None };
        let policy = |kind| MfaPolicy { required: true, auto_enable: Some(kind), ..MfaPolicy::default() };
        let with_number = user(Enrolment { sms: off, ..Enrolment::default() });
        let table = [
            (FactorKind::Sms, &with_number, FactorKind::Sms),
            (FactorKind::Sms, &user(Enrolment::default()), FactorKind::Email),
            (FactorKind::Totp, &with_number, FactorKind::Email),
        ];
        for (wanted, user, enabled) in table {
            assert_eq!(policy(wanted).factor_to_enable(user, day(31)), Some(enabled));
        }
    }
}
