//! The tokens of a session, as clients are shown them.

use auth_domain::{
    factor::GracePeriod,
    usecase::{Engine, SignedIn},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// How long a person may still do without a second factor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GracePeriod)]
pub(crate) struct GracePeriodView {
    in_grace_period: bool,
    /// A day that has begun counts.
    days_remaining: u32,
    grace_period_days: u32,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    auto_enable_at: Option<String>,
    /// What is switched on then: `email`, `sms`, `totp` or `none`.
    auto_enable_method: &'static str,
}

impl From<GracePeriod> for GracePeriodView {
    fn from(grace: GracePeriod) -> Self {
        let ends_at = grace.ends_at.map(offset_time);
        Self {
            in_grace_period: grace.is_running(),
            days_remaining: grace.days_left,
            grace_period_days: grace.days,
            expires_at: ends_at.clone(),
            auto_enable_at: ends_at,
            auto_enable_method: grace.auto_enable.map_or("none", |kind| kind.as_str()),
        }
    }
}

/// Clients have seen this object's times with `+00:00` where all others have `Z`.
fn offset_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// The header that takes the `device_token` of an earlier login, and what it is good for.
pub(crate) const DEVICE_TOKEN: (&str, &str) = (
    "X-Device-Token",
    "The `device_token` of an earlier login: attempts of this device are counted apart from those of \
     strangers, who then cannot lock its owner out",
);

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenView {
    access_token: String,
    refresh_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// Whether the password was handed out and must be changed.
    password_change_required: bool,
    grace_period: GracePeriodView,
    /// For the header `X-Device-Token` of the next login on this device; proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required)]
    device_token: Option<String>,
}

impl TokenView {
    pub(crate) fn new(signed_in: &SignedIn, engine: &Engine, now: DateTime<Utc>) -> Self {
        Self {
            access_token: signed_in.access.expose_secret().to_owned(),
            refresh_token: signed_in.refresh.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: signed_in.expires_in.num_seconds(),
            password_change_required: signed_in.user.must_change_password(),
            grace_period: engine.factors.grace_period(&signed_in.user, now).into(),
            device_token: signed_in.device_token.as_ref().map(|token| token.expose_secret().to_owned()),
        }
    }
}

/// The tokens of a refreshed session. The last two fields are there only while the password is
/// temporary.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefreshedView {
    access_token: String,
    refresh_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    grace_period: GracePeriodView,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_change_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

impl RefreshedView {
    pub(crate) fn new(signed_in: &SignedIn, engine: &Engine, now: DateTime<Utc>) -> Self {
        let temporary = signed_in.user.must_change_password();
        Self {
            access_token: signed_in.access.expose_secret().to_owned(),
            refresh_token: signed_in.refresh.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: signed_in.expires_in.num_seconds(),
            grace_period: engine.factors.grace_period(&signed_in.user, now).into(),
            password_change_required: temporary.then_some(true),
            message: temporary.then_some("Your password is temporary and must be changed."),
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::factor::FactorKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_grace_period_has_the_fields_clients_know() {
        let end = DateTime::from_timestamp(1_782_907_200, 0).unwrap();
        let grace = |auto_enable, ends_at, days_left| {
            json!(GracePeriodView::from(GracePeriod { days: 30, auto_enable, ends_at, days_left }))
        };
        let at = "2026-07-01T12:00:00.000000+00:00";
        assert_eq!(
            grace(Some(FactorKind::Email), Some(end), 7),
            json!({
                "in_grace_period": true, "days_remaining": 7, "grace_period_days": 30,
                "expires_at": at, "auto_enable_at": at, "auto_enable_method": "email",
            })
        );
        let expired = grace(Some(FactorKind::Sms), Some(end), 0);
        assert_eq!((&expired["in_grace_period"], &expired["expires_at"]), (&json!(false), &json!(at)));
        assert_eq!(
            grace(None, None, 0),
            json!({
                "in_grace_period": false, "days_remaining": 0, "grace_period_days": 30,
                "expires_at": null, "auto_enable_at": null, "auto_enable_method": "none",
            })
        );
    }
}
