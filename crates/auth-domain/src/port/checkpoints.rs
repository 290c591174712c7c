//! Signing statements about the audit log, and believing them.

use super::KeyError;
use crate::audit::{AuditKey, Signature};

/// Signs checkpoints of the audit log (Ed25519).
///
/// An implementor must derive its key from the server's secret, so that every replica has the same, and
/// must know the keys of former secrets.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait CheckpointSigner: Send + Sync {
    /// The public half of the key that signs.
    fn key(&self) -> AuditKey;

    /// All public keys to believe: the present one first, then those of former secrets.
    fn known_keys(&self) -> Vec<AuditKey>;

    /// Signs a message.
    ///
    /// # Errors
    /// [`KeyError`] when the key fails.
    fn sign(&self, message: &[u8]) -> Result<Signature, KeyError>;
}

/// Verifies signatures of checkpoints; needs no secret.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait CheckpointVerifier: Send + Sync {
    /// Whether `signature` is that of `key` over `message`. Must be `false` for a key that is none.
    fn verify(&self, key: &AuditKey, message: &[u8], signature: &Signature) -> bool;
}
