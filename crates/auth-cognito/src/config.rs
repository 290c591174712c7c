//! Which user pool, and how.

use std::time::Duration;

use auth_domain::guard::BreakerConfig;
use secrecy::{ExposeSecret as _, SecretString};

/// How to reach a user pool. `Debug` leaves the secret out.
#[derive(Clone, Debug)]
pub struct CognitoConfig {
    /// The AWS region, such as `us-east-1`.
    pub region: String,
    /// The user pool, such as `us-east-1_Ab1Cd2Ef3`.
    pub pool_id: String,
    /// This server's client in the pool.
    pub client_id: String,
    /// The client's secret, if it has one.
    pub client_secret: Option<SecretString>,
    /// Another address than the region's own: for mocks and private endpoints. The pool's keys are
    /// fetched there too.
    pub endpoint_url: Option<String>,
    /// Another issuer than the pool's own name for itself: for mocks.
    pub issuer: Option<String>,
    /// How long one call may take over all.
    pub limit: Duration,
    /// When to stop asking.
    pub breaker: BreakerConfig,
    /// How long at least between two fetches of the pool's keys.
    pub keys_pause: Duration,
    /// How long keys are believed that cannot be fetched again.
    pub keys_life: Duration,
}

impl CognitoConfig {
    /// 3 seconds for a call; a rest of 5 seconds after 5 failures; keys fetched at most every 10
    /// seconds, and believed for a day.
    pub fn new(region: impl Into<String>, pool_id: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            region: region.into(),
            pool_id: pool_id.into(),
            client_id: client_id.into(),
            client_secret: None,
            endpoint_url: None,
            issuer: None,
            limit: Duration::from_secs(3),
            breaker: BreakerConfig::default(),
            keys_pause: Duration::from_secs(10),
            keys_life: Duration::from_hours(24),
        }
    }

    /// All that cannot work; nothing when [`Cognito::new`](crate::Cognito::new) and
    /// [`CognitoTokens::new`](crate::CognitoTokens::new) take it.
    pub fn mistakes(&self) -> Vec<CognitoConfigError> {
        let secret = self.client_secret.as_ref().is_none_or(|secret| !secret.expose_secret().is_empty());
        let rules = [
            (is_region(&self.region), CognitoConfigError::Region),
            (self.is_pool(), CognitoConfigError::Pool),
            (is_client(&self.client_id), CognitoConfigError::Client),
            (secret, CognitoConfigError::Secret),
            (self.endpoint_url.as_deref().is_none_or(is_url), CognitoConfigError::Endpoint),
            (self.issuer.as_deref().is_none_or(is_url), CognitoConfigError::Issuer),
        ];
        rules.into_iter().filter(|(holds, _)| !holds).map(|(_, mistake)| mistake).collect()
    }

    /// The first of [`mistakes`](Self::mistakes).
    pub(crate) fn check(&self) -> Result<(), CognitoConfigError> {
        self.mistakes().into_iter().next().map_or(Ok(()), Err)
    }

    /// Who signs the pool's tokens.
    pub(crate) fn issuer(&self) -> String {
        self.issuer.clone().unwrap_or_else(|| format!("{}/{}", self.aws_address(), self.pool_id))
    }

    /// Where the pool's keys are.
    pub(crate) fn keys_url(&self) -> String {
        let address = self.endpoint_url.clone().unwrap_or_else(|| self.aws_address());
        format!("{}/{}/.well-known/jwks.json", address.trim_end_matches('/'), self.pool_id)
    }

    fn aws_address(&self) -> String {
        let china = if self.region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://cognito-idp.{}.amazonaws.com{china}", self.region)
    }

    /// The name of a pool, and at AWS one of this region: mixed up, every call would fail.
    fn is_pool(&self) -> bool {
        let named = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        self.pool_id.len() <= 55
            && self.pool_id.split_once('_').is_some_and(|(region, name)| {
                (self.endpoint_url.is_some() || region == self.region)
                    && named(region)
                    && named(name)
                    && !name.is_empty()
            })
    }
}

fn is_region(region: &str) -> bool {
    let in_region = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !region.is_empty() && region.bytes().all(in_region)
}

fn is_client(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+".contains(&b))
}

fn is_url(url: &str) -> bool {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()) && !rest.contains(['?', '#', '@'])
    })
}

/// Cognito cannot be used as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CognitoConfigError {
    /// Not the name of a region.
    #[error("the AWS region is lower-case letters, digits and hyphens, such as us-east-1")]
    Region,
    /// Not the name of a user pool, or of another region.
    #[error("the user pool is named by its region, an underscore and letters, such as us-east-1_Ab1Cd2Ef3")]
    Pool,
    /// Not the id of a client.
    #[error("the client of the user pool is 1 to 128 letters and digits")]
    Client,
    /// A secret of nothing.
    #[error("the client's secret is empty; leave it unset for a client without one")]
    Secret,
    /// Not an address.
    #[error("the Cognito endpoint is an address beginning with http:// or https://, without a query")]
    Endpoint,
    /// Not an address.
    #[error("the Cognito issuer is an address beginning with http:// or https://, without a query")]
    Issuer,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> CognitoConfig {
        CognitoConfig::new("eu-central-1", "eu-central-1_Ab1", "4s8k2")
    }

    #[test]
    fn mistakes_are_found_at_start() {
        assert_eq!(config().mistakes(), []);
        let bad = CognitoConfig {
            client_secret: Some(String::new().into()),
            issuer: Some("pool".to_owned()),
            ..CognitoConfig::new("EU", "eu_", "a b")
        };
        let all = [
            CognitoConfigError::Region,
            CognitoConfigError::Pool,
            CognitoConfigError::Client,
            CognitoConfigError::Secret,
            CognitoConfigError::Issuer,
        ];
        assert_eq!(bad.mistakes(), all);
        for pool_id in ["", "_", "us-east-1_Ab1", "eu-central-1", "eu-central-1_a/b", "eu-central-1_a_b"] {
            let bad = CognitoConfig { pool_id: pool_id.to_owned(), ..config() };
            assert_eq!(bad.mistakes(), [CognitoConfigError::Pool], "{pool_id}");
        }
        for endpoint in ["localhost:1", "http://", "http://a b", "https://x?y", "https://a@b"] {
            let bad = CognitoConfig { endpoint_url: Some(endpoint.to_owned()), ..config() };
            assert_eq!(bad.mistakes(), [CognitoConfigError::Endpoint], "{endpoint}");
        }
    }

    #[test]
    fn a_mock_may_name_its_pools_as_it_likes() {
        let mock = CognitoConfig {
            pool_id: "local_Ab1".to_owned(),
            endpoint_url: Some("http://127.0.0.1:1/".to_owned()),
            ..config()
        };
        assert_eq!(mock.mistakes(), []);
        assert_eq!(mock.keys_url(), "http://127.0.0.1:1/local_Ab1/.well-known/jwks.json");
    }

    #[test]
    fn issuer_and_keys_are_the_pools_own_unless_told_otherwise() {
        let own = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1";
        assert_eq!(config().issuer(), own);
        assert_eq!(config().keys_url(), format!("{own}/.well-known/jwks.json"));
        let told = CognitoConfig { issuer: Some("http://issuer".to_owned()), ..config() };
        assert_eq!(told.issuer(), "http://issuer");
        assert_eq!(told.keys_url(), format!("{own}/.well-known/jwks.json"));
        let china = CognitoConfig::new("cn-north-1", "cn-north-1_Ab1", "4s8k2");
        assert_eq!(china.issuer(), "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab1");
    }

    #[test]
    fn debug_shows_no_secret() {
        let config = CognitoConfig { client_secret: Some("hidden".to_owned().into()), ..config() };
        assert!(!format!("{config:?}").contains("hidden"));
    }
}
