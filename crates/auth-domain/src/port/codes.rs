//! One-time codes that people type: text messages and mails carry them.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;

use crate::id::UserId;

/// What a one-time code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodePurpose {
    /// Logging in with a code sent by text message.
    SmsLogin,
    /// Proving a phone number that is to become a factor.
    SmsSetup,
    /// Logging in with a code sent by mail.
    EmailLogin,
    /// Proving that mail arrives before it becomes a factor.
    EmailSetup,
}

impl CodePurpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [Self::SmsLogin, Self::SmsSetup, Self::EmailLogin, Self::EmailSetup];

    /// The name that stores and keyed hashes use. Never change one: codes under way would be lost.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SmsLogin => "sms-login",
            Self::SmsSetup => "sms-setup",
            Self::EmailLogin => "email-login",
            Self::EmailSetup => "email-setup",
        }
    }
}

/// Where one code waits: a user has at most one for each purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeSlot {
    /// What the code is for.
    pub purpose: CodePurpose,
    /// Whom it was sent to.
    pub user: UserId,
}

/// The keyed hash of a code and of all it is bound to: user, address, purpose.
///
/// A code has so few digits that a plain hash would tell it; whoever makes this needs a key that the
/// store does not know. Comparison takes constant time.
#[derive(Clone, Copy)]
pub struct CodeMac([u8; 32]);

impl CodeMac {
    /// Wraps what a [`KeyedHash`](super::KeyedHash) computed or a store handed back.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, as stores keep them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for CodeMac {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for CodeMac {}

impl fmt::Debug for CodeMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeMac")
    }
}

/// A code as it waits to be redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredCode {
    /// What the right answer hashes to.
    pub mac: CodeMac,
    /// How many answers are looked at.
    pub tries: u32,
    /// From when on the code is no longer accepted.
    pub expires_at: DateTime<Utc>,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// It was the code, which is used up now.
    Accepted,
    /// It was not the code.
    Wrong {
        /// How many more answers are looked at; with none left the code is gone.
        tries_left: u32,
    },
    /// No code waits there: never sent, used, expired or out of tries.
    Absent,
}

/// Keeps one-time codes for a few minutes.
///
/// An implementor must replace what waited in a slot with the newest code and its own tries, must
/// count and compare and remove in one step (of any number of parallel right answers exactly one is
/// accepted, and no more wrong ones are looked at than there are tries), must remove a code that was
/// accepted, expired or ran out of tries, must decide by `now` and by no clock of its own, must keep
/// every slot apart from all others, and must bound its memory without forgetting a code before it
/// expires. Nothing that must survive a restart lives here.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait CodeStore: Send + Sync {
    /// Puts a code into its slot, in place of what waited there. A code without tries or already
    /// expired only empties the slot.
    ///
    /// # Errors
    /// [`CodeStoreError`] when the codes cannot be reached.
    async fn put(&self, slot: CodeSlot, code: &StoredCode, now: DateTime<Utc>) -> Result<(), CodeStoreError>;

    /// Compares an answer with the code in `slot`, and counts it.
    ///
    /// # Errors
    /// [`CodeStoreError`] when the codes cannot be reached.
    async fn redeem(
        &self,
        slot: CodeSlot,
        answer: &CodeMac,
        now: DateTime<Utc>,
    ) -> Result<Redemption, CodeStoreError>;

    /// Empties a slot: the message could not be sent, or the factor is gone.
    ///
    /// # Errors
    /// [`CodeStoreError`] when the codes cannot be reached.
    async fn discard(&self, slot: CodeSlot) -> Result<(), CodeStoreError>;
}

/// The codes cannot be reached. What needs them must be refused for now: a code that cannot be
/// checked is not a right one.
#[derive(Debug, thiserror::Error)]
#[error("the one-time codes cannot be reached")]
pub struct CodeStoreError {
    /// What the adapter met.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_purposes_are_stable() {
        let names = CodePurpose::ALL.map(CodePurpose::name);
        assert_eq!(names, ["sms-login", "sms-setup", "email-login", "email-setup"]);
    }

    #[test]
    fn shows_no_mac() {
        let code =
            StoredCode { mac: CodeMac::from_bytes([0xab; 32]), tries: 5, expires_at: DateTime::UNIX_EPOCH };
        let shown = format!("{code:?}");
        assert!(shown.contains("mac: CodeMac,"), "{shown}");
    }
}
