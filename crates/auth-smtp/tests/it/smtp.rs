//! The SMTP mailer against a real server, in each way of encrypting.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use auth_domain::{
    port::{Letter, Mailer, Notice, SendError},
    token::LinkToken,
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
        Err(SendError::Temporary(why)) => format!("{why}: {:?}", why.source()),
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
async fn international_addresses_travel() {
    let delivered = Delivered::plain();
    delivered.notice("ada@bücher.example.com").await.unwrap();
    delivered.only("ada@xn--bcher-kva.example.com");
    delivered.notice("zoë@example.com").await.unwrap();
    delivered.only("zoë@example.com");
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_mail() {
    let mailer = mailer(config(PLAIN.port(), SmtpTls::StartTls));
    let why = is_temporary(mailer.send(&letter("downgrade@example.com", Notice::PasswordChanged)).await);
    assert!(why.contains("STARTTLS"), "{why}");
    assert!(PLAIN.mails().iter().all(|mail| mail.to != ["downgrade@example.com"]));
}

/// Passes a conversation on, and puts an answer of its own behind the server's `220` to STARTTLS.
fn forger(server: u16) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).expect("the server listens");
            let (mut to_server, mut from_client) =
                (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            std::thread::spawn(move || forge(server, client));
        }
    });
    port
}

fn forge(mut server: TcpStream, mut client: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        let mut answer = buffer[..count].to_vec();
        if answer.starts_with(b"220 Ready to start TLS") {
            answer.extend_from_slice(b"250-mail.example.com\r\n250 AUTH PLAIN\r\n");
        }
        if client.write_all(&answer).is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn an_answer_forged_before_the_encryption_is_not_believed() {
    let config = SmtpConfig {
        port: forger(STARTTLS.port()),
        host: "127.0.0.1".to_owned(),
        ..config_for(&STARTTLS, SmtpTls::StartTls)
    };
    let why = is_temporary(mailer(config).send(&letter("forged@example.com", Notice::PasswordChanged)).await);
    assert!(why.contains("STARTTLS"), "{why}");
    assert!(STARTTLS.mails().iter().all(|mail| mail.to != ["forged@example.com"]));
}

#[tokio::test]
async fn an_unknown_authority_gets_no_mail() {
    for (server, tls) in [(&*STARTTLS, SmtpTls::StartTls), (&*IMPLICIT, SmtpTls::Implicit)] {
        let mailer = mailer(SmtpConfig { extra_ca: None, ..config_for(server, tls) });
        let why = is_temporary(mailer.send(&letter("authority@example.com", Notice::PasswordChanged)).await);
        assert!(why.contains("UnknownIssuer"), "{why}");
        assert!(server.mails().iter().all(|mail| mail.to != ["authority@example.com"]));
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_gets_no_mail() {
    let config = SmtpConfig { host: "127.0.0.2".to_owned(), ..config_for(&IMPLICIT, SmtpTls::Implicit) };
    is_temporary(mailer(config).send(&letter("name@example.com", Notice::PasswordChanged)).await);
}

#[tokio::test]
async fn a_wrong_password_is_temporary_and_not_shown() {
    let login = SmtpLogin { user: LOGIN.0.to_owned(), password: "battery staple".to_owned().into() };
    let config = SmtpConfig { login: Some(login), ..config_for(&STARTTLS, SmtpTls::StartTls) };
    assert!(!format!("{config:?}").contains("battery"));
    let mailer = mailer(config);
    assert!(!format!("{mailer:?}").contains("battery"));
    let why = is_temporary(mailer.send(&letter("login@example.com", Notice::PasswordChanged)).await);
    assert!(why.contains("refused the login: 535") && !why.contains("battery"), "{why}");
}

#[tokio::test]
async fn what_the_operator_can_mend_is_temporary() {
    let delivered = Delivered::plain();
    assert!(is_temporary(delivered.notice("relay@example.com").await).contains("550 5.7.1"));
    is_temporary(delivered.notice("drop@example.com").await);
    let from = address("nosender@acme.example");
    let mailer = mailer(SmtpConfig { from, ..config_for(&PLAIN, SmtpTls::Plain) });
    let why = is_temporary(mailer.send(&letter("sender@example.com", Notice::PasswordChanged)).await);
    assert!(why.contains("refused the sender: 550"), "{why}");
}

#[tokio::test]
async fn a_refused_message_is_permanent_and_its_link_is_not_repeated() {
    let token = LinkToken::parse(&"A".repeat(43)).unwrap();
    let refused =
        Delivered::plain().mailer.send(&letter("spam@example.com", Notice::ResetPassword(token))).await;
    let Err(SendError::Permanent(why)) = refused else { panic!("{refused:?}") };
    assert_eq!(why.to_string(), "the mail server refused the message: 554 5.6.0");
    assert!(!format!("{why:?}").contains("AAAA"), "{why:?}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_temporary() {
    let port = auth_testkit::part::free_port();
    is_temporary(
        mailer(config(port, SmtpTls::Plain)).send(&letter("a@example.com", Notice::PasswordChanged)).await,
    );
}

#[tokio::test]
async fn a_refusing_greeting_is_temporary() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"554 5.1.1 no mail from you\r\n").unwrap();
    });
    let config = SmtpConfig { host: "127.0.0.1".to_owned(), ..config(port, SmtpTls::Plain) };
    let why = is_temporary(mailer(config).send(&letter("a@example.com", Notice::PasswordChanged)).await);
    assert!(why.contains("refused the connection: 554"), "{why}");
}

#[tokio::test]
async fn a_server_that_never_greets_holds_nobody_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    for tls in [SmtpTls::Plain, SmtpTls::StartTls, SmtpTls::Implicit] {
        let config = SmtpConfig {
            host: "127.0.0.1".to_owned(),
            connect_limit: Duration::from_millis(200),
            ..config(port, tls)
        };
        let begun = Instant::now();
        let why = is_temporary(mailer(config).send(&letter("a@example.com", Notice::PasswordChanged)).await);
        assert!(why.contains("200ms") && begun.elapsed() < Duration::from_secs(2), "{why}");
    }
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
