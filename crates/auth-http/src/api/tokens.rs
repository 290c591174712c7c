//! The tokens of a session, as clients are shown them.

use auth_domain::{
    factor::GracePeriod,
    guard::known_device::DeviceToken,
    token::CsrfToken,
    usecase::{Engine, SignedIn},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Problem,
    cookie::{Reply, SessionCookies, TokenPlace},
};

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

/// A pair of tokens, or what a browser needs that has them in cookies.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(crate) struct PairView {
    /// Left out when it is in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Left out when it is in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Left out when the tokens are in cookies.
    #[schema(example = "bearer")]
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// Only when the tokens are in cookies: for the header `X-CSRF-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// Seconds until the access token expires.
    expires_in: i64,
}

impl PairView {
    fn in_body(signed_in: &SignedIn) -> Self {
        Self {
            access_token: Some(signed_in.access.expose_secret().to_owned()),
            refresh_token: Some(signed_in.refresh.expose_secret().to_owned()),
            token_type: Some("bearer"),
            csrf_token: None,
            expires_in: signed_in.expires_in.num_seconds(),
        }
    }

    fn in_cookies(signed_in: &SignedIn, csrf: &CsrfToken) -> Self {
        Self {
            access_token: None,
            refresh_token: None,
            token_type: None,
            csrf_token: Some(csrf.expose_secret().to_owned()),
            expires_in: signed_in.expires_in.num_seconds(),
        }
    }
}

/// Hands the tokens over where they are wanted; `view` makes the body around them.
pub(crate) fn hand_over<V>(
    signed_in: &SignedIn,
    engine: &Engine,
    place: TokenPlace,
    now: DateTime<Utc>,
    view: impl FnOnce(PairView) -> V,
) -> Result<Reply<V>, Problem> {
    let style = match place {
        TokenPlace::Body => {
            let reply = Reply::from(view(PairView::in_body(signed_in)));
            return Ok(reply.signing_in(signed_in.user.id));
        }
        TokenPlace::Cookies(style) => style,
    };
    let csrf = engine.csrf.token(signed_in.session.id)?;
    let cookies = SessionCookies {
        access: signed_in.access.expose_secret(),
        access_life: signed_in.expires_in,
        refresh: signed_in.refresh.expose_secret(),
        refresh_life: signed_in.session.expires_at - now,
        device: signed_in.device_token.as_ref().map(DeviceToken::expose_secret),
    };
    let reply = Reply::setting(view(PairView::in_cookies(signed_in, &csrf)), cookies.written(style)?);
    Ok(reply.signing_in(signed_in.user.id))
}

/// The answer to a login.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenView {
    #[serde(flatten)]
    tokens: PairView,
    /// Whether the password was handed out and must be changed.
    password_change_required: bool,
    grace_period: GracePeriodView,
    /// For the header `X-Device-Token` of the next login on this device; proves nothing. Left out when it is
    /// in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

impl TokenView {
    pub(crate) fn reply(
        signed_in: &SignedIn,
        engine: &Engine,
        place: TokenPlace,
        now: DateTime<Utc>,
    ) -> Result<Reply<Self>, Problem> {
        hand_over(signed_in, engine, place, now, |tokens| Self {
            tokens,
            password_change_required: signed_in.user.must_change_password(),
            grace_period: engine.factors.grace_period(&signed_in.user, now).into(),
            device_token: signed_in.device_token.as_ref().filter(|_| place == TokenPlace::Body).map(exposed),
        })
    }
}

fn exposed(token: &DeviceToken) -> String {
    token.expose_secret().to_owned()
}

/// The tokens of a refreshed session. The last two fields are there only while the password is
/// temporary.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefreshedView {
    #[serde(flatten)]
    tokens: PairView,
    grace_period: GracePeriodView,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_change_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

impl RefreshedView {
    pub(crate) fn reply(
        signed_in: &SignedIn,
        engine: &Engine,
        place: TokenPlace,
        now: DateTime<Utc>,
    ) -> Result<Reply<Self>, Problem> {
        let temporary = signed_in.user.must_change_password();
        hand_over(signed_in, engine, place, now, |tokens| Self {
            tokens,
            grace_period: engine.factors.grace_period(&signed_in.user, now).into(),
            password_change_required: temporary.then_some(true),
            message: temporary.then_some("Your password is temporary and must be changed."),
        })
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
