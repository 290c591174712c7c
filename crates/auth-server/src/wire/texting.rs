//! Tests: a code by text message from the engine to where the settings say, and back.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

use auth_domain::{
    guard::pumping::{RefusedNumber, SmsRefused},
    id::UserId,
    port::{Channel, MailboxFilter, SmsError, SmsReceipt},
    tenant::TenantId,
    usecase::{Caller, CreateUser, FactorChange, FactorError},
    user::{Email, PhoneNumber, Roles},
};
use auth_testkit::part::{Moto, free_port, redis::RedisServer};
use tempfile::TempDir;

use super::{Wiring, build};
use crate::settings::{Inputs, Settings};

/// A wired engine with an account.
struct Bench {
    wiring: Wiring,
    user: UserId,
    directory: TempDir,
}

impl Bench {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let wiring = wiring(&directory, settings);
        wiring.prepare().await.unwrap();
        let new = CreateUser {
            tenant: TenantId::default(),
            email: Email::parse("ada@example.com").unwrap(),
            full_name: None,
            roles: Roles::default(),
        };
        let user = wiring.engine.operators.create_user(&new).await.unwrap().user.id;
        Self { wiring, user, directory }
    }

    /// The same at SNS: this region, at this address.
    async fn at_sns(endpoint: &str, more: &[(&str, &str)]) -> Self {
        let key = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let place = [("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", endpoint)];
        Self::with(&[&key, &place, more].concat()).await
    }

    async fn caller(&self, wiring: &Wiring) -> Caller {
        let store = wiring.stores.port();
        let user = store.read().await.unwrap().users().by_id(self.user).await.unwrap().unwrap();
        Caller { user, session: None }
    }

    async fn ask(&self, number: &str) -> Result<SmsReceipt, FactorError> {
        let number = PhoneNumber::parse(number).unwrap();
        let caller = self.caller(&self.wiring).await;
        self.wiring.engine.factors.set_up_sms(&caller, &number, &FactorChange::default()).await
    }

    /// Answers with a code, at this replica.
    async fn answer(&self, wiring: &Wiring, code: &str) -> Result<(), FactorError> {
        let caller = self.caller(wiring).await;
        wiring.engine.factors.verify_sms(&caller, &code.to_owned().into(), &FactorChange::default()).await
    }

    /// Texts in the dev mailbox.
    async fn captured(&self) -> Vec<String> {
        let filter = MailboxFilter { channel: Some(Channel::Sms), ..MailboxFilter::default() };
        let mailbox = self.wiring.mailbox.as_ref().unwrap();
        mailbox.list(&filter).await.unwrap().into_iter().map(|message| message.text).collect()
    }
}

fn wiring(directory: &TempDir, settings: &[(&str, &str)]) -> Wiring {
    let inputs = Inputs::only([("DATA_DIR", directory.path().to_str().unwrap())]);
    let inputs = settings.iter().fold(inputs, |inputs, (name, value)| inputs.with(name, value));
    build(&Settings::from_inputs(&inputs).unwrap().settings).unwrap()
}

/// The six digits in a text.
fn code(text: &str) -> &str {
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    text.split(|c: char| !c.is_ascii_digit()).find(digits).expect("a code")
}

#[tokio::test]
async fn codes_are_captured_and_work_once() {
    let bench = Bench::with(&[]).await;
    bench.ask("+12125550123").await.unwrap();
    let [text] = bench.captured().await.try_into().unwrap();
    let code = code(&text);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert!(matches!(bench.answer(&bench.wiring, wrong).await, Err(FactorError::WrongCode)));
    bench.answer(&bench.wiring, code).await.unwrap();
    assert!(matches!(
        bench.answer(&bench.wiring, code).await,
        Err(FactorError::NoCode | FactorError::NotSetUp)
    ));
}

#[tokio::test]
async fn codes_leave_through_sns() {
    let moto = Moto::shared();
    let bench = Bench::at_sns(&moto.url(), &[]).await;
    let receipt = bench.ask("+12125550124").await.unwrap();
    let [sms] = moto.sms_to("+12125550124").try_into().unwrap();
    assert_eq!(receipt.message_id.as_deref(), Some(sms.message_id.as_str()));
    assert_eq!(bench.captured().await, [""; 0], "what is sent is not captured");
    bench.answer(&bench.wiring, code(&sms.message)).await.unwrap();
}

#[tokio::test]
async fn a_failing_sns_is_told_in_time_and_leaves_no_code() {
    // Takes connections, and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for port in [silent.local_addr().unwrap().port(), free_port()] {
        let bench = Bench::at_sns(&format!("http://127.0.0.1:{port}"), &[]).await;
        let begun = Instant::now();
        let refused = bench.ask("+12125550125").await.unwrap_err();
        assert!(matches!(refused, FactorError::Provider(SmsError::Unavailable(_))), "{refused:?}");
        assert!(begun.elapsed() < Duration::from_millis(4_500), "{:?}", begun.elapsed());
        assert!(matches!(bench.answer(&bench.wiring, "000000").await, Err(FactorError::NotSetUp)));
    }
}

#[tokio::test]
async fn nothing_is_sent_where_the_settings_say_so() {
    let refusal = async |settings: &[(&str, &str)]| {
        let bench = Bench::with(settings).await;
        match bench.ask("+12125550126").await.unwrap_err() {
            FactorError::Refused(refused) => (refused, bench.captured().await.len()),
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(refusal(&[("SMS_PROVIDER", "off")]).await, (SmsRefused::Off, 0)));
    assert!(matches!(refusal(&[("SMS_DAILY_LIMIT", "0")]).await, (SmsRefused::Off, 0)));
    let abroad = refusal(&[("SMS_COUNTRIES", "GB")]).await;
    assert!(matches!(abroad, (SmsRefused::Number(RefusedNumber::Country), 0)), "{abroad:?}");
    // The counts fail before the message could leave.
    let nowhere = format!("redis://127.0.0.1:{}", free_port());
    let uncounted = refusal(&[("REDIS_URL", &nowhere)]).await;
    assert!(matches!(uncounted, (SmsRefused::Ledger(_), 0)), "{uncounted:?}");
}

#[tokio::test]
async fn the_settings_say_how_many() {
    let bench = Bench::with(&[("SMS_MAX_PER_HOUR", "2")]).await;
    for _ in 0..2 {
        bench.ask("+12125550127").await.unwrap();
    }
    let refused = bench.ask("+12125550127").await.unwrap_err();
    assert!(matches!(refused, FactorError::Refused(SmsRefused::TooOften { .. })), "{refused:?}");
    assert_eq!(bench.captured().await.len(), 2);
}

#[tokio::test]
async fn a_code_of_one_replica_works_at_another() {
    let server = RedisServer::start();
    let redis = server.url();
    let shared = [("REDIS_URL", redis.as_str())];
    let bench = Bench::with(&shared).await;
    let other = wiring(&bench.directory, &shared);
    // A machine under load may miss the 50 ms of an operation.
    for _ in 0..9 {
        if bench.ask("+12125550128").await.is_ok() {
            break;
        }
    }
    let texts = bench.captured().await;
    bench.answer(&other, code(&texts[0])).await.unwrap();
}
