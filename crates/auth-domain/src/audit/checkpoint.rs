//! Signed statements about how far the chain was, and what it had come to.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

use super::chain::{AuditKey, Canonical, ChainHead, time_text};
use crate::port::{CheckpointSigner, CheckpointVerifier, KeyError};

/// Begins the text of a checkpoint.
const CHECKPOINT: &str = "auth-audit-checkpoint/1";

/// What a checkpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointKind {
    /// The chain goes through this position with this hash.
    Regular,
    /// The same, and what is up to this position was deleted because it was old.
    Pruned,
}

impl CheckpointKind {
    /// The name that stores and exports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Pruned => "pruned",
        }
    }
}

/// The text names no kind of checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of checkpoint")]
pub struct UnknownKind;

impl FromStr for CheckpointKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        [Self::Regular, Self::Pruned].into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Wraps the bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature")
    }
}

/// A signed statement about the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Rises by one from checkpoint to checkpoint: one that is missing leaves a gap.
    pub number: i64,
    /// What it says.
    pub kind: CheckpointKind,
    /// About which place of the chain.
    pub head: ChainHead,
    /// When it was signed.
    pub at: DateTime<Utc>,
    /// Whose signature it is.
    pub key: AuditKey,
    /// The signature.
    pub signature: Signature,
}

impl Checkpoint {
    /// Signs a statement.
    ///
    /// # Errors
    /// [`KeyError`] when the signer refuses.
    pub fn sign(
        number: i64,
        kind: CheckpointKind,
        head: ChainHead,
        at: DateTime<Utc>,
        signer: &dyn CheckpointSigner,
    ) -> Result<Self, KeyError> {
        let key = signer.key();
        let unsigned = Self { number, kind, head, at, key, signature: Signature([0; 64]) };
        let signature = signer.sign(&unsigned.message())?;
        Ok(Self { signature, ..unsigned })
    }

    /// Whether the signature is that of the key it names. Whether the key is one to believe is another
    /// question.
    pub fn is_signed(&self, verifier: &dyn CheckpointVerifier) -> bool {
        verifier.verify(&self.key, &self.message(), &self.signature)
    }

    /// The bytes that are signed, version 1.
    fn message(&self) -> Vec<u8> {
        let mut text = Canonical::default();
        text.field(CHECKPOINT);
        text.field(&self.number.to_string());
        text.field(self.kind.as_str());
        text.field(&self.head.position.to_string());
        text.field(&self.head.hash.to_string());
        text.field(&time_text(self.at));
        text.field(&self.key.to_string());
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::ChainHash;

    #[test]
    fn the_signed_bytes_are_known() {
        let checkpoint = Checkpoint {
            number: 12,
            kind: CheckpointKind::Pruned,
            head: ChainHead { position: 345, hash: ChainHash::from_bytes([0x0f; 32]) },
            at: "2026-03-04T05:06:07.000008Z".parse().unwrap(),
            key: AuditKey::from_bytes([0xa0; 32]),
            signature: Signature([7; 64]),
        };
        let expected = format!(
            "\0\0\0\x17auth-audit-checkpoint/1\0\0\0\x0212\0\0\0\x06pruned\0\0\0\x03345\0\0\0\x40{}\
             \0\0\0\x1b2026-03-04T05:06:07.000008Z\0\0\0\x40{}",
            "0f".repeat(32),
            "a0".repeat(32)
        );
        assert_eq!(checkpoint.message(), expected.as_bytes());
    }

    #[test]
    fn names_of_kinds_go_both_ways() {
        for kind in [CheckpointKind::Regular, CheckpointKind::Pruned] {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("other".parse::<CheckpointKind>(), Err(UnknownKind));
    }
}
