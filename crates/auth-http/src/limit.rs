//! How often one address may call one route, and one API key any.

use std::net::IpAddr;

use auth_domain::{
    id::ApiKeyId,
    port::{Admission, Quota},
};
use chrono::{DateTime, Utc};

use crate::{
    app::Gate,
    operation::{Limit, Spec},
    origin,
    problem::Problem,
    settings::Quotas,
};

/// Counts one call, after the caller and the fields were found right and before anything is done.
///
/// # Errors
/// 429 beyond the quota, 503 when the counters cannot be reached.
pub(crate) async fn admit(
    gate: &Gate,
    spec: &Spec,
    client: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let Some(quota) = quota(spec.limit, &gate.settings.quotas) else { return Ok(()) };
    let key = format!("http:{} {}:{}", spec.method, spec.path, origin::name(client));
    count(gate, (spec.limit, quota), &key, now).await
}

/// Counts one call with an API key, from wherever it came.
///
/// # Errors
/// As for [`admit`].
pub(crate) async fn admit_key(gate: &Gate, id: ApiKeyId, now: DateTime<Utc>) -> Result<(), Problem> {
    count(gate, (Limit::ApiKey, gate.settings.quotas.api_key), &format!("api-key:{id}"), now).await
}

async fn count(
    gate: &Gate,
    (limit, quota): (Limit, Quota),
    key: &str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let verdict = gate.limiter.admit(key, quota, now).await;
    gate.metrics.limits.judged(limit, &verdict);
    match verdict? {
        Admission::Admitted => Ok(()),
        Admission::Refused { retry_after } => {
            tracing::info!(limit = quota.limit, "rate limit reached");
            Err(Problem::rate_limited(quota, retry_after))
        }
    }
}

const fn quota(limit: Limit, quotas: &Quotas) -> Option<Quota> {
    match limit {
        Limit::General => Some(quotas.general),
        Limit::Login => Some(quotas.login),
        Limit::PasswordReset => Some(quotas.password_reset),
        Limit::Default => Some(quotas.default),
        Limit::ApiKey | Limit::Exempt => None,
    }
}
