//! Signatures over the audit log: Ed25519 (RFC 8032) by josekit (OpenSSL), with keys derived from the server's
//! secret.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use auth_domain::{
    audit::{AuditKey, Signature},
    port::{CheckpointSigner, CheckpointVerifier, KeyError},
    secret::ServerSecret,
};
use josekit::{
    jwk::KeyPair as _,
    jws::{EdDSA, JwsSigner as _, JwsVerifier as _},
};
use zeroize::Zeroizing;

use crate::keyring::{Key, subkey};

/// Never change it: nobody would know the key again.
const LABEL: &str = "audit-checkpoint/v1";
/// What stands before the 32 bytes of a private key (RFC 8410 §7, PKCS #8 DER).
const PRIVATE_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// What stands before the 32 bytes of a public key (RFC 8410 §4, SPKI DER).
const PUBLIC_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The key that signs checkpoints of the audit log, and the public ones of former secrets.
pub struct AuditKeys {
    private: Key,
    known: Vec<AuditKey>,
}

impl AuditKeys {
    /// Derives the key from the present secret, and what to believe besides from the `former` ones.
    ///
    /// # Errors
    /// [`KeyError`] when OpenSSL refuses.
    pub fn derive(present: &ServerSecret, former: &[ServerSecret]) -> Result<Self, KeyError> {
        let seed = |secret: &ServerSecret| subkey(secret.expose_secret(), LABEL);
        let all = std::iter::once(present).chain(former);
        let known = all.map(|secret| public(&seed(secret))).collect::<Result<_, _>>()?;
        Ok(Self { private: seed(present), known })
    }
}

impl fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKeys")
    }
}

impl CheckpointSigner for AuditKeys {
    fn key(&self) -> AuditKey {
        self.known[0] // of the present secret, which there always is
    }

    fn known_keys(&self) -> Vec<AuditKey> {
        self.known.clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        caught(|| {
            let signer = EdDSA.signer_from_der(private_der(&self.private).as_slice()).ok()?;
            let signature = signer.sign(message).ok()?;
            signature.try_into().ok().map(Signature::from_bytes)
        })
        .ok_or_else(broken)
    }
}

/// Verifies checkpoints; holds no key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

impl CheckpointVerifier for Ed25519 {
    fn verify(&self, key: &AuditKey, message: &[u8], signature: &Signature) -> bool {
        caught(|| {
            let der = [&PUBLIC_HEAD[..], key.as_bytes()].concat();
            let verifier = EdDSA.verifier_from_der(der).ok()?;
            verifier.verify(message, signature.as_bytes()).ok()
        })
        .is_some()
    }
}

fn public(seed: &Key) -> Result<AuditKey, KeyError> {
    caught(|| {
        let pair = EdDSA.key_pair_from_der(private_der(seed).as_slice()).ok()?;
        let der = pair.to_der_public_key();
        let key = der.strip_prefix(PUBLIC_HEAD.as_slice())?;
        key.try_into().ok().map(AuditKey::from_bytes)
    })
    .ok_or_else(broken)
}

fn private_der(seed: &Key) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&PRIVATE_HEAD[..], seed.as_slice()].concat())
}

/// Runs library code that unwraps inside: a panic is a refusal.
fn caught<T>(run: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok().flatten()
}

fn broken() -> KeyError {
    KeyError::Broken("the key of the audit log cannot be used".into())
}

#[cfg(test)]
mod tests {
    use auth_domain::audit::unhex;

    use super::*;

    fn secret(text: &str) -> ServerSecret {
        ServerSecret::parse(text).unwrap()
    }

    const PRESENT: &str = "7c9e6679742540de944be07fc1f90ae7";
    const FORMER: &str = "0f8fad5bd9cb469fa16570867728950e";

    #[test]
    fn signs_as_rfc_8032_7_1_does() {
        let seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let seed = Zeroizing::new(seed);
        let expected = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(public(&seed).unwrap().to_string(), expected);
        let keys = AuditKeys { known: vec![public(&seed).unwrap()], private: seed };
        let signature = keys.sign(b"").unwrap();
        let expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        assert_eq!(auth_domain::audit::hex(signature.as_bytes()), expected);
        assert!(Ed25519.verify(&keys.key(), b"", &signature));
    }

    #[test]
    fn believes_nothing_else() {
        let keys = AuditKeys::derive(&secret(PRESENT), &[]).unwrap();
        let other = AuditKeys::derive(&secret(FORMER), &[]).unwrap();
        let signature = keys.sign(b"message").unwrap();
        assert!(Ed25519.verify(&keys.key(), b"message", &signature));
        assert!(!Ed25519.verify(&keys.key(), b"messagf", &signature));
        assert!(!Ed25519.verify(&other.key(), b"message", &signature));
        let mut bytes = *signature.as_bytes();
        bytes[3] ^= 1;
        assert!(!Ed25519.verify(&keys.key(), b"message", &Signature::from_bytes(bytes)));
        for no_key in [[0; 32], [0xff; 32]] {
            assert!(!Ed25519.verify(&AuditKey::from_bytes(no_key), b"message", &signature));
        }
    }

    #[test]
    fn keys_of_former_secrets_are_known_behind_the_present_one() {
        let keys = AuditKeys::derive(&secret(PRESENT), &[secret(FORMER)]).unwrap();
        let former = AuditKeys::derive(&secret(FORMER), &[]).unwrap();
        assert_eq!(keys.known_keys(), [keys.key(), former.key()]);
        assert_eq!(format!("{keys:?}"), "AuditKeys");
    }
}
