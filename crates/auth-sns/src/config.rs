//! Which account, and how.

use std::{fmt, time::Duration};

use auth_domain::guard::BreakerConfig;
use secrecy::SecretString;

/// How to reach SNS.
#[derive(Clone, Debug)]
pub struct SnsConfig {
    /// The AWS region, such as `us-east-1`; not each of them sends text messages.
    pub region: String,
    /// Another address than the region's own: for mocks and private endpoints.
    pub endpoint_url: Option<String>,
    /// The name that phones show instead of a number, where the country allows it.
    pub sender_id: Option<String>,
    /// Fixed credentials. When unset the usual chain is asked: environment, profile, web identity,
    /// container, instance.
    pub credentials: Option<SnsCredentials>,
    /// How long one message may take over all.
    pub limit: Duration,
    /// When to stop asking.
    pub breaker: BreakerConfig,
}

/// An access key.
#[derive(Clone)]
pub struct SnsCredentials {
    /// The key's public half.
    pub access_key_id: String,
    /// Its secret half.
    pub secret_access_key: SecretString,
    /// What temporary keys have besides.
    pub session_token: Option<SecretString>,
}

impl fmt::Debug for SnsCredentials {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl SnsConfig {
    /// The usual chain of credentials; 3 seconds; a rest of 5 seconds after 5 failures.
    pub fn new(region: impl Into<String>) -> Self {
        Self {
            region: region.into(),
            endpoint_url: None,
            sender_id: None,
            credentials: None,
            limit: Duration::from_secs(3),
            breaker: BreakerConfig::default(),
        }
    }

    /// All that cannot work; nothing when [`SnsSmsSender::new`](crate::SnsSmsSender::new) takes it.
    pub fn mistakes(&self) -> Vec<SnsConfigError> {
        let in_region = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_url = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        let region = !self.region.is_empty() && self.region.bytes().all(in_region);
        let sender_id = self.sender_id.as_deref().is_none_or(is_sender_id);
        let endpoint = self.endpoint_url.as_deref().is_none_or(is_url);
        let rules = [
            (region, SnsConfigError::Region),
            (sender_id, SnsConfigError::SenderId),
            (endpoint, SnsConfigError::Endpoint),
        ];
        rules.into_iter().filter(|(holds, _)| !holds).map(|(_, mistake)| mistake).collect()
    }
}

/// AWS: up to 11 letters, digits and hyphens, a letter among them, no hyphen at an end.
fn is_sender_id(id: &str) -> bool {
    (1..=11).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && id.bytes().any(|b| b.is_ascii_alphabetic())
        && !id.starts_with('-')
        && !id.ends_with('-')
}

/// SNS cannot be used as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnsConfigError {
    /// Not the name of a region.
    #[error("the AWS region is lower-case letters, digits and hyphens, such as us-east-1")]
    Region,
    /// Not a sender id.
    #[error("an SMS sender id is 1 to 11 letters, digits and inner hyphens, with at least one letter")]
    SenderId,
    /// Not an address.
    #[error("the AWS endpoint is an address beginning with http:// or https://")]
    Endpoint,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_found_at_start() {
        assert_eq!(SnsConfig::new("eu-central-1").mistakes(), []);
        assert_eq!(SnsConfig::new("").mistakes(), [SnsConfigError::Region]);
        assert_eq!(SnsConfig::new("US East").mistakes(), [SnsConfigError::Region]);
        let with = |endpoint: &str, id: &str| SnsConfig {
            endpoint_url: Some(endpoint.to_owned()),
            sender_id: Some(id.to_owned()),
            ..SnsConfig::new("us-east-1")
        };
        assert_eq!(with("http://localhost:1", "Acme").mistakes(), []);
        assert_eq!(with("localhost:1", "Acme").mistakes(), [SnsConfigError::Endpoint]);
        assert_eq!(with("x", "-").mistakes(), [SnsConfigError::SenderId, SnsConfigError::Endpoint]);
        for id in ["", "12345", "Acme Inc", "-Acme", "Acme-", "LongerThan11", "Äcme"] {
            assert_eq!(with("https://x", id).mistakes(), [SnsConfigError::SenderId], "{id}");
        }
    }
}
