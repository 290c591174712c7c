//! A sender of text messages that remembers, and a ledger that counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use auth_domain::{
    port::{LedgerError, SmsError, SmsLedger, SmsReceipt, SmsSender, SmsText},
    user::PhoneNumber,
};
use chrono::{DateTime, Utc};

use super::lock;
use crate::contract::sms::Texting;

/// The kinds of [`SmsError`], without their causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmsFailure {
    /// [`SmsError::InvalidNumber`].
    InvalidNumber,
    /// [`SmsError::OptedOut`].
    OptedOut,
    /// [`SmsError::Throttled`].
    Throttled,
    /// [`SmsError::Misconfigured`].
    Misconfigured,
    /// [`SmsError::Unavailable`].
    Unavailable,
}

impl SmsFailure {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::InvalidNumber, Self::OptedOut, Self::Throttled, Self::Misconfigured, Self::Unavailable];

    /// An error of that kind.
    pub fn error(self) -> SmsError {
        let cause = "told to fail by the test".into();
        match self {
            Self::InvalidNumber => SmsError::InvalidNumber(cause),
            Self::OptedOut => SmsError::OptedOut(cause),
            Self::Throttled => SmsError::Throttled(cause),
            Self::Misconfigured => SmsError::Misconfigured(cause),
            Self::Unavailable => SmsError::Unavailable(cause),
        }
    }
}

/// A text message that a [`RecordingSms`] took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentSms {
    /// The recipient.
    pub to: PhoneNumber,
    /// The whole text.
    pub text: String,
}

impl SentSms {
    /// The code in the text: its first six digits that stand alone.
    pub fn code(&self) -> Option<String> {
        let mut numbers = self.text.split(|c: char| !c.is_ascii_digit());
        numbers.find(|number| number.len() == 6).map(ToOwned::to_owned)
    }
}

/// Keeps text messages instead of sending them. Clones share the messages.
#[derive(Clone, Debug, Default)]
pub struct RecordingSms {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sent: Vec<SentSms>,
    failure: Option<SmsFailure>,
    failures: u32,
    attempts: u32,
}

impl RecordingSms {
    /// All messages taken so far, oldest first.
    pub fn messages(&self) -> Vec<SentSms> {
        lock(&self.state).sent.clone()
    }

    /// The newest message to `to`.
    pub fn last_to(&self, to: &PhoneNumber) -> Option<SentSms> {
        lock(&self.state).sent.iter().rev().find(|message| &message.to == to).cloned()
    }

    /// The code in the newest message to `to`.
    pub fn code(&self, to: &PhoneNumber) -> Option<String> {
        self.last_to(to)?.code()
    }

    /// How often [`send`](SmsSender::send) was called, failures included.
    pub fn attempts(&self) -> u32 {
        lock(&self.state).attempts
    }

    /// Makes the next `times` calls fail in that way.
    pub fn fail(&self, times: u32, failure: SmsFailure) {
        let mut state = lock(&self.state);
        (state.failures, state.failure) = (times, Some(failure));
    }

    /// Forgets all messages.
    pub fn clear(&self) {
        lock(&self.state).sent.clear();
    }
}

#[async_trait]
impl SmsSender for RecordingSms {
    async fn send(&self, to: &PhoneNumber, text: &SmsText) -> Result<SmsReceipt, SmsError> {
        let mut state = lock(&self.state);
        state.attempts += 1;
        if let Some(failure) = state.failure.filter(|_| state.failures > 0) {
            state.failures -= 1;
            return Err(failure.error());
        }
        state.sent.push(SentSms { to: to.clone(), text: text.expose_secret().to_owned() });
        Ok(SmsReceipt { message_id: Some(format!("sms-{}", state.attempts)) })
    }
}

#[async_trait]
impl Texting for RecordingSms {
    async fn sent(&self) -> Vec<(String, String)> {
        let messages = self.messages().into_iter();
        messages.map(|message| (message.to.to_string(), message.text)).collect()
    }
}

/// The key, the length and the number of a window.
type Window = (String, Duration, i128);

/// Counts text messages exactly, and forgets nothing. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct FakeLedger {
    counts: Arc<Mutex<HashMap<Window, u32>>>,
    broken: Arc<Mutex<bool>>,
}

impl FakeLedger {
    /// Makes every later call fail, or work again.
    pub fn set_broken(&self, broken: bool) {
        *lock(&self.broken) = broken;
    }
}

#[async_trait]
impl SmsLedger for FakeLedger {
    async fn add(
        &self,
        key: &str,
        by: u32,
        window: Duration,
        now: DateTime<Utc>,
    ) -> Result<u32, LedgerError> {
        if *lock(&self.broken) {
            return Err(LedgerError { source: "broken by the test".into() });
        }
        // A window is at most 2^64 seconds, which is far below 2^127 microseconds.
        let length = i128::try_from(window.as_micros().max(1)).unwrap_or(i128::MAX);
        let number = i128::from(now.timestamp_micros()).div_euclid(length);
        let mut counts = lock(&self.counts);
        let count = counts.entry((key.to_owned(), window, number)).or_insert(0);
        *count = count.saturating_add(by);
        Ok(*count)
    }
}
