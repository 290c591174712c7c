//! How often one address may call one route.

use std::net::{IpAddr, Ipv6Addr};

use auth_domain::port::{Admission, Quota};
use chrono::{DateTime, Utc};

use crate::{
    app::Gate,
    operation::{Limit, Spec},
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
    let key = format!("http:{} {}:{}", spec.method, spec.path, origin(client));
    match gate.limiter.admit(&key, quota, now).await? {
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
        Limit::Exempt => None,
    }
}

/// What counts as one client: an IPv4 address, or the /64 that one IPv6 client has to itself.
fn origin(client: Option<IpAddr>) -> String {
    match client {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => {
            format!("{}/64", Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)))
        }
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_client() {
        let table = [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("192.0.2.1", "192.0.2.1"),
        ];
        for (address, key) in table {
            assert_eq!(origin(Some(address.parse().unwrap())), key);
        }
        assert_eq!(origin(None), "unknown");
    }
}
