//! Contract of the mailer port.
//!
//! What a case sends is told apart by its recipient, so cases may share one mail server.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use auth_domain::{
    client::{Client, UserAgent},
    id::OutboxId,
    port::{Letter, Mailer, Notice, SendError},
    tenant::TenantId,
    token::LinkToken,
    user::{Email, FullName},
};
use chrono::DateTime;

/// Runs the contract of mailers against what `make` gives.
#[macro_export]
macro_rules! mailer_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; mailer;
            sends_to_exactly_the_recipient says_what_happened_when_and_from_where keeps_links_whole
            keeps_names_and_devices_inert gives_a_letter_sent_twice_one_id
            tells_permanent_from_temporary_failure ends_within_a_bounded_time goes_on_after_a_failure
            sends_many_at_once
        }
    };
}

/// 32 bytes of one, written down.
const TOKEN: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

/// No mailer may take longer, whatever its server does.
const BOUND: Duration = Duration::from_secs(15);

/// A mailer together with the other end.
#[async_trait]
pub trait Delivering: Mailer {
    /// All mails that arrived so far, oldest first.
    async fn arrived(&self) -> Vec<Arrived>;

    /// Recipients that make the transport fail; `None` where nothing can.
    fn failing(&self) -> Option<Failing> {
        None
    }
}

/// A mail at the other end.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Every recipient.
    pub to: Vec<String>,
    /// The subject, decoded.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// All headers; empty where there are none.
    pub headers: Vec<(String, String)>,
}

/// Recipients that make the transport fail.
#[derive(Clone, Debug)]
pub struct Failing {
    /// Refused for good.
    pub refused: Email,
    /// Refused for now.
    pub busy: Email,
    /// Never answered.
    pub silent: Email,
}

/// A letter to `to` that says `notice`, with everything known about its cause.
///
/// # Panics
/// When `to` is no address.
pub fn letter(to: &str, notice: Notice) -> Letter {
    Letter {
        id: OutboxId::from_i64(4_711),
        tenant: TenantId::default(),
        to: Email::parse(to).expect("an address"),
        name: FullName::parse("Ada Lovelace").ok(),
        notice,
        client: Client {
            ip: Some([203, 0, 113, 7].into()),
            user_agent: UserAgent::new("Firefox 140.0"),
            request_id: None,
        },
        at: DateTime::from_timestamp(1_767_268_800, 0).unwrap_or_default(),
    }
}

fn token() -> LinkToken {
    LinkToken::parse(TOKEN).expect("a token")
}

async fn send(mailer: &impl Delivering, letter: &Letter) {
    mailer.send(letter).await.expect("takes the letter");
}

/// What arrived for `to`, and for `to` alone.
async fn arrived_for(mailer: &impl Delivering, to: &str) -> Vec<Arrived> {
    let mut all = mailer.arrived().await;
    all.retain(|mail| mail.to == [to]);
    all
}

/// The only mail for `to`.
async fn only(mailer: &impl Delivering, to: &str) -> Arrived {
    let mut mails = arrived_for(mailer, to).await;
    assert_eq!(mails.len(), 1, "mails for {to}");
    mails.remove(0)
}

/// One letter, one recipient: nobody else gets it, nor is named in it.
pub async fn sends_to_exactly_the_recipient(mailer: impl Delivering) {
    let masked = "exactly*******@elsewhere.example.com".to_owned();
    send(&mailer, &letter("exactly@example.com", Notice::EmailChangeRequested { masked })).await;
    let all = mailer.arrived().await;
    let holding: Vec<_> = all.iter().filter(|mail| mail.text.contains("exactly***")).collect();
    assert_eq!(holding.len(), 1);
    assert_eq!(holding[0].to, ["exactly@example.com"]);
    for (name, value) in &holding[0].headers {
        let names_somebody = ["to", "cc", "bcc"].contains(&name.to_lowercase().as_str());
        assert!(!names_somebody || value == "exactly@example.com", "{name}: {value}");
    }
}

/// Each part says whom it greets, what happened, when and from where.
pub async fn says_what_happened_when_and_from_where(mailer: impl Delivering) {
    for (to, notice, said) in [
        ("says1@example.com", Notice::PasswordChanged, "password"),
        ("says2@example.com", Notice::RefreshReuse, "session"),
        ("says3@example.com", Notice::AccountExists, "already"),
        ("says4@example.com", Notice::VerifyEmail(token()), "confirm"),
    ] {
        send(&mailer, &letter(to, notice)).await;
        let mail = only(&mailer, to).await;
        assert!(!mail.subject.trim().is_empty());
        for part in [&mail.text, &mail.html] {
            for word in ["Ada", said, "1 January 2026, 12:00 UTC", "203.0.113.7", "Firefox 140.0"] {
                assert!(part.contains(word), "{to}: {word}");
            }
        }
    }
}

/// A link arrives as it was made, on a line of its own in the text and as a link in the HTML.
pub async fn keeps_links_whole(mailer: impl Delivering) {
    for (to, notice) in [
        ("link1@example.com", Notice::VerifyEmail(token())),
        ("link2@example.com", Notice::ResetPassword(token())),
        ("link3@example.com", Notice::ConfirmEmailChange(token())),
    ] {
        send(&mailer, &letter(to, notice)).await;
        let mail = only(&mailer, to).await;
        let line = mail.text.lines().map(str::trim_end).find(|line| line.contains(TOKEN));
        let line = line.expect("the text has the link");
        assert!(line.starts_with("http") && line.ends_with(&format!("?token={TOKEN}")), "{line}");
        assert!(mail.html.contains(&format!("href=\"{line}\"")), "{line}");
    }
}

/// What a stranger chose is shown as the text it is, or left out: no header, recipient, tag, link or
/// template code comes of it.
pub async fn keeps_names_and_devices_inert(mailer: impl Delivering) {
    let hostile = [
        "x\r\nBcc:eve@example.com",
        "x\nTo:eve@example.com\n\n",
        "\r\n.\r\nMAIL FROM:<eve@example.com>",
        "{{7*7}}",
        "{%raw%}",
        "<a\u{a0}href=//evil.example>",
        "<script>alert(1)</script>",
        "=?utf-8?q?=0D=0ABcc:_eve?=",
        "\u{202e}\u{2028}x",
    ];
    for (number, text) in hostile.into_iter().enumerate() {
        let to = format!("inert{number}@example.com");
        let mut hostile = letter(&to, Notice::PasswordChanged);
        hostile.name = FullName::parse(text).ok();
        hostile.client.user_agent = UserAgent::new(text);
        send(&mailer, &hostile).await;
        let mail = only(&mailer, &to).await;
        let headers: Vec<_> = mail.headers.iter().map(|(name, _)| name.to_lowercase()).collect();
        assert!(!headers.contains(&"bcc".to_owned()), "{text:?}");
        assert!(headers.iter().filter(|name| *name == "to").count() <= 1, "{text:?}");
        for part in [&mail.text, &mail.html] {
            assert!(!part.contains("49") && !part.contains('\u{202e}'), "{text:?}");
            assert!(!part.contains("evil.example") && !part.contains("eve@"), "{text:?}");
        }
        assert!(!mail.html.contains("<script") && !mail.html.contains("<a\u{a0}"), "{text:?}");
    }
}

/// The id of a letter becomes the id of its mail, so that a mail sent twice can be known for one.
pub async fn gives_a_letter_sent_twice_one_id(mailer: impl Delivering) {
    let mut twice = letter("twice@example.com", Notice::PasswordChanged);
    send(&mailer, &twice).await;
    send(&mailer, &twice).await;
    twice.id = OutboxId::from_i64(4_712);
    send(&mailer, &twice).await;
    let mails = arrived_for(&mailer, "twice@example.com").await;
    assert_eq!(mails.len(), 3);
    if mails[0].headers.is_empty() {
        return;
    }
    let id = |mail: &Arrived| -> String {
        let header = mail.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("message-id"));
        header.expect("a mail has an id").1.clone()
    };
    assert_eq!(id(&mails[0]), id(&mails[1]));
    assert_ne!(id(&mails[0]), id(&mails[2]));
}

/// A refusal for good is permanent, a refusal for now is temporary.
pub async fn tells_permanent_from_temporary_failure(mailer: impl Delivering) {
    let Some(failing) = mailer.failing() else { return };
    let refused = mailer.send(&letter(failing.refused.as_str(), Notice::PasswordChanged)).await;
    assert!(matches!(refused, Err(SendError::Permanent(_))), "{refused:?}");
    let busy = mailer.send(&letter(failing.busy.as_str(), Notice::PasswordChanged)).await;
    assert!(matches!(busy, Err(SendError::Temporary(_))), "{busy:?}");
}

/// A server that says nothing holds nobody up, and is no permanent failure.
pub async fn ends_within_a_bounded_time(mailer: impl Delivering) {
    let Some(failing) = mailer.failing() else { return };
    let begun = Instant::now();
    let silent = mailer.send(&letter(failing.silent.as_str(), Notice::PasswordChanged)).await;
    assert!(matches!(silent, Err(SendError::Temporary(_) | SendError::Unreachable(_))), "{silent:?}");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
}

/// What follows a failure is not harmed by it, and carries nothing of it.
pub async fn goes_on_after_a_failure(mailer: impl Delivering) {
    if let Some(failing) = mailer.failing() {
        for to in [&failing.refused, &failing.silent, &failing.busy] {
            let failed = mailer.send(&letter(to.as_str(), Notice::ResetPassword(token()))).await;
            assert!(failed.is_err(), "{to}");
        }
    }
    send(&mailer, &letter("after@example.com", Notice::PasswordChanged)).await;
    let mail = only(&mailer, "after@example.com").await;
    assert!(!mail.text.contains(TOKEN) && !mail.html.contains(TOKEN));
    assert!(mail.text.starts_with("Hello"), "{}", mail.text);
}

/// Many at once arrive all, each once, each with its own text.
pub async fn sends_many_at_once(mailer: impl Delivering + 'static) {
    let mailer = std::sync::Arc::new(mailer);
    let sending: Vec<_> = (0..30)
        .map(|number| {
            let mailer = std::sync::Arc::clone(&mailer);
            let masked = format!("many{number}-***@elsewhere.example.com");
            let notice = Notice::EmailChangeRequested { masked };
            let letter = letter(&format!("many{number}@example.com"), notice);
            tokio::spawn(async move { mailer.send(&letter).await })
        })
        .collect();
    for one in sending {
        one.await.expect("the task ends").expect("takes the letter");
    }
    let all = mailer.arrived().await;
    for number in 0..30 {
        let to = [format!("many{number}@example.com")];
        let mails: Vec<_> = all.iter().filter(|mail| mail.to == to).collect();
        assert_eq!(mails.len(), 1, "{to:?}");
        assert!(mails[0].text.contains(&format!("many{number}-***")), "{to:?}");
    }
}
