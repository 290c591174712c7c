//! Fakes: working stand-ins with no adapter behind them.
//!
//! They keep the contracts of their ports as far as an outcome can show, are fast and repeatable, and
//! are **not secure**. Clones share their state, so a test keeps one and gives the other away.

mod checkpoints;
mod cipher;
mod clock;
mod engine;
mod entropy;
mod hasher;
mod limiter;
mod mailer;
mod outside_keys;
mod sms;
mod tokens;
mod totp;
mod waiting;

pub use checkpoints::FakeCheckpoints;
pub use cipher::FakeCipher;
pub use clock::FakeClock;
pub use engine::TestEngine;
pub use entropy::SeededEntropy;
pub use hasher::{FastHasher, HasherCalls};
pub use limiter::{ExactLimiter, GenerousLimiter};
pub use mailer::{NoticeKind, RecordingMailer, SentLetter};
pub use outside_keys::FakeOutsideKeys;
pub use sms::{FakeLedger, RecordingSms, SentSms, SmsFailure};
pub use tokens::FakeTokens;
pub use totp::FakeApp;
pub use waiting::{FakeChallenges, FakeCodes};

use std::{
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest as _, Sha256};

/// Locks although another test thread may have panicked with the lock held: what is behind it is
/// still whole, and the panic fails the test anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SHA-256 over parts, each preceded by its length.
fn digest_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads what [`hex`] wrote.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}
