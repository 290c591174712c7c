//! Why a message did not get through, and whether it ever will.
//!
//! | the server says no to | verdict |
//! |---|---|
//! | the connection, EHLO, STARTTLS, the login | unreachable: the operator's mistake or the server's trouble |
//! | the sender | temporary: the operator's setting, the recipient can do nothing about it |
//! | the recipient with 5xx | permanent, but for the exceptions below |
//! | the message with 5xx | permanent, but for the exceptions below |
//! | anything with 4xx, or the network | temporary |
//!
//! Exceptions, temporary despite their 5xx: 503 (out of step), 530, 534, 535 and 538 (log in first),
//! 552 in answer to a recipient (RFC 5321 §4.5.3.1.10), and the enhanced codes 5.3 (mail system), 5.4
//! (routing), 5.5 (protocol) and 5.7 (policy, such as "relaying denied"): an operator can mend all of
//! these. Trying in vain costs little, since the outbox gives up at a deadline; giving up in error
//! costs a mail.

use std::{fmt, time::Duration};

use auth_domain::port::SendError;
use lettre::transport::smtp;
use secrecy::{ExposeSecret as _, SecretString};

/// Longest part of a server's reply that is kept, in characters.
const LONGEST_REPLY: usize = 200;

/// How far the conversation had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Connect,
    StartTls,
    Login,
    Sender,
    Recipient,
    Message,
}

impl Step {
    const fn subject(self) -> &'static str {
        match self {
            Self::Connect => "the connection",
            Self::StartTls => "STARTTLS",
            Self::Login => "the login",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Message => "the message",
        }
    }
}

/// What went wrong, without anything the message holds.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server answered no.
    Refused { step: Step, code: u16, reply: String },
    /// No answer, or none that makes sense.
    Broken { step: Step, source: Box<dyn std::error::Error + Send + Sync> },
    /// It took too long: to connect, or altogether.
    TimedOut { limit: Duration, connecting: bool },
    /// The address needs SMTPUTF8, which the server does not have.
    NotAscii,
}

impl Failure {
    pub(super) fn new(step: Step, error: smtp::Error) -> Self {
        let Some(code) = error.status() else { return Self::Broken { step, source: error.into() } };
        let reply = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        // A filter may quote the message, and so its link, in the reply to it.
        let kept = if step == Step::Message { enhanced(&reply).unwrap_or_default() } else { &reply };
        let kept = kept.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_REPLY);
        Self::Refused { step, code: code.into(), reply: kept.collect() }
    }

    /// The same with nothing of an answer that repeats a secret but its codes.
    pub(super) fn without(mut self, secrets: &[SecretString]) -> Self {
        if let Self::Refused { reply, .. } = &mut self
            && secrets.iter().any(|secret| reply.contains(secret.expose_secret()))
        {
            *reply = enhanced(reply).unwrap_or_default().to_owned();
        }
        self
    }

    pub(super) fn unreachable(error: std::io::Error) -> Self {
        Self::Broken { step: Step::Connect, source: error.into() }
    }

    /// Whether the conversation ended before any message was spoken of.
    fn is_before_any_message(&self) -> bool {
        match self {
            Self::Refused { step, .. } | Self::Broken { step, .. } => {
                matches!(step, Step::Connect | Step::StartTls | Step::Login)
            }
            Self::TimedOut { connecting, .. } => *connecting,
            Self::NotAscii => false,
        }
    }

    pub(super) fn is_permanent(&self) -> bool {
        match self {
            Self::Refused { step, code, reply } => refused_for_good(*step, *code, reply),
            Self::NotAscii => true,
            Self::Broken { .. } | Self::TimedOut { .. } => false,
        }
    }
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        if failure.is_before_any_message() {
            Self::Unreachable(failure.into())
        } else if failure.is_permanent() {
            Self::Permanent(failure.into())
        } else {
            Self::Temporary(failure.into())
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { step, code, reply } => {
                let separator = if reply.is_empty() { "" } else { " " };
                write!(f, "the mail server refused {}: {code}{separator}{reply}", step.subject())
            }
            Self::Broken { step, .. } => write!(f, "the mail server failed at {}", step.subject()),
            Self::TimedOut { limit, .. } => write!(f, "the mail server took longer than {limit:?}"),
            Self::NotAscii => f.write_str("the mail server takes ASCII addresses only (no SMTPUTF8)"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken { source, .. } => Some(&**source),
            Self::Refused { .. } | Self::TimedOut { .. } | Self::NotAscii => None,
        }
    }
}

fn refused_for_good(step: Step, code: u16, reply: &str) -> bool {
    let mendable =
        matches!(enhanced(reply).and_then(|code| code.split('.').nth(1)), Some("3" | "4" | "5" | "7"));
    let login_first = matches!(code, 503 | 530 | 534 | 535 | 538);
    let too_many = step == Step::Recipient && code == 552;
    let ours = matches!(step, Step::Recipient | Step::Message);
    ours && (500..600).contains(&code) && !(mendable || login_first || too_many)
}

/// The enhanced status code (RFC 3463) at the beginning of a reply: `5.1.1`.
fn enhanced(reply: &str) -> Option<&str> {
    let word = reply.split_whitespace().next()?;
    let mut parts = word.split('.');
    let numbers = parts.by_ref().take(3).filter(|part| part.parse::<u16>().is_ok()).count();
    (numbers == 3 && parts.next().is_none()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::SmtpLogin;

    #[test]
    fn only_recipient_and_message_are_refused_for_good() {
        for step in [Step::Connect, Step::StartTls, Step::Login, Step::Sender] {
            for code in [421, 450, 500, 535, 550, 554] {
                assert!(!refused_for_good(step, code, "5.1.1 no"), "{step:?} {code}");
            }
        }
        for step in [Step::Recipient, Step::Message] {
            assert!(refused_for_good(step, 550, "5.1.1 no such user"));
            assert!(refused_for_good(step, 554, "no"));
            assert!(!refused_for_good(step, 450, "4.2.1 try later"));
            assert!(!refused_for_good(step, 451, "5.1.1 the basic code counts"));
        }
    }

    #[test]
    fn what_an_operator_can_mend_is_temporary() {
        for (code, reply) in [
            (550, "5.7.1 Unable to relay"),
            (554, "5.7.1 <ada@example.com>: Relay access denied"),
            (530, "Authentication required"),
            (503, "5.5.1 bad sequence"),
            (550, "5.4.1 no route"),
            (554, "5.3.0 mail system"),
            (552, "too many recipients"),
        ] {
            assert!(!refused_for_good(Step::Recipient, code, reply), "{code} {reply}");
        }
        assert!(refused_for_good(Step::Message, 552, "5.2.3 too large"));
    }

    #[test]
    fn an_answer_that_repeats_the_password_is_not_kept() {
        let login = SmtpLogin { user: "mailer".to_owned(), password: "hunter2".to_owned().into() };
        let said = |reply: &str| {
            let refused = Failure::Refused { step: Step::Login, code: 535, reply: reply.to_owned() };
            refused.without(&login.secrets()).to_string()
        };
        let harmless = "5.7.139 basic authentication is disabled";
        assert_eq!(said(harmless), format!("the mail server refused the login: 535 {harmless}"));
        for form in ["hunter2", "aHVudGVyMg==", "AG1haWxlcgBodW50ZXIy"] {
            let text = said(&format!("5.7.8 no: {form}"));
            assert_eq!(text, "the mail server refused the login: 535 5.7.8");
        }
        assert_eq!(said("no hunter2"), "the mail server refused the login: 535");
    }

    #[test]
    fn reads_enhanced_codes() {
        assert_eq!(enhanced("5.1.1 no such user"), Some("5.1.1"));
        assert_eq!(enhanced("5.7.13"), Some("5.7.13"));
        for reply in ["", "no", "5.1 no", "5.1.1.1 no", "a.b.c", "5..1"] {
            assert_eq!(enhanced(reply), None, "{reply}");
        }
    }
}
