//! Codes come out of the mailbox in the letters, and nowhere else.

use std::{
    io,
    sync::{Arc, Mutex},
};

use auth_domain::{
    factor::OneTimeCode,
    port::{Letter, Mailbox as _, MailboxFilter, Mailer as _, Notice},
};
use auth_testkit::contract::mailbox::letter;
use tracing::{Level, subscriber};

use crate::support::Kept;

/// Unlike that of any other test: what all of them log is looked at.
const CODE: &str = "073591";

fn letters() -> [Letter; 2] {
    let code = || OneTimeCode::parse(CODE).expect("a code");
    [Notice::LoginCode(code()), Notice::ProofCode(code())]
        .map(|notice| Letter { notice, ..letter("ada@example.com") })
}

#[tokio::test]
async fn are_read_from_the_text_of_captured_mail() {
    let sender = Kept::new();
    for letter in letters() {
        sender.send(&letter).await.unwrap();
        let message = sender.list(&MailboxFilter::default()).await.unwrap().remove(0);
        let (_, rest) = message.text.split_once("code is: ").expect("the text has a code");
        assert_eq!(rest.lines().next(), Some(CODE));
        assert!(message.html.contains(CODE));
        assert!(!message.subject.contains(CODE) && !format!("{message:?}").contains(CODE));
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panicked with it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn are_not_logged() {
    let log = Log::default();
    let writer = log.clone();
    // Without the time: its microseconds might be any six digits.
    let format = tracing_subscriber::fmt().without_time().with_ansi(false);
    let collect = format.with_max_level(Level::TRACE).with_writer(move || writer.clone());
    // For all threads: the mailbox writes on one of its own.
    subscriber::set_global_default(collect.finish()).expect("the only one of this test binary");
    let sender = Kept::new();
    for letter in letters() {
        sender.send(&letter).await.unwrap();
        tracing::trace!(?letter, "as a caller might log it");
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.matches("captured a message").count() >= 2, "{logged}");
    assert!(logged.contains("LoginCode(OneTimeCode)"), "{logged}");
    assert!(!logged.contains(CODE), "{logged}");
}
