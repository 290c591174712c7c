//! Where text messages go, and how many there may be.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use auth_domain::{
    guard::pumping::{SmsPolicy, destination},
    port::{SmsError, SmsReceipt, SmsSender, SmsText},
    user::PhoneNumber,
};
use auth_smtp::CapturingSender;
use auth_sns::{SnsConfig, SnsConfigError, SnsCredentials, SnsSmsSender};

use super::watch::PartWatch;
use crate::settings::{Settings, SmsDelivery, SnsSettings, Spec, table};

/// Takes text messages.
///
/// # Errors
/// One sentence about what cannot be used.
pub(super) fn sender(
    settings: &Settings,
    mailbox: Option<&Arc<CapturingSender>>,
    watch: &Arc<PartWatch>,
) -> anyhow::Result<Arc<dyn SmsSender>> {
    Ok(match (&settings.sms, mailbox) {
        (SmsDelivery::Sns(sns), _) => Arc::new(sns_sender(sns)?.watched_by(Arc::clone(watch) as _)),
        (SmsDelivery::Capture, Some(mailbox)) => Arc::clone(mailbox) as _,
        (SmsDelivery::Capture | SmsDelivery::Off, _) => Arc::new(Nobody),
    })
}

/// How many there may be: none where nobody takes them, so that nothing is counted either.
pub(super) fn policy(settings: &Settings) -> SmsPolicy {
    let policy = settings.sms_policy.clone();
    match settings.sms {
        SmsDelivery::Off => SmsPolicy { per_day: 0, ..policy },
        SmsDelivery::Capture | SmsDelivery::Sns(_) => policy,
    }
}

/// Takes nothing: `SMS_PROVIDER=off`.
struct Nobody;

#[async_trait]
impl SmsSender for Nobody {
    async fn send(&self, _: &PhoneNumber, _: &SmsText) -> Result<SmsReceipt, SmsError> {
        Err(SmsError::Unavailable("SMS_PROVIDER is off".into()))
    }
}

fn config(sns: &SnsSettings) -> SnsConfig {
    let credentials = sns.access_key.as_ref().map(|key| SnsCredentials {
        access_key_id: key.id.clone(),
        secret_access_key: key.secret.clone(),
        session_token: key.session_token.clone(),
    });
    SnsConfig {
        endpoint_url: sns.endpoint.as_ref().map(|url| url.as_str().to_owned()),
        sender_id: sns.sender_id.clone(),
        credentials,
        ..SnsConfig::new(&sns.region)
    }
}

fn sns_sender(sns: &SnsSettings) -> anyhow::Result<SnsSmsSender> {
    SnsSmsSender::new(config(sns)).context("cannot use AWS SNS")
}

/// What SNS refuses of the settings: which of them, and one line about it.
pub(super) fn refusals(settings: &Settings) -> Vec<(&'static Spec, String)> {
    let SmsDelivery::Sns(sns) = &settings.sms else { return Vec::new() };
    let refusal = |mistake: SnsConfigError| {
        let spec = match mistake {
            SnsConfigError::SenderId => &table::SMS_SENDER_ID,
            SnsConfigError::Endpoint => &table::AWS_ENDPOINT_URL,
            _ => &table::AWS_REGION,
        };
        (spec, mistake.to_string())
    };
    config(sns).mistakes().into_iter().map(refusal).collect()
}

/// Looks for credentials, and sends a text to `to` where the server would; says what was found.
///
/// # Errors
/// What is missing, or what SNS says no to.
pub(crate) async fn check(settings: &Settings, to: Option<&str>) -> anyhow::Result<String> {
    let sns = match &settings.sms {
        SmsDelivery::Sns(sns) => sns,
        SmsDelivery::Capture => {
            anyhow::bail!("text messages are captured in the dev mailbox; AWS_REGION has them sent")
        }
        SmsDelivery::Off => anyhow::bail!("text messages are switched off; see SMS_PROVIDER"),
    };
    let sender = sns_sender(sns)?;
    sender.find_credentials().await.context("no credentials of AWS")?;
    let place = sns.endpoint.as_ref().map_or_else(|| sns.region.clone(), ToString::to_string);
    let Some(to) = to else {
        return Ok(format!("credentials for SNS at {place} are there; nothing was sent"));
    };
    let to = &PhoneNumber::read(to, &settings.sms_default_region)?;
    let policy = policy(settings);
    anyhow::ensure!(policy.per_day > 0, "SMS_DAILY_LIMIT is 0: nothing is sent");
    destination(to, &policy.countries).context("the server would not send to this number")?;
    let text = SmsText::new(format!("{}: a test message", settings.branding_name));
    let receipt = sender.send(to, &text).await.context("the message was not taken")?;
    Ok(format!("SNS at {place} took the message as {}", receipt.message_id.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use auth_crypto::SystemClock;
    use auth_domain::port::{Channel, Mailbox as _, MailboxFilter};

    use super::*;
    use crate::{settings::Inputs, wire::mail};

    fn settings<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Settings {
        Settings::from_inputs(&Inputs::only(values)).unwrap().settings
    }

    async fn send(sender: &dyn SmsSender) -> Result<SmsReceipt, SmsError> {
        let to = PhoneNumber::parse("+12125550123").unwrap();
        sender.send(&to, &SmsText::new("Your login code is: 048213".to_owned())).await
    }

    #[tokio::test]
    async fn captured_messages_show_in_the_mailbox() {
        let directory = tempfile::tempdir().unwrap();
        // Mail that leaves is no reason to have no mailbox.
        let settings = settings([
            ("DATA_DIR", directory.path().to_str().unwrap()),
            ("SMTP_HOST", "smtp.example.com"),
            ("EMAILS_FROM_EMAIL", "noreply@example.com"),
        ]);
        let clock = Arc::new(SystemClock) as _;
        let mailbox = mail::mailbox(&settings, &clock).unwrap().unwrap();
        let receipt = send(&*sender(&settings, Some(&mailbox), &PartWatch::new().0).unwrap()).await.unwrap();
        let filter = MailboxFilter { channel: Some(Channel::Sms), ..MailboxFilter::default() };
        let [message] = mailbox.list(&filter).await.unwrap().try_into().unwrap();
        assert_eq!(
            (message.to.as_str(), message.text.as_str()),
            ("+12125550123", "Your login code is: 048213")
        );
        assert_eq!(receipt.message_id, Some(message.id.to_string()));
    }

    #[tokio::test]
    async fn switched_off_nothing_is_sent_nor_counted() {
        let settings = settings([("SMS_PROVIDER", "off"), ("AWS_REGION", "us-east-1")]);
        let refused = send(&*sender(&settings, None, &PartWatch::new().0).unwrap()).await.unwrap_err();
        assert!(matches!(refused, SmsError::Unavailable(_)), "{refused:?}");
        assert_eq!(policy(&settings), SmsPolicy { per_day: 0, ..SmsPolicy::default() });
    }

    #[test]
    fn settings_become_numbers_of_the_defences() {
        assert_eq!(policy(&settings([])), SmsPolicy::default());
        let policy = policy(&settings([
            ("SMS_COUNTRIES", "GB, de"),
            ("SMS_MAX_PER_HOUR", "1"),
            ("SMS_MAX_PER_DAY", "2"),
            ("SMS_MAX_PER_RANGE_AND_HOUR", "3"),
            ("SMS_MAX_PER_NETWORK_AND_HOUR", "4"),
            ("SMS_MAX_NUMBERS", "5"),
            ("SMS_MIN_CONVERSION_PERCENT", "6"),
            ("SMS_DAILY_LIMIT", "0"),
        ]));
        let limits = [policy.per_hour, policy.per_day_each, policy.per_prefix_and_hour];
        assert_eq!((policy.countries, limits), (vec!["GB".to_owned(), "DE".to_owned()], [1, 2, 3]));
        let limits = [policy.per_network_and_hour, policy.pairs, policy.conversion.percent, policy.per_day];
        assert_eq!((limits, policy.conversion.batch), ([4, 5, 6, 0], 50));
    }

    #[test]
    fn what_is_set_reaches_sns() {
        let values = BTreeMap::from([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:2"),
            ("SMS_SENDER_ID", "Acme"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
            ("AWS_SESSION_TOKEN", "hunter3"),
        ]);
        let settings = settings(values);
        let SmsDelivery::Sns(sns) = &settings.sms else { panic!("{:?}", settings.sms) };
        let config = config(sns);
        assert_eq!((config.region.as_str(), config.sender_id.as_deref()), ("eu-west-1", Some("Acme")));
        assert_eq!(config.endpoint_url.as_deref(), Some("http://127.0.0.1:2"));
        let credentials = config.credentials.as_ref().unwrap();
        assert!(credentials.session_token.is_some());
        assert_eq!(credentials.access_key_id, "AKIDEXAMPLE");
        assert!(!format!("{settings:?} {config:?}").contains("hunter"));
    }
}
