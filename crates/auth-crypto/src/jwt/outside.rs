//! API keys that are minted outside: JWT of one configured algorithm, with one configured key.

use std::fmt;

use auth_domain::{
    port::{KeyError, OutsideKey, OutsideKeyAlgorithm, OutsideKeyError, OutsideKeyVerifier},
    secret::ServerSecret,
    token::TokenExpectations,
};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use josekit::jws::{ES256, ES384, ES512, EdDSA, JwsVerifier, RS256, RS384, RS512};
use sha2::{Sha256, Sha384, Sha512};

use super::{
    claims::OutsideClaims,
    compact::Compact,
    key::{caught, jose},
};

/// What keys minted outside are verified with.
#[derive(Debug)]
pub struct OutsideKeysConfig {
    /// How they are signed. Another algorithm is not believed, whatever a key says.
    pub algorithm: OutsideKeyAlgorithm,
    /// The secret shared with whoever mints them; looked at for HS256, HS384 and HS512 only.
    pub secret: Option<ServerSecret>,
    /// The public key of whoever mints them, PEM; looked at for the others only.
    pub public_key: Option<String>,
}

/// The public key is not one, or not of the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a public key (PEM) of the algorithm")]
pub struct UnfitPublicKey;

/// Verifies API keys that are minted outside.
pub struct OutsideKeys {
    algorithm: OutsideKeyAlgorithm,
    key: Option<Key>,
}

enum Key {
    Shared(ServerSecret),
    Public(Box<dyn JwsVerifier>),
}

impl OutsideKeys {
    /// Reads the key of the algorithm. Without one every key is refused with what is missing.
    ///
    /// # Errors
    /// [`UnfitPublicKey`].
    pub fn new(config: OutsideKeysConfig) -> Result<Self, UnfitPublicKey> {
        let OutsideKeysConfig { algorithm, secret, public_key } = config;
        let key = if algorithm.is_shared_secret() {
            secret.map(Key::Shared)
        } else {
            let public = public_key.map(|pem| public(algorithm, pem.as_bytes()));
            public.transpose().map_err(|_| UnfitPublicKey)?.map(Key::Public)
        };
        Ok(Self { algorithm, key })
    }
}

impl fmt::Debug for OutsideKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutsideKeys").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl OutsideKeyVerifier for OutsideKeys {
    fn verify(&self, key: &str, now: DateTime<Utc>) -> Result<OutsideKey, OutsideKeyError> {
        let Some(known) = &self.key else {
            let shared = self.algorithm.is_shared_secret();
            return Err(if shared { OutsideKeyError::NoSecret } else { OutsideKeyError::NoPublicKey });
        };
        let token = Compact::parse(key).map_err(|_| OutsideKeyError::Invalid)?;
        // The algorithm is the configured one; the key may only agree (RFC 8725 §3.1).
        let fits = token.is_plain(self.algorithm.as_str())
            && match known {
                Key::Shared(secret) => {
                    is_mac(self.algorithm, secret.expose_secret(), token.message(), token.signature())
                }
                Key::Public(verifier) => {
                    caught(|| verifier.verify(token.message(), token.signature()).map_err(|err| jose(&err)))
                        .is_ok()
                }
            };
        if !fits {
            return Err(OutsideKeyError::Invalid);
        }
        OutsideClaims::parse(token.payload())?.judge(now, TokenExpectations::DEFAULT_LEEWAY)
    }
}

fn public(algorithm: OutsideKeyAlgorithm, pem: &[u8]) -> Result<Box<dyn JwsVerifier>, KeyError> {
    use OutsideKeyAlgorithm::{EdDsa, Es256, Es384, Es512, Hs256, Hs384, Hs512, Rs256, Rs384, Rs512};
    caught(|| {
        match algorithm {
            Rs256 => RS256.verifier_from_pem(pem).map(boxed),
            Rs384 => RS384.verifier_from_pem(pem).map(boxed),
            Rs512 => RS512.verifier_from_pem(pem).map(boxed),
            Es256 => ES256.verifier_from_pem(pem).map(boxed),
            Es384 => ES384.verifier_from_pem(pem).map(boxed),
            Es512 => ES512.verifier_from_pem(pem).map(boxed),
            EdDsa => EdDSA.verifier_from_pem(pem).map(boxed),
            Hs256 | Hs384 | Hs512 => {
                return Err(KeyError::Broken("a shared secret has no public key".into()));
            }
        }
        .map_err(|err| jose(&err))
    })
}

fn boxed(verifier: impl JwsVerifier + 'static) -> Box<dyn JwsVerifier> {
    Box::new(verifier)
}

/// Compares in constant time (ASVS 11.2.4).
fn is_mac(algorithm: OutsideKeyAlgorithm, secret: &[u8], message: &[u8], mac: &[u8]) -> bool {
    match algorithm {
        OutsideKeyAlgorithm::Hs256 => Hmac::<Sha256>::new_from_slice(secret)
            .is_ok_and(|hmac| hmac.chain_update(message).verify_slice(mac).is_ok()),
        OutsideKeyAlgorithm::Hs384 => Hmac::<Sha384>::new_from_slice(secret)
            .is_ok_and(|hmac| hmac.chain_update(message).verify_slice(mac).is_ok()),
        OutsideKeyAlgorithm::Hs512 => Hmac::<Sha512>::new_from_slice(secret)
            .is_ok_and(|hmac| hmac.chain_update(message).verify_slice(mac).is_ok()),
        _ => false,
    }
}
