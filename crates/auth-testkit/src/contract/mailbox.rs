//! Contract of the mailbox ports.
//!
//! That messages outlive the process shows only in an adapter that keeps them; its own tests cover
//! that.

use auth_domain::{
    client::Client,
    id::OutboxId,
    port::{CapturedMessage, Channel, Letter, Mailbox, MailboxFilter, Mailer, Notice, SmsSender, SmsText},
    tenant::TenantId,
    user::{Email, PhoneNumber},
};
use chrono::DateTime;

/// Runs the contract of capturing senders against what `make` gives.
#[macro_export]
macro_rules! mailbox_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; mailbox;
            shows_what_was_sent_newest_first filters_by_recipient_and_channel forgets_when_cleared
            keeps_a_letter_sent_twice_twice bounds_what_it_keeps
        }
    };
}

/// Everything a capturing sender is.
pub trait Capturing: Mailer + SmsSender + Mailbox {}
impl<T: Mailer + SmsSender + Mailbox> Capturing for T {}

/// A letter without a link, to `to`.
///
/// # Panics
/// When `to` is no address.
pub fn letter(to: &str) -> Letter {
    Letter {
        id: OutboxId::from_i64(7),
        tenant: TenantId::default(),
        to: Email::parse(to).expect("an address"),
        name: None,
        notice: Notice::PasswordChanged,
        client: Client::default(),
        at: DateTime::UNIX_EPOCH,
    }
}

async fn mail(sender: &impl Capturing, to: &str) {
    Mailer::send(sender, &letter(to)).await.expect("takes the letter");
}

async fn text(sender: &impl Capturing, to: &str, text: &str) {
    let to = PhoneNumber::parse(to).expect("a number");
    SmsSender::send(sender, &to, &SmsText::new(text.to_owned())).await.expect("takes the message");
}

async fn list(sender: &impl Capturing, to: Option<&str>, channel: Option<Channel>) -> Vec<CapturedMessage> {
    let filter = MailboxFilter { to: to.map(ToOwned::to_owned), channel };
    sender.list(&filter).await.expect("lists")
}

/// Messages are listed newest first, with rising ids and the recipient they were sent to.
pub async fn shows_what_was_sent_newest_first(sender: impl Capturing) {
    assert!(list(&sender, None, None).await.is_empty());
    mail(&sender, "ada@example.com").await;
    text(&sender, "+15551234567", "Your code is 123456").await;
    mail(&sender, "bob@example.com").await;
    let all = list(&sender, None, None).await;
    let to: Vec<&str> = all.iter().map(|message| message.to.as_str()).collect();
    assert_eq!(to, ["bob@example.com", "+15551234567", "ada@example.com"]);
    assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id));
    let (sms, mail) = (&all[1], &all[2]);
    assert_eq!((sms.subject.as_str(), sms.html.as_str(), sms.text.as_str()), ("", "", "Your code is 123456"));
    assert_eq!((sms.channel, mail.channel), (Channel::Sms, Channel::Email));
    assert!(!mail.subject.is_empty() && !mail.text.is_empty() && !mail.html.is_empty());
}

/// A filter leaves only what fits; the recipient is compared without case.
pub async fn filters_by_recipient_and_channel(sender: impl Capturing) {
    mail(&sender, "ada@example.com").await;
    mail(&sender, "bob@example.com").await;
    text(&sender, "+15551234567", "hello").await;
    assert_eq!(list(&sender, Some("ADA@example.com"), None).await.len(), 1);
    assert_eq!(list(&sender, Some("ada"), None).await.len(), 0);
    assert_eq!(list(&sender, None, Some(Channel::Email)).await.len(), 2);
    assert_eq!(list(&sender, Some("+15551234567"), Some(Channel::Sms)).await.len(), 1);
    assert_eq!(list(&sender, Some("+15551234567"), Some(Channel::Email)).await.len(), 0);
}

/// Clearing forgets everything; ids go on rising.
pub async fn forgets_when_cleared(sender: impl Capturing) {
    mail(&sender, "ada@example.com").await;
    let before = list(&sender, None, None).await[0].id;
    sender.clear().await.expect("clears");
    assert!(list(&sender, None, None).await.is_empty());
    mail(&sender, "ada@example.com").await;
    assert!(list(&sender, None, None).await[0].id > before);
}

/// Delivery is at least once, and the mailbox does not hide it.
pub async fn keeps_a_letter_sent_twice_twice(sender: impl Capturing) {
    mail(&sender, "ada@example.com").await;
    mail(&sender, "ada@example.com").await;
    assert_eq!(list(&sender, None, None).await.len(), 2);
}

/// Old messages make room for new ones.
pub async fn bounds_what_it_keeps(sender: impl Capturing) {
    for number in 0..2500 {
        text(&sender, "+15551234567", &number.to_string()).await;
    }
    let all = list(&sender, None, None).await;
    assert!((1..=1000).contains(&all.len()), "{}", all.len());
    assert_eq!(all[0].text, "2499");
}
