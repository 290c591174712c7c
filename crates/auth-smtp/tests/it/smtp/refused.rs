//! Servers that refuse, deceive or say nothing.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

use auth_domain::{
    factor::OneTimeCode,
    port::{Mailer as _, Notice, SendError},
    token::LinkToken,
};
use auth_smtp::{SmtpConfig, SmtpLogin, SmtpTls};
use auth_testkit::contract::mailer::letter;

use super::{Delivered, IMPLICIT, LOGIN, PLAIN, STARTTLS, address, config, config_for, is_temporary, mailer};

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
async fn the_code_of_a_refused_message_is_not_repeated() {
    let code = OneTimeCode::parse("048213").unwrap();
    let refused = Delivered::plain().mailer.send(&letter("spam@example.com", Notice::LoginCode(code))).await;
    let Err(SendError::Permanent(why)) = refused else { panic!("{refused:?}") };
    assert_eq!(why.to_string(), "the mail server refused the message: 554 5.6.0");
    assert!(!format!("{why:?}").contains("048213"), "{why:?}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_from_one_that_is_busy() {
    let port = auth_testkit::part::free_port();
    let mailer = mailer(config(port, SmtpTls::Plain));
    let nobody = mailer.send(&letter("a@example.com", Notice::PasswordChanged)).await;
    assert!(matches!(nobody, Err(SendError::Unreachable(_))), "{nobody:?}");
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
