//! The shared key of HS256.

use auth_domain::{port::KeyError, secret::ServerSecret};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::jws::{HS256, JwsSigner};
use subtle::ConstantTimeEq;

use super::key::{caught, jose};

/// The secret shared with sister services, as an HS256 key.
pub(super) struct SharedKey {
    signer: Box<dyn JwsSigner>,
    header: String,
}

impl SharedKey {
    pub(super) fn new(secret: &ServerSecret) -> Result<Self, KeyError> {
        let signer = caught(|| HS256.signer_from_bytes(secret.expose_secret()).map_err(|err| jose(&err)))?;
        Ok(Self {
            signer: Box::new(signer),
            header: URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
        })
    }

    pub(super) fn header(&self) -> &str {
        &self.header
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        caught(|| self.signer.sign(message).map_err(|err| jose(&err)))
    }

    /// josekit compares MACs with `==`, whose time tells how much of a guess was right; so the MAC is
    /// made here and compared in constant time (ASVS 11.2.4).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.sign(message).is_ok_and(|mac| mac.ct_eq(signature).into())
    }
}
