//! Sealing and keyed hashing without a real cipher.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use auth_domain::{
    port::{BoxError, KeyPurpose, KeyedHash, SecretBox},
    secret::{SealLabel, Sealed},
};
use zeroize::Zeroizing;

use super::digest_of;

/// A stream of SHA-256 blocks with a SHA-256 tag: behaves like a secret box and is not one. Clones
/// share the nonce counter.
#[derive(Clone, Debug)]
pub struct FakeCipher {
    key: [u8; 32],
    former: Vec<[u8; 32]>,
    nonce: Arc<AtomicU64>,
}

type Key = [u8; 32];

impl FakeCipher {
    /// A cipher whose key is derived from `secret`.
    pub fn new(secret: &str) -> Self {
        Self { key: digest_of(&[secret.as_bytes()]), former: Vec::new(), nonce: Arc::default() }
    }

    /// The same, also opening what a cipher of the secret `former` sealed.
    #[must_use]
    pub fn after(mut self, former: &str) -> Self {
        self.former.push(digest_of(&[former.as_bytes()]));
        self
    }

    fn ring(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.key).chain(&self.former)
    }
}

fn tag(key: &Key, context: &str, nonce: &[u8], body: &[u8]) -> [u8; 32] {
    digest_of(&[b"tag", key, context.as_bytes(), nonce, body])
}

fn apply(key: &Key, nonce: &[u8], body: &mut [u8]) {
    for (number, chunk) in body.chunks_mut(32).enumerate() {
        let pad = digest_of(&[b"pad", key, nonce, &(number as u64).to_be_bytes()]);
        chunk.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
    }
}

fn label(key: &Key) -> SealLabel {
    let [a, b, c, d, ..] = digest_of(&[b"label", key]);
    SealLabel::from_bytes([0xfa, a, b, c, d])
}

impl Default for FakeCipher {
    fn default() -> Self {
        Self::new("fake")
    }
}

impl SecretBox for FakeCipher {
    fn seal(&self, context: &str, plain: &[u8]) -> Result<Sealed, BoxError> {
        let nonce = self.nonce.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let mut body = plain.to_vec();
        apply(&self.key, &nonce, &mut body);
        let tag = tag(&self.key, context, &nonce, &body);
        Ok(Sealed::from_bytes([&label(&self.key).as_bytes()[..], &nonce, &tag, &body].concat()))
    }

    fn open(&self, context: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        let named = sealed.label().ok_or(BoxError)?;
        let key = self.ring().find(|key| label(key) == named).ok_or(BoxError)?;
        let (nonce, rest) = sealed.as_bytes()[SealLabel::BYTES..].split_at_checked(8).ok_or(BoxError)?;
        let (sum, body) = rest.split_at_checked(32).ok_or(BoxError)?;
        if tag(key, context, nonce, body) != sum {
            return Err(BoxError);
        }
        let mut plain = Zeroizing::new(body.to_vec());
        apply(key, nonce, &mut plain);
        Ok(plain)
    }

    fn labels(&self) -> Vec<SealLabel> {
        self.ring().map(label).collect()
    }
}

impl KeyedHash for FakeCipher {
    fn mac(&self, purpose: KeyPurpose, message: &[&[u8]]) -> [u8; 32] {
        let mut parts: Vec<&[u8]> = vec![b"mac", &self.key, purpose.label().as_bytes()];
        parts.extend(message);
        digest_of(&parts)
    }
}
