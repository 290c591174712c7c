//! One call to the pool: its limit, its one repetition, the client's secret.

use std::{fmt, sync::Arc, time::Instant};

use auth_domain::{
    guard::{Breaker, BreakerWatch},
    port::IdentityError,
};
use aws_sdk_cognitoidentityprovider::{
    Client, Config,
    config::{BehaviorVersion, Region, retry::RetryConfig},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use secrecy::ExposeSecret as _;
use sha2::Sha256;
use tokio::time::timeout;
use tracing::Instrument as _;

use crate::{
    config::{CognitoConfig, CognitoConfigError},
    refusal::{Failed, Fate},
};

/// A user pool, as this server's client of it sees it.
pub(crate) struct Pool {
    config: CognitoConfig,
    issuer: String,
    client: Client,
    breaker: Breaker,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new(config: CognitoConfig) -> Result<Self, CognitoConfigError> {
        config.check()?;
        let breaker = Breaker::new("cognito", config.breaker);
        Ok(Self { issuer: config.issuer(), client: client(&config), breaker, config })
    }

    pub(crate) fn watched_by(mut self, watch: Arc<dyn BreakerWatch>) -> Self {
        self.breaker = self.breaker.watched_by(watch);
        self
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.config.client_id
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What proves that this client asks for `username`; nothing for a client without a secret.
    pub(crate) fn secret_hash(&self, username: &str) -> Option<String> {
        let secret = self.config.client_secret.as_ref()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
            .expect("an HMAC takes keys of any length");
        mac.update(username.as_bytes());
        mac.update(self.config.client_id.as_bytes());
        Some(STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// Runs one call of the port, which may be several to Cognito, within the limit.
    pub(crate) async fn run<T>(
        &self,
        call: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, IdentityError> {
        let permit = self
            .breaker
            .enter(Instant::now())
            .map_err(|resting| IdentityError::Unavailable(resting.into()))?;
        let limit = self.config.limit;
        let late = || Failed {
            error: IdentityError::Unavailable(format!("no answer within {limit:?}").into()),
            fate: Fate::Lost,
        };
        let span = tracing::info_span!(target: "auth_trace", "cognito call", otel.kind = "client");
        let outcome = timeout(limit, call).instrument(span).await.unwrap_or_else(|_| Err(late()));
        match &outcome {
            // What Cognito says of a user or of us is no fault of its: one user cannot make it rest for all.
            Ok(_) | Err(Failed { fate: Fate::Answered, .. }) => permit.succeeded(),
            Err(failed) => permit.failed(Instant::now(), &failed.error),
        };
        outcome.map_err(|failed| failed.error)
    }
}

/// Tries again where there was no connection: nothing was sent, no code spent, no message caused.
pub(crate) async fn once_more_if_not_sent<T, F>(attempt: impl Fn() -> F) -> Result<T, Failed>
where
    F: Future<Output = Result<T, Failed>>,
{
    match attempt().await {
        Err(Failed { fate: Fate::NotSent, .. }) => attempt().await,
        outcome => outcome,
    }
}

fn client(config: &CognitoConfig) -> Client {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut builder = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new(config.region.clone()))
        // The SDK would repeat what Cognito may have done.
        .retry_config(RetryConfig::disabled());
    builder.set_endpoint_url(config.endpoint_url.clone());
    Client::from_conf(builder.build())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn the_secret_hash_is_the_one_aws_describes() {
        let config = CognitoConfig::new("us-east-1", "us-east-1_Ab1", "4s8k2");
        assert_eq!(Pool::new(config.clone()).unwrap().secret_hash("ada"), None);
        let config = CognitoConfig { client_secret: Some("the secret".to_owned().into()), ..config };
        // printf 'ada@example.com4s8k2' | openssl dgst -sha256 -hmac 'the secret' -binary | base64
        let expected = "zW73mKNBkhdvRR8g/DT1SBETBgu+RM2pkzsY5YgV2Fs=";
        assert_eq!(Pool::new(config).unwrap().secret_hash("ada@example.com").as_deref(), Some(expected));
    }

    #[tokio::test]
    async fn tries_once_more_only_when_nothing_was_sent() {
        let failed = |fate| Failed { error: IdentityError::Disabled, fate };
        for (fate, attempts) in [(Fate::NotSent, 2), (Fate::Lost, 1), (Fate::Answered, 1)] {
            let count = AtomicU32::new(0);
            let attempt = || {
                count.fetch_add(1, Ordering::Relaxed);
                std::future::ready(Err::<(), _>(failed(fate)))
            };
            assert_eq!(once_more_if_not_sent(attempt).await.unwrap_err().fate, fate);
            assert_eq!(count.into_inner(), attempts, "{fate:?}");
        }
    }
}
