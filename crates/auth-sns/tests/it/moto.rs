//! Against the AWS mock, which shows what was published.

use async_trait::async_trait;
use auth_domain::{
    port::{SmsError, SmsReceipt, SmsSender, SmsText},
    user::PhoneNumber,
};
use auth_sns::{SnsConfig, SnsCredentials, SnsSmsSender};
use auth_testkit::{contract::sms::Texting, part::Moto};

struct Published {
    sender: SnsSmsSender,
    moto: &'static Moto,
}

impl Published {
    fn new() -> Self {
        let moto = Moto::shared();
        let config = SnsConfig {
            endpoint_url: Some(moto.url()),
            sender_id: Some("Acme".to_owned()),
            credentials: Some(SnsCredentials {
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: "a secret of the test".to_owned().into(),
                session_token: None,
            }),
            ..SnsConfig::new("us-east-1")
        };
        Self { sender: SnsSmsSender::new(config).expect("the configuration is right"), moto }
    }
}

#[async_trait]
impl SmsSender for Published {
    async fn send(&self, to: &PhoneNumber, text: &SmsText) -> Result<SmsReceipt, SmsError> {
        self.sender.send(to, text).await
    }
}

#[async_trait]
impl Texting for Published {
    async fn sent(&self) -> Vec<(String, String)> {
        self.moto.sms().into_iter().map(|sms| (sms.phone_number, sms.message)).collect()
    }
}

auth_testkit::sms_contract!(Published::new);

#[tokio::test]
async fn the_receipt_names_the_message() {
    let published = Published::new();
    let to = PhoneNumber::parse("+15551239999").unwrap();
    let receipt = published.send(&to, &SmsText::new("Your code".to_owned())).await.unwrap();
    let sms = published.moto.sms_to("+15551239999");
    assert_eq!(sms.len(), 1);
    assert_eq!(receipt.message_id.as_deref(), Some(sms[0].message_id.as_str()));
}

#[test]
fn shows_no_secret_in_debug() {
    assert!(!format!("{:?}", Published::new().sender).contains("a secret"));
}
