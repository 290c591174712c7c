//! Public keys, and raw signatures by ring.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// The server has three at most; more than this is no answer of it.
const MAX_KEYS: usize = 16;
pub(crate) const MAX_KEY_ID_BYTES: usize = 128;
/// 2048 bits are the least that RFC 7518 §3.3 allows; more than 4096 only cost time.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// 65537 has three bytes, and each one more makes a signature slower to check.
const MAX_EXPONENT_BYTES: usize = 4;

/// How tokens are signed with keys that are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037): what the server uses unless it is told otherwise.
    EdDsa,
    /// ECDSA over P-256.
    Es256,
    /// RSA with SHA-256.
    Rs256,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// The name in the header of a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// The text is not a set of public keys (RFC 7517 §5) that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a set of public keys, none that can be used in it, or two of one name")]
pub struct InvalidKeys;

/// A public key of the server, good for one algorithm and no other.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    id: String,
    material: Material,
}

enum Material {
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Published>,
}

/// The members that are looked at. `x5c` and the like are not.
#[derive(Deserialize)]
struct Published {
    kid: Option<String>,
    kty: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Key {
    /// Reads the keys of a JWKS. Keys that are good for something else are left out.
    ///
    /// # Errors
    /// [`InvalidKeys`].
    pub fn read_set(jwks: &[u8]) -> Result<Vec<Self>, InvalidKeys> {
        let set: KeySet = serde_json::from_slice(jwks).map_err(|_| InvalidKeys)?;
        if set.keys.len() > MAX_KEYS {
            return Err(InvalidKeys);
        }
        let keys: Vec<Self> = set.keys.iter().filter_map(Self::of).collect();
        let twice =
            keys.iter().enumerate().any(|(at, key)| keys[..at].iter().any(|other| other.id() == key.id()));
        if keys.is_empty() || twice { Err(InvalidKeys) } else { Ok(keys) }
    }

    fn of(published: &Published) -> Option<Self> {
        let id = published.kid.clone().filter(|id| (1..=MAX_KEY_ID_BYTES).contains(&id.len()))?;
        let is = |said: &Option<String>, wanted: &str| said.as_deref() == Some(wanted);
        let signs = published.r#use.is_none() || is(&published.r#use, "sig");
        let (kind, algorithm) = (published.kty.as_deref()?, published.alg.as_deref()?);
        let material = match (kind, algorithm) {
            ("OKP", "EdDSA") if is(&published.crv, "Ed25519") => {
                Material::Ed25519(bytes(published.x.as_ref(), 32..=32)?)
            }
            ("EC", "ES256") if is(&published.crv, "P-256") => {
                let (x, y) = (bytes(published.x.as_ref(), 32..=32)?, bytes(published.y.as_ref(), 32..=32)?);
                Material::P256([&[4], &x[..], &y[..]].concat())
            }
            ("RSA", "RS256") => Material::Rsa {
                n: bytes(published.n.as_ref(), MODULUS_BYTES)?,
                e: bytes(published.e.as_ref(), 1..=MAX_EXPONENT_BYTES)?,
            },
            _ => return None,
        };
        signs.then(|| Self(Arc::new(Inner { id, material })))
    }

    /// What tokens call it.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The one algorithm it is good for.
    pub fn algorithm(&self) -> Algorithm {
        match self.0.material {
            Material::Ed25519(_) => Algorithm::EdDsa,
            Material::P256(_) => Algorithm::Es256,
            Material::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// Whether the holder of the private half signed `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0.material {
            Material::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Material::P256(key) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature)
            }
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        }
        .is_ok()
    }
}

fn bytes(text: Option<&String>, length: std::ops::RangeInclusive<usize>) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text?).ok()?;
    length.contains(&bytes.len()).then_some(bytes)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id()).field("algorithm", &self.algorithm()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[&str]) -> Vec<u8> {
        format!(r#"{{"keys":[{}]}}"#, keys.join(",")).into_bytes()
    }

    fn encoded(length: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xab; length])
    }

    #[test]
    fn reads_keys_for_its_algorithms_and_leaves_others_out() {
        let (short, long, tiny) = (encoded(32), encoded(256), encoded(128));
        let body = set(&[
            &format!(r#"{{"kid":"a","kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","x":"{short}"}}"#),
            &format!(r#"{{"kid":"b","kty":"EC","crv":"P-256","alg":"ES256","x":"{short}","y":"{short}"}}"#),
            &format!(r#"{{"kid":"c","kty":"RSA","alg":"RS256","n":"{long}","e":"AQAB","x5c":["x"]}}"#),
            &format!(r#"{{"kid":"weak","kty":"RSA","alg":"RS256","n":"{tiny}","e":"AQAB"}}"#),
            &format!(r#"{{"kid":"slow","kty":"RSA","alg":"RS256","n":"{long}","e":"AQABAQAB"}}"#),
            &format!(r#"{{"kid":"other","kty":"RSA","alg":"RS512","n":"{long}","e":"AQAB"}}"#),
            &format!(
                r#"{{"kid":"enc","kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"enc","x":"{short}"}}"#
            ),
            &format!(r#"{{"kid":"curve","kty":"OKP","crv":"X25519","alg":"EdDSA","x":"{short}"}}"#),
            &format!(r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{short}"}}"#),
            r#"{"kid":"oct","kty":"oct","alg":"HS256","k":"AAAA"}"#,
        ]);
        let keys: Vec<_> =
            Key::read_set(&body).unwrap().iter().map(|key| (key.id().to_owned(), key.algorithm())).collect();
        let named = |id: &str, algorithm| (id.to_owned(), algorithm);
        assert_eq!(
            keys,
            [named("a", Algorithm::EdDsa), named("b", Algorithm::Es256), named("c", Algorithm::Rs256)]
        );
    }

    #[test]
    fn refuses_what_is_no_set_of_keys() {
        let x = encoded(32);
        let one = format!(r#"{{"kid":"a","kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{x}"}}"#);
        let many = vec![one.as_str(); MAX_KEYS + 1];
        for body in [&b""[..], b"<html>", b"{}", &set(&[]), &set(&[&one, &one]), &set(&many)] {
            assert_eq!(Key::read_set(body).err(), Some(InvalidKeys), "{}", String::from_utf8_lossy(body));
        }
    }
}
