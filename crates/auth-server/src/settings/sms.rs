//! What happens to text messages, and how many there may be.

use auth_domain::guard::pumping::{ConversionPolicy, SmsPolicy, is_country};
use secrecy::SecretString;

use super::{
    parse::{self, BaseUrl, Wrong},
    reader::Reader,
    table,
};

/// What happens to text messages.
#[derive(Clone, Debug)]
pub enum SmsDelivery {
    /// They are shown in the dev mailbox and go nowhere else.
    Capture,
    /// Nothing is sent.
    Off,
    /// AWS SNS takes them.
    Sns(Box<SnsSettings>),
}

/// The AWS account, and in whose name it is given messages.
#[derive(Clone, Debug)]
pub struct SnsSettings {
    /// The region.
    pub region: String,
    /// Another address than the region's own.
    pub endpoint: Option<BaseUrl>,
    /// The name that phones show instead of a number.
    pub sender_id: Option<String>,
    /// An access key of the settings. Without one, the SDK looks where the machine keeps its own.
    pub access_key: Option<AwsAccessKey>,
}

/// An access key of AWS.
#[derive(Clone, Debug)]
pub struct AwsAccessKey {
    /// Its public half.
    pub id: String,
    /// Its secret half.
    pub secret: SecretString,
    /// What temporary keys have besides.
    pub session_token: Option<SecretString>,
}

impl SnsSettings {
    /// Whether messages cross the network unencrypted.
    pub fn is_open_to_readers(&self) -> bool {
        self.endpoint.as_ref().is_some_and(BaseUrl::is_open_to_readers)
    }
}

/// Reads what becomes of text messages. Without `SMS_PROVIDER`, a region that is named sends them.
pub(super) fn sms(from: &mut Reader) -> SmsDelivery {
    let provider = from.optional(&table::SMS_PROVIDER, |text| match text.to_ascii_lowercase().as_str() {
        word @ ("capture" | "sns" | "off") => Ok(word.to_owned()),
        _ => Err(Wrong::Shape),
    });
    let sns = sns(from);
    match (provider.as_deref(), sns) {
        (Some("off"), _) => SmsDelivery::Off,
        (Some("sns") | None, Some(sns)) => SmsDelivery::Sns(Box::new(sns)),
        (Some("sns"), None) => {
            from.refuse(&table::SMS_PROVIDER, "sns needs AWS_REGION, such as us-east-1");
            SmsDelivery::Off
        }
        (_, _) => SmsDelivery::Capture,
    }
}

/// The account, if a region is named.
fn sns(from: &mut Reader) -> Option<SnsSettings> {
    let region = from.optional(&table::AWS_REGION, parse::plain);
    let endpoint = from.optional(&table::AWS_ENDPOINT_URL, parse::base_url);
    let endpoint_of_sns = from.optional(&table::AWS_ENDPOINT_URL_SNS, parse::base_url);
    let sender_id = from.optional(&table::SMS_SENDER_ID, parse::plain);
    let access_key = access_key(from);
    Some(SnsSettings { region: region?, endpoint: endpoint_of_sns.or(endpoint), sender_id, access_key })
}

fn access_key(from: &mut Reader) -> Option<AwsAccessKey> {
    let id = from.optional(&table::AWS_ACCESS_KEY_ID, parse::plain);
    let secret = from.optional(&table::AWS_SECRET_ACCESS_KEY, |text| Ok(SecretString::from(text)));
    let session_token = from.optional(&table::AWS_SESSION_TOKEN, |text| Ok(SecretString::from(text)));
    match (id, secret) {
        (Some(id), Some(secret)) => Some(AwsAccessKey { id, secret, session_token }),
        (Some(_), None) => {
            from.refuse(&table::AWS_ACCESS_KEY_ID, "is set, so AWS_SECRET_ACCESS_KEY must be");
            None
        }
        (None, Some(_)) => {
            from.refuse(&table::AWS_SECRET_ACCESS_KEY, "is set, so AWS_ACCESS_KEY_ID must be");
            None
        }
        (None, None) => None,
    }
}

/// Reads how many messages there may be, and to whom.
pub(super) fn policy(from: &mut Reader) -> SmsPolicy {
    let percent = from.number(&table::SMS_MIN_CONVERSION_PERCENT);
    SmsPolicy {
        countries: from.value(&table::SMS_COUNTRIES, countries),
        per_hour: from.number(&table::SMS_MAX_PER_HOUR),
        per_day_each: from.number(&table::SMS_MAX_PER_DAY),
        per_prefix_and_hour: from.number(&table::SMS_MAX_PER_RANGE_AND_HOUR),
        per_network_and_hour: from.number(&table::SMS_MAX_PER_NETWORK_AND_HOUR),
        pairs: from.number(&table::SMS_MAX_NUMBERS),
        conversion: ConversionPolicy { percent, ..ConversionPolicy::default() },
        per_day: from.number(&table::SMS_DAILY_LIMIT),
    }
}

/// Reads the country that numbers without calling code are of.
pub(super) fn default_region(from: &mut Reader, policy: &SmsPolicy) -> String {
    let first = policy.countries.first().cloned().unwrap_or_default();
    from.value_or(&table::SMS_DEFAULT_REGION, first, country)
}

/// A list of countries, at least one.
fn countries(text: &str) -> Result<Vec<String>, Wrong> {
    let countries = parse::list(text)?.iter().map(|item| country(item)).collect::<Result<Vec<_>, _>>()?;
    if countries.is_empty() { Err(Wrong::Shape) } else { Ok(countries) }
}

fn country(text: &str) -> Result<String, Wrong> {
    let code = text.to_ascii_uppercase();
    if is_country(&code) { Ok(code) } else { Err(Wrong::Shape) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_machine_is_near_enough_for_plain_http() {
        let open = |endpoint: Option<&str>| {
            let endpoint = endpoint.map(|url| parse::base_url(url).unwrap());
            let region = "us-east-1".to_owned();
            SnsSettings { region, endpoint, sender_id: None, access_key: None }.is_open_to_readers()
        };
        for near in
            ["http://127.0.0.1:5000", "http://localhost", "http://[::1]:5000/x", "https://sns.internal"]
        {
            assert!(!open(Some(near)), "{near}");
        }
        assert!(!open(None));
        for far in ["http://sns.internal:5000", "http://10.0.0.1", "http://127.0.0.1.example.com"] {
            assert!(open(Some(far)), "{far}");
        }
    }

    #[test]
    fn countries_are_known_ones() {
        assert_eq!(countries(" us,Ca"), Ok(vec!["US".to_owned(), "CA".to_owned()]));
        for bad in ["UK", "USA", "001", "Germany", "US CA", ",", "*"] {
            assert_eq!(countries(bad), Err(Wrong::Shape), "{bad}");
        }
    }
}
