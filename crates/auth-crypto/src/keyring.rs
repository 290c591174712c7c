//! Keys of the server, all derived from one secret.

use std::fmt;

use auth_domain::{
    port::{BoxError, Entropy, KeyPurpose, KeyedHash, SecretBox},
    secret::{SealLabel, Sealed, ServerSecret},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::OsEntropy;

/// The keys: one for each [`KeyPurpose`], and a ring of keys to seal and open with.
///
/// Each is HKDF-SHA256 (RFC 5869) of the secret under a label of its own, so that none tells anything
/// about another.
pub struct Keys {
    lock: Key,
    successor: Key,
    code: Key,
    state: Key,
    csrf: Key,
    cursor: Key,
    ring: Vec<BoxKey>,
}

pub(crate) type Key = Zeroizing<[u8; 32]>;

/// A key of the ring, and the four bytes that name it in a sealed value.
struct BoxKey {
    id: [u8; KID_BYTES],
    key: Key,
}

impl BoxKey {
    /// How values begin that it sealed.
    const fn label(&self) -> SealLabel {
        let [a, b, c, d] = self.id;
        SealLabel::from_bytes([VERSION, a, b, c, d])
    }
}

const VERSION: u8 = 1;
const KID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
/// Version, key id and nonce stand before the ciphertext.
const HEAD_BYTES: usize = 1 + KID_BYTES + NONCE_BYTES;
/// Never change it: what was derived would be lost.
const BOX_LABEL: &str = "secret-box/v1";

impl Keys {
    /// Derives the keys from the server's secret.
    pub fn derive(secret: &ServerSecret) -> Self {
        Self::derive_ring(secret, &[])
    }

    /// Derives the keys from the present secret, and those that open what `former` secrets sealed.
    /// Keyed hashes are computed with the present secret only.
    pub fn derive_ring(present: &ServerSecret, former: &[ServerSecret]) -> Self {
        let purpose = |purpose: KeyPurpose| subkey(present.expose_secret(), purpose.label());
        let ring = std::iter::once(present).chain(former).map(|secret| {
            let key = subkey(secret.expose_secret(), BOX_LABEL);
            let digest: [u8; 32] = Sha256::digest(*key).into();
            BoxKey { id: [digest[0], digest[1], digest[2], digest[3]], key }
        });
        Self {
            lock: purpose(KeyPurpose::LockKey),
            successor: purpose(KeyPurpose::RefreshSuccessor),
            code: purpose(KeyPurpose::OneTimeCode),
            state: purpose(KeyPurpose::StateName),
            csrf: purpose(KeyPurpose::Csrf),
            cursor: purpose(KeyPurpose::Cursor),
            ring: ring.collect(),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl KeyedHash for Keys {
    fn mac(&self, purpose: KeyPurpose, message: &[&[u8]]) -> [u8; 32] {
        let key = match purpose {
            KeyPurpose::LockKey => &self.lock,
            KeyPurpose::RefreshSuccessor => &self.successor,
            KeyPurpose::OneTimeCode => &self.code,
            KeyPurpose::StateName => &self.state,
            KeyPurpose::Csrf => &self.csrf,
            KeyPurpose::Cursor => &self.cursor,
        };
        hmac_sha256(key.as_slice(), message)
    }
}

impl SecretBox for Keys {
    fn seal(&self, context: &str, plain: &[u8]) -> Result<Sealed, BoxError> {
        let BoxKey { id, key } = self.ring.first().ok_or(BoxError)?;
        let mut nonce = [0; NONCE_BYTES];
        OsEntropy.fill(&mut nonce).map_err(|_| BoxError)?;
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload).map_err(|_| BoxError)?;
        Ok(Sealed::from_bytes([&[VERSION][..], id, &nonce, &sealed].concat()))
    }

    fn open(&self, context: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        let (head, msg) = sealed.as_bytes().split_first_chunk::<HEAD_BYTES>().ok_or(BoxError)?;
        let (&version, rest) = head.split_first().ok_or(BoxError)?;
        let (id, nonce) = rest.split_first_chunk::<KID_BYTES>().ok_or(BoxError)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| BoxError)?;
        if version != VERSION {
            return Err(BoxError);
        }
        // Four bytes may clash, so every key of that name is tried.
        let keys = self.ring.iter().filter(|key| &key.id == id);
        let mut opened = keys.filter_map(|BoxKey { key, .. }| {
            let payload = Payload { msg, aad: context.as_bytes() };
            cipher(key).decrypt(&XNonce::from(nonce), payload).ok()
        });
        opened.next().map(Zeroizing::new).ok_or(BoxError)
    }

    fn labels(&self) -> Vec<SealLabel> {
        self.ring.iter().map(BoxKey::label).collect()
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

/// The subkey of a secret for one label.
pub(crate) fn subkey(secret: &[u8], label: &str) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    hkdf_sha256(None, secret, label.as_bytes(), key.as_mut_slice());
    key
}

/// RFC 5869, extract and expand.
fn hkdf_sha256(salt: Option<&[u8]>, secret: &[u8], info: &[u8], out: &mut [u8]) {
    Hkdf::<Sha256>::new(salt, secret)
        .expand(info, out)
        .expect("no caller asks for more than 255 blocks of 32 bytes");
}

/// HMAC-SHA256 over the parts, each after its length, so that no two messages look alike.
fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in message {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().filter_map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn derives_as_rfc_5869_a_1_does() {
        let mut okm = [0; 42];
        let salt = unhex("000102030405060708090a0b0c");
        hkdf_sha256(Some(&salt), &[0x0b; 22], &unhex("f0f1f2f3f4f5f6f7f8f9"), &mut okm);
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
        assert_eq!(okm.as_slice(), unhex(expected));
    }

    #[test]
    fn derives_as_rfc_5869_a_3_does_without_salt_and_info() {
        let mut okm = [0; 42];
        hkdf_sha256(None, &[0x0b; 22], &[], &mut okm);
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
        assert_eq!(okm.as_slice(), unhex(expected));
    }

    #[test]
    fn a_former_secret_still_opens_and_no_longer_seals() {
        let secret = |text: &str| ServerSecret::parse(text).unwrap();
        let (old, new) = ("0f8fad5bd9cb469fa16570867728950e", "7c9e6679742540de944be07fc1f90ae7");
        let before = Keys::derive(&secret(old));
        let after = Keys::derive_ring(&secret(new), &[secret(old)]);
        let sealed = before.seal("t|c|1", b"hello").unwrap();
        assert_eq!(after.open("t|c|1", &sealed).unwrap().as_slice(), b"hello");
        assert!(Keys::derive(&secret(new)).open("t|c|1", &sealed).is_err());
        assert!(before.open("t|c|1", &after.seal("t|c|1", b"hello").unwrap()).is_err());
    }

    #[test]
    fn nothing_prints_the_secret() {
        let secret = ServerSecret::parse("0f8fad5bd9cb469fa16570867728950e").unwrap();
        assert_eq!(format!("{:?}", Keys::derive(&secret)), "Keys");
    }
}
