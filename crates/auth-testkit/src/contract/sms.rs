//! Contract of the port for text messages.
//!
//! What a case sends is told apart by its number, so cases may share one provider. Refusals cannot be
//! asked for in the same way everywhere: an adapter's own tests cover them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use auth_domain::{
    port::{SmsReceipt, SmsSender, SmsText},
    user::PhoneNumber,
};

/// Runs the contract of senders of text messages against what `make` gives.
#[macro_export]
macro_rules! sms_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; sms;
            sends_to_exactly_one_number hands_the_text_over_unchanged sends_once_for_each_call
            sends_many_at_once
        }
    };
}

/// A sender together with the other end.
#[async_trait]
pub trait Texting: SmsSender {
    /// Number and text of every message so far, oldest first.
    async fn sent(&self) -> Vec<(String, String)>;
}

async fn send(sender: &impl Texting, to: &str, text: &str) -> SmsReceipt {
    let to = PhoneNumber::parse(to).expect("a number");
    let begun = Instant::now();
    let receipt = sender.send(&to, &SmsText::new(text.to_owned())).await.expect("takes the message");
    assert!(begun.elapsed() < Duration::from_millis(3_500), "{:?}", begun.elapsed());
    receipt
}

async fn texts_to(sender: &impl Texting, to: &str) -> Vec<String> {
    let sent = sender.sent().await;
    sent.into_iter().filter(|(number, _)| number == to).map(|(_, text)| text).collect()
}

/// One message, one number: nobody else gets it.
pub async fn sends_to_exactly_one_number(sender: impl Texting) {
    send(&sender, "+15551230001", "Your login code is: 048213").await;
    let sent = sender.sent().await;
    let holding: Vec<_> = sent.iter().filter(|(_, text)| text.contains("048213")).collect();
    assert_eq!(holding, [&("+15551230001".to_owned(), "Your login code is: 048213".to_owned())]);
}

/// Line ends, signs with a meaning elsewhere and other scripts arrive as they are.
pub async fn hands_the_text_over_unchanged(sender: impl Texting) {
    let texts =
        ["a & b = c + d % e", "two\nlines", "<b>&amp;</b> {{7*7}} \"'\\", "Ключ 世界 🔑", "  spaces  kept"];
    for text in texts {
        send(&sender, "+15551230002", text).await;
    }
    assert_eq!(texts_to(&sender, "+15551230002").await, texts);
}

/// A call is a message: the same text twice is two, with ids of their own, and never three.
pub async fn sends_once_for_each_call(sender: impl Texting) {
    let first = send(&sender, "+15551230003", "same").await;
    let second = send(&sender, "+15551230003", "same").await;
    assert_ne!(first.message_id, second.message_id);
    assert_eq!(texts_to(&sender, "+15551230003").await.len(), 2);
}

/// Many at once arrive all, each once.
pub async fn sends_many_at_once(sender: impl Texting + 'static) {
    let sender = Arc::new(sender);
    let sending: Vec<_> = (0..16)
        .map(|number| {
            let sender = Arc::clone(&sender);
            tokio::spawn(async move { send(&*sender, "+15551230004", &format!("text {number:02}")).await })
        })
        .collect();
    for one in sending {
        one.await.expect("the task ends");
    }
    let mut texts = texts_to(&*sender, "+15551230004").await;
    texts.sort();
    assert_eq!(texts, (0..16).map(|number| format!("text {number:02}")).collect::<Vec<_>>());
}
