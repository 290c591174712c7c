//! The port.

use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;
use auth_domain::{
    guard::{Breaker, BreakerWatch},
    port::{SmsError, SmsReceipt, SmsSender, SmsText},
    user::PhoneNumber,
};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sns::{
    Client,
    config::{
        Credentials, ProvideCredentials as _, SharedCredentialsProvider, SharedHttpClient, retry::RetryConfig,
    },
    types::MessageAttributeValue,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use secrecy::ExposeSecret as _;
use tokio::{sync::OnceCell, time::timeout};
use tracing::Instrument as _;

use crate::{
    config::{SnsConfig, SnsConfigError, SnsCredentials},
    refusal::{Failed, context, failed},
};

/// Sends text messages through AWS SNS, as transactional ones.
///
/// Each message is tried once, within [`SnsConfig::limit`]; once more only when there was no connection,
/// because SNS knows no key that would tell a repetition from a second message. After several failures
/// in a row it rests and answers at once.
pub struct SnsSmsSender {
    config: SnsConfig,
    account: OnceCell<Account>,
    breaker: Breaker,
}

/// How to talk to SNS, and as whom.
struct Account {
    client: Client,
    credentials: Option<SharedCredentialsProvider>,
}

impl fmt::Debug for SnsSmsSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsSmsSender").field("config", &self.config).finish_non_exhaustive()
    }
}

impl SnsSmsSender {
    /// Prepares sending. Connects and asks for credentials when the first message is due.
    ///
    /// # Errors
    /// [`SnsConfigError`] when the configuration cannot work.
    pub fn new(config: SnsConfig) -> Result<Self, SnsConfigError> {
        if let Some(mistake) = config.mistakes().into_iter().next() {
            return Err(mistake);
        }
        let breaker = Breaker::new("sns", config.breaker);
        Ok(Self { config, account: OnceCell::new(), breaker })
    }

    /// The same sender, with somebody who is told when it begins to rest, and when SNS answers again.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn BreakerWatch>) -> Self {
        self.breaker = self.breaker.watched_by(watch);
        self
    }

    /// Looks for credentials where a message would, and sends nothing: that AWS takes them, and allows
    /// what they are for, only a message shows.
    ///
    /// # Errors
    /// [`SmsError::Misconfigured`] when there are none within [`SnsConfig::limit`].
    pub async fn find_credentials(&self) -> Result<(), SmsError> {
        let limit = self.config.limit;
        let search = async {
            match &self.account().await.credentials {
                Some(chain) => chain.provide_credentials().await.map_err(|error| context(&error)),
                None => Err("there is nowhere to look for credentials".into()),
            }
        };
        let found = timeout(limit, search).await;
        let found = found.unwrap_or_else(|_| Err(format!("no credentials within {limit:?}").into()));
        found.map(drop).map_err(SmsError::Misconfigured)
    }

    async fn account(&self) -> &Account {
        self.account.get_or_init(|| connect(&self.config)).await
    }

    async fn attempt(&self, to: &PhoneNumber, text: &SmsText) -> Result<SmsReceipt, Failed> {
        let account = self.account().await;
        let mut publish = account
            .client
            .publish()
            .phone_number(to.as_str())
            .message(text.expose_secret())
            .message_attributes("AWS.SNS.SMS.SMSType", string("Transactional"));
        if let Some(id) = &self.config.sender_id {
            publish = publish.message_attributes("AWS.SNS.SMS.SenderID", string(id));
        }
        match publish.send().await {
            Ok(answer) => Ok(SmsReceipt { message_id: answer.message_id }),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn within_limit(&self, to: &PhoneNumber, text: &SmsText) -> Result<SmsReceipt, SmsError> {
        let limit = self.config.limit;
        timeout(limit, once_more_if_not_sent(|| self.attempt(to, text)))
            .await
            .unwrap_or_else(|_| Err(SmsError::Unavailable(format!("no answer within {limit:?}").into())))
    }
}

#[async_trait]
impl SmsSender for SnsSmsSender {
    async fn send(&self, to: &PhoneNumber, text: &SmsText) -> Result<SmsReceipt, SmsError> {
        let permit =
            self.breaker.enter(Instant::now()).map_err(|resting| SmsError::Unavailable(resting.into()))?;
        let span = tracing::info_span!(target: "auth_trace", "sns publish", otel.kind = "client");
        let outcome = self.within_limit(to, text).instrument(span).await;
        match &outcome {
            Err(failure @ (SmsError::Unavailable(_) | SmsError::Throttled(_))) => {
                permit.failed(Instant::now(), failure)
            }
            // SNS answers: what it says about a number or about us is no fault of its.
            _ => permit.succeeded(),
        };
        outcome
    }
}

async fn once_more_if_not_sent<F>(attempt: impl Fn() -> F) -> Result<SmsReceipt, SmsError>
where
    F: Future<Output = Result<SmsReceipt, Failed>>,
{
    match attempt().await {
        Err(Failed::NotSent(SmsError::Unavailable(_))) => attempt().await,
        outcome => outcome,
    }
    .map_err(Failed::into_error)
}

async fn connect(config: &SnsConfig) -> Account {
    let http: SharedHttpClient =
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let region = Region::new(config.region.clone());
    let (builder, credentials) = if let Some(fixed) = &config.credentials {
        let credentials = SharedCredentialsProvider::new(fixed_credentials(fixed));
        let builder = aws_sdk_sns::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .region(region)
            .credentials_provider(credentials.clone());
        (builder, Some(credentials))
    } else {
        let chain = aws_config::defaults(BehaviorVersion::latest()).http_client(http).region(region);
        let chain = chain.load().await;
        (aws_sdk_sns::config::Builder::from(&chain), chain.credentials_provider())
    };
    // The SDK would repeat what SNS may have taken.
    let mut builder = builder.retry_config(RetryConfig::disabled());
    // Unset, it is not what the SDK would read from the environment either.
    builder.set_endpoint_url(config.endpoint_url.clone());
    Account { client: Client::from_conf(builder.build()), credentials }
}

fn fixed_credentials(fixed: &SnsCredentials) -> Credentials {
    let secret = fixed.secret_access_key.expose_secret();
    let token = fixed.session_token.as_ref().map(|token| token.expose_secret().to_owned());
    Credentials::new(&fixed.access_key_id, secret, token, None, "settings")
}

fn string(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
    attribute.build().expect("the data type, which alone is required, is set")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn unavailable() -> SmsError {
        SmsError::Unavailable("for the test".into())
    }

    async fn attempts(outcome: impl Fn(u32) -> Result<SmsReceipt, Failed>) -> (u32, bool) {
        let count = AtomicU32::new(0);
        let attempt = || std::future::ready(outcome(count.fetch_add(1, Ordering::Relaxed)));
        let result = once_more_if_not_sent(attempt).await;
        (count.into_inner(), result.is_ok())
    }

    #[tokio::test]
    async fn tries_once_more_only_when_nothing_was_sent() {
        let taken = || Ok(SmsReceipt::default());
        assert_eq!(attempts(|_| taken()).await, (1, true));
        assert_eq!(attempts(|_| Err(Failed::Sent(unavailable()))).await, (1, false));
        assert_eq!(attempts(|_| Err(Failed::NotSent(unavailable()))).await, (2, false));
        let second = |attempt| if attempt == 0 { Err(Failed::NotSent(unavailable())) } else { taken() };
        assert_eq!(attempts(second).await, (2, true));
        let ours = |_| Err(Failed::NotSent(SmsError::Misconfigured("for the test".into())));
        assert_eq!(attempts(ours).await, (1, false));
    }
}
