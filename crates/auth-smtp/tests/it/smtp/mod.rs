//! The SMTP mailer against a real server, in each way of encrypting.

mod refused;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use auth_domain::{
    factor::OneTimeCode,
    port::{Letter, Mailer, Notice, SendError},
    user::Email,
};
use auth_smtp::{SmtpConfig, SmtpConfigError, SmtpLogin, SmtpMailer, SmtpTls, Templates};
use auth_testkit::{
    contract::mailer::{Arrived, Delivering, Failing, letter},
    fake::FakeClock,
    part::{KeptMail, SmtpMode, SmtpServer},
};

use crate::support::settings;

const LOGIN: (&str, &str) = ("mailer", "correct horse");

static PLAIN: LazyLock<SmtpServer> = LazyLock::new(|| SmtpServer::start(SmtpMode::Plain, None));
static STARTTLS: LazyLock<SmtpServer> = LazyLock::new(|| SmtpServer::start(SmtpMode::StartTls, Some(LOGIN)));
static IMPLICIT: LazyLock<SmtpServer> = LazyLock::new(|| SmtpServer::start(SmtpMode::Implicit, Some(LOGIN)));

fn address(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

fn config(port: u16, tls: SmtpTls) -> SmtpConfig {
    SmtpConfig {
        from_name: Some("Acme & Söhne".to_owned()),
        send_limit: Duration::from_secs(3),
        ..SmtpConfig::new("localhost", port, tls, address("no-reply@acme.example"))
    }
}

/// The configuration that fits a server.
fn config_for(server: &SmtpServer, tls: SmtpTls) -> SmtpConfig {
    let login = SmtpLogin { user: LOGIN.0.to_owned(), password: LOGIN.1.to_owned().into() };
    let login = (tls != SmtpTls::Plain).then_some(login);
    SmtpConfig { extra_ca: server.authority(), login, ..config(server.port(), tls) }
}

fn mailer(config: SmtpConfig) -> SmtpMailer {
    let templates = Templates::new(settings()).expect("the templates are right");
    SmtpMailer::new(config, templates, Arc::new(FakeClock::default())).expect("the configuration is right")
}

struct Delivered {
    mailer: SmtpMailer,
    server: &'static SmtpServer,
}

impl Delivered {
    fn plain() -> Self {
        Self { mailer: mailer(config_for(&PLAIN, SmtpTls::Plain)), server: &PLAIN }
    }

    fn starttls() -> Self {
        Self { mailer: mailer(config_for(&STARTTLS, SmtpTls::StartTls)), server: &STARTTLS }
    }

    fn implicit() -> Self {
        Self { mailer: mailer(config_for(&IMPLICIT, SmtpTls::Implicit)), server: &IMPLICIT }
    }

    fn only(&self, to: &str) -> KeptMail {
        let mut mails = self.server.mails();
        mails.retain(|mail| mail.to == [to]);
        assert_eq!(mails.len(), 1, "mails for {to}");
        mails.remove(0)
    }

    async fn notice(&self, to: &str) -> Result<(), SendError> {
        self.mailer.send(&letter(to, Notice::PasswordChanged)).await
    }
}

#[async_trait]
impl Mailer for Delivered {
    async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        self.mailer.send(letter).await
    }
}

#[async_trait]
impl Delivering for Delivered {
    async fn arrived(&self) -> Vec<Arrived> {
        let arrived = |mail: KeptMail| Arrived {
            subject: mail.header("subject").join(","),
            to: mail.to,
            text: mail.text,
            html: mail.html,
            headers: mail.headers,
        };
        self.server.mails().into_iter().map(arrived).collect()
    }

    fn failing(&self) -> Option<Failing> {
        Some(Failing {
            refused: address("refused@example.com"),
            busy: address("busy@example.com"),
            silent: address("hang@example.com"),
        })
    }
}

mod plain {
    auth_testkit::mailer_contract!(super::Delivered::plain);
}

mod starttls {
    auth_testkit::mailer_contract!(super::Delivered::starttls);
}

mod implicit {
    auth_testkit::mailer_contract!(super::Delivered::implicit);
}

fn is_temporary(result: Result<(), SendError>) -> String {
    match result {
        Err(SendError::Temporary(why) | SendError::Unreachable(why)) => format!("{why}: {:?}", why.source()),
        other => panic!("not temporary: {other:?}"),
    }
}

#[tokio::test]
async fn encrypts_and_logs_in_as_configured() {
    for (delivered, encrypted, user) in [
        (Delivered::plain(), false, None),
        (Delivered::starttls(), true, Some(LOGIN.0)),
        (Delivered::implicit(), true, Some(LOGIN.0)),
    ] {
        delivered.notice("modes@example.com").await.unwrap();
        delivered.mailer.check().await.unwrap();
        let mail = delivered.only("modes@example.com");
        // Python's server does not see that an implicit connection is encrypted; that nothing else is
        // understood there is shown below.
        let seen = mail.encrypted || delivered.server.port() == IMPLICIT.port();
        assert_eq!((seen, mail.user.as_deref()), (encrypted, user));
    }
}

#[tokio::test]
async fn headers_are_those_of_an_automatic_mail() {
    let delivered = Delivered::plain();
    delivered.notice("headers@example.com").await.unwrap();
    let mail = delivered.only("headers@example.com");
    assert_eq!(mail.from, "no-reply@acme.example");
    assert_eq!(mail.media_type, "multipart/alternative");
    for (name, value) in [
        ("From", "Acme & Söhne <no-reply@acme.example>"),
        ("To", "headers@example.com"),
        ("Subject", "Your Acme & Sons Password Has Been Changed"),
        ("Message-ID", "<4711@acme.example>"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        // The clock of the fakes, not the machine's.
        ("Date", "Thu, 01 Jan 2026 12:00:00 +0000"),
    ] {
        assert_eq!(mail.header(name), [value], "{name}");
    }
    assert!(mail.header("List-Unsubscribe").is_empty() && mail.header("Bcc").is_empty());
    assert!(mail.raw.is_ascii(), "a server without 8BITMIME must understand it");
}

#[tokio::test]
async fn a_code_travels_on_one_line_of_the_text_and_in_no_header() {
    let delivered = Delivered::plain();
    let code = OneTimeCode::parse("048213").expect("a code");
    delivered.mailer.send(&letter("code@example.com", Notice::LoginCode(code))).await.unwrap();
    let mail = delivered.only("code@example.com");
    assert!(mail.text.lines().any(|line| line == "Your login code is: 048213"), "{}", mail.text);
    // Tests of clients look for it in the mail as it travels, too.
    assert!(mail.raw.contains("code is: 048213\r\n"), "{}", mail.raw);
    assert!(mail.headers.iter().all(|(_, value)| !value.contains("048213")), "{:?}", mail.headers);
}

#[tokio::test]
async fn international_addresses_travel() {
    let delivered = Delivered::plain();
    delivered.notice("ada@bücher.example.com").await.unwrap();
    delivered.only("ada@xn--bcher-kva.example.com");
    delivered.notice("zoë@example.com").await.unwrap();
    delivered.only("zoë@example.com");
}

#[tokio::test]
async fn connections_are_used_again_up_to_their_limit() {
    let config = SmtpConfig { messages_per_connection: 3, ..config_for(&PLAIN, SmtpTls::Plain) };
    let delivered = Delivered { mailer: mailer(config), server: &PLAIN };
    let mut sessions = Vec::new();
    for number in 0..4 {
        let to = format!("again{number}@example.com");
        delivered.notice(&to).await.unwrap();
        sessions.push(delivered.only(&to).session);
    }
    assert_eq!(sessions[0], sessions[2]);
    assert_ne!(sessions[2], sessions[3]);
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let config = SmtpConfig { connections: 2, ..config_for(&PLAIN, SmtpTls::Plain) };
    let delivered = Arc::new(Delivered { mailer: mailer(config), server: &PLAIN });
    let sending: Vec<_> = (0..12)
        .map(|number| {
            let delivered = Arc::clone(&delivered);
            tokio::spawn(async move { delivered.notice(&format!("few{number}@example.com")).await })
        })
        .collect();
    for one in sending {
        one.await.unwrap().unwrap();
    }
    let mut sessions: Vec<_> =
        (0..12).map(|number| delivered.only(&format!("few{number}@example.com")).session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    assert!(sessions.len() <= 2, "{sessions:?}");
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let server = SmtpServer::start(SmtpMode::Plain, None);
    let mailer = mailer(config_for(&server, SmtpTls::Plain));
    mailer.send(&letter("before@example.com", Notice::PasswordChanged)).await.unwrap();
    server.daemon().signal("STOP");
    is_temporary(mailer.send(&letter("while@example.com", Notice::PasswordChanged)).await);
    server.daemon().signal("CONT");
    mailer.send(&letter("after@example.com", Notice::PasswordChanged)).await.unwrap();
    let last = server.mails().pop().unwrap();
    assert_eq!(last.to, ["after@example.com"]);
}

#[test]
fn what_could_forge_a_header_is_refused_at_start() {
    let made = |config| {
        let templates = Templates::new(settings()).expect("the templates are right");
        SmtpMailer::new(config, templates, Arc::new(FakeClock::default())).map(|_| ())
    };
    let config = || config(25, SmtpTls::Plain);
    assert!(made(config()).is_ok());
    for text in ["Acme\r\nBcc: eve@example.com", "", " ", "Acme\0"] {
        let text = Some(text.to_owned());
        let name = made(SmtpConfig { from_name: text.clone(), ..config() });
        assert!(matches!(name, Err(SmtpConfigError::Text(_))), "{text:?}");
        let hello = made(SmtpConfig { hello_name: text.clone(), ..config() });
        assert!(matches!(hello, Err(SmtpConfigError::Text(_))), "{text:?}");
    }
    assert!(matches!(made(SmtpConfig { connections: 0, ..config() }), Err(SmtpConfigError::Zero)));
    let missing = SmtpConfig {
        extra_ca: Some("/nowhere/ca.pem".into()),
        ..SmtpConfig::new("localhost", 465, SmtpTls::Implicit, address("a@example.com"))
    };
    assert!(matches!(made(missing), Err(SmtpConfigError::ExtraCa { .. })));
}

#[test]
fn a_password_in_clear_is_noticed() {
    let login = || Some(SmtpLogin { user: "a".to_owned(), password: "b".to_owned().into() });
    let config =
        |host, tls| SmtpConfig { login: login(), ..SmtpConfig::new(host, 25, tls, address("a@example.com")) };
    assert!(config("mail.example.com", SmtpTls::Plain).exposes_password());
    for (host, tls) in [
        ("mail.example.com", SmtpTls::StartTls),
        ("localhost", SmtpTls::Plain),
        ("127.0.0.1", SmtpTls::Plain),
    ] {
        assert!(!config(host, tls).exposes_password(), "{host}");
    }
    let without = SmtpConfig { login: None, ..config("mail.example.com", SmtpTls::Plain) };
    assert!(!without.exposes_password());
}
