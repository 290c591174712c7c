//! What becomes of text messages.

use auth_server::settings::{SmsDelivery, SnsSettings};

use crate::support::Place;

fn sms(place: &Place) -> SmsDelivery {
    place.load().settings.sms
}

fn sns(place: &Place) -> SnsSettings {
    match sms(place) {
        SmsDelivery::Sns(sns) => *sns,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_region_that_is_named_sends_unless_said_otherwise() {
    let nowhere = Place::new;
    let somewhere = || Place::new().env("AWS_REGION", "us-east-1");
    assert!(matches!(sms(&nowhere()), SmsDelivery::Capture));
    assert!(matches!(sms(&nowhere().env("SMS_PROVIDER", "capture")), SmsDelivery::Capture));
    assert!(matches!(sms(&nowhere().env("SMS_PROVIDER", "off")), SmsDelivery::Off));
    assert_eq!(
        nowhere().env("SMS_PROVIDER", "sns").refusal(),
        "SMS_PROVIDER (environment): sns needs AWS_REGION, such as us-east-1"
    );
    assert_eq!(sns(&somewhere()).region, "us-east-1");
    assert_eq!(sns(&somewhere().env("SMS_PROVIDER", "SNS")).region, "us-east-1");
    assert!(matches!(sms(&somewhere().env("SMS_PROVIDER", "capture")), SmsDelivery::Capture));
    assert!(matches!(sms(&somewhere().env("SMS_PROVIDER", "off")), SmsDelivery::Off));
}

#[test]
fn the_dev_mailbox_is_there_while_something_is_captured() {
    let mail_leaves =
        || Place::new().env("SMTP_HOST", "smtp.example.com").env("EMAILS_FROM_EMAIL", "noreply@example.com");
    assert!(mail_leaves().load().settings.has_dev_mailbox());
    assert!(!mail_leaves().env("AWS_REGION", "us-east-1").load().settings.has_dev_mailbox());
}

#[test]
fn the_endpoint_of_sns_wins_over_the_one_of_all_services() {
    let place = Place::new().env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", "http://127.0.0.1:1/");
    let endpoint = |place: &Place| sns(place).endpoint.map(|url| url.to_string());
    assert_eq!(endpoint(&place).as_deref(), Some("http://127.0.0.1:1"));
    let place = place.env("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:2");
    assert_eq!(endpoint(&place).as_deref(), Some("http://127.0.0.1:2"));
}

#[test]
fn an_access_key_may_stand_where_other_settings_do() {
    let file = "AWS_REGION=us-east-1\nAWS_ACCESS_KEY_ID=AKIDEXAMPLE\nAWS_SECRET_ACCESS_KEY=hunter2\n";
    let place = Place::new().file(".env", &format!("{file}AWS_DEFAULT_REGION=us-east-1"));
    let sns = sns(&place);
    let key = sns.access_key.as_ref().unwrap();
    assert_eq!((key.id.as_str(), key.session_token.is_none()), ("AKIDEXAMPLE", true));
    assert!(!format!("{sns:?} {:?}", place.load().effective).contains("hunter2"));
    assert!(self::sns(&Place::new().env("AWS_REGION", "us-east-1")).access_key.is_none());
}

#[test]
fn all_that_sns_refuses_is_told_at_once() {
    let place = Place::new().env("AWS_REGION", "nowhere!").env("SMS_SENDER_ID", "Acme Inc");
    let id = "an SMS sender id is 1 to 11 letters, digits and inner hyphens, with at least one letter";
    assert_eq!(
        place.refusals(),
        [
            "AWS_REGION (environment): the AWS region is lower-case letters, digits and hyphens, such as us-east-1"
                .to_owned(),
            format!("SMS_SENDER_ID (environment): {id}"),
        ]
    );
    let unused = place.env("SMS_PROVIDER", "capture");
    assert_eq!(unused.refusals(), [""; 0], "nobody uses them");
}

#[test]
fn numbers_without_calling_code_are_of_the_first_country() {
    let place = Place::new().env("SMS_COUNTRIES", r#"["de", "AT"]"#);
    assert_eq!(place.load().settings.sms_default_region, "DE");
    assert_eq!(place.env("SMS_DEFAULT_REGION", "at").load().settings.sms_default_region, "AT");
}

#[test]
fn production_sends_through_sns_or_not_at_all() {
    let place = || Place::production().env("SMS_PROVIDER", "").env("AWS_REGION", "us-east-1");
    assert_eq!(place().refusals(), [""; 0]);
    let plain = "codes would cross the network unencrypted: production needs https://";
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SNS"] {
        assert_eq!(place().env(name, "http://10.0.0.7").refusal(), format!("{name} (environment): {plain}"));
        assert_eq!(place().env(name, "http://127.0.0.1:5000").refusals(), [""; 0], "a proxy of its own");
    }
}
