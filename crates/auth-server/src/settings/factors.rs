//! Who needs a second factor, and how often.

use auth_domain::factor::{FactorKind, MfaPolicy};
use chrono::TimeDelta;

use super::{
    parse,
    reader::{Reader, whole},
    table,
};

/// Reads what is demanded of accounts.
pub(super) fn policy(from: &mut Reader) -> MfaPolicy {
    let kinds = [Some(FactorKind::Email), Some(FactorKind::Sms), Some(FactorKind::Totp), None];
    MfaPolicy {
        required: from.value(&table::MFA_REQUIRED, parse::flag),
        grace_days: from.number(&table::EMAIL_MFA_GRACE_PERIOD_DAYS),
        auto_enable: from.choice(&table::MFA_AUTO_ENABLE_METHOD, &kinds),
        device_bypass: device_bypass(from),
    }
}

fn device_bypass(from: &mut Reader) -> TimeDelta {
    let hours = &table::MFA_DEVICE_BYPASS_HOURS;
    let hours: Option<i64> = from.optional(hours, |text| whole(hours, text));
    let default = hours.map_or(MfaPolicy::default().device_bypass.num_minutes(), |hours| hours * 60);
    let minutes = &table::MFA_DEVICE_BYPASS_MINUTES;
    TimeDelta::minutes(from.value_or(minutes, default, |text| whole(minutes, text)))
}
