//! Signatures over the audit log without cryptography.

use auth_domain::{
    audit::{AuditKey, Signature},
    port::{CheckpointSigner, CheckpointVerifier, KeyError},
};

use super::digest_of;

/// Signs with a digest that anybody could make, and verifies it. Told apart by its name.
#[derive(Clone, Copy, Debug)]
pub struct FakeCheckpoints {
    key: AuditKey,
}

impl FakeCheckpoints {
    /// A signer whose key is made of `name`.
    pub fn new(name: &str) -> Self {
        Self { key: AuditKey::from_bytes(digest_of(&[name.as_bytes()])) }
    }
}

impl Default for FakeCheckpoints {
    fn default() -> Self {
        Self::new("fake")
    }
}

impl CheckpointSigner for FakeCheckpoints {
    fn key(&self) -> AuditKey {
        self.key
    }

    fn known_keys(&self) -> Vec<AuditKey> {
        vec![self.key]
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        Ok(signature(&self.key, message))
    }
}

impl CheckpointVerifier for FakeCheckpoints {
    fn verify(&self, key: &AuditKey, message: &[u8], given: &Signature) -> bool {
        signature(key, message) == *given
    }
}

fn signature(key: &AuditKey, message: &[u8]) -> Signature {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&digest_of(&[key.as_bytes(), message]));
    Signature::from_bytes(bytes)
}
