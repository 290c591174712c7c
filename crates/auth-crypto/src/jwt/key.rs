//! Keys by josekit (OpenSSL), and raw signatures: those of Ed25519 by ring.

use std::{
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use auth_domain::{
    port::KeyError,
    token::{JwtAlgorithm, KeyId, SigningKey},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use josekit::{
    JoseError,
    jwk::{
        Jwk, KeyPair,
        alg::{ec::EcKeyPair, ed::EdCurve, ed::EdKeyPair, rsa::RsaKeyPair},
    },
    jws::{ES256, EdDSA, JwsSigner, JwsVerifier, RS256},
};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The least that NIST SP 800-131A and RFC 7518 §3.3 allow.
const RSA_BITS: u32 = 2048;

/// A key pair of the ring, ready for use: making a verifier costs more than verifying.
pub(super) struct AsymmetricKey {
    id: KeyId,
    algorithm: JwtAlgorithm,
    created_at: DateTime<Utc>,
    activates_at: DateTime<Utc>,
    retires_at: Option<DateTime<Utc>>,
    material: Arc<Material>,
}

struct Material {
    signer: Signer,
    verifier: Verifier,
    jwk: String,
    header: String,
}

impl AsymmetricKey {
    /// Builds a key of the ring from its stored form and its opened private half.
    ///
    /// The public half is derived anew, so a stored JWK that was tampered with has no effect.
    ///
    /// # Errors
    /// [`KeyError::Broken`] for material that is no key, or not the key its id names.
    pub(super) fn open(stored: &SigningKey, private: &[u8]) -> Result<Self, KeyError> {
        let algorithm = stored.algorithm;
        let material = caught(|| {
            let pair = Pair::from_der(algorithm, private)?;
            let public = pair.public()?;
            if public.id != stored.id {
                return Err(broken("the key is not the one its id names"));
            }
            let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{}"}}"#, stored.id);
            Ok(Material {
                signer: Signer::new(algorithm, private)?,
                verifier: Verifier::new(algorithm, &pair.as_dyn().to_der_public_key())?,
                jwk: public.jwk,
                header: URL_SAFE_NO_PAD.encode(header),
            })
        })?;
        Ok(Self {
            id: stored.id.clone(),
            algorithm,
            created_at: stored.created_at,
            activates_at: stored.activates_at,
            retires_at: stored.retires_at,
            material: Arc::new(material),
        })
    }

    /// The same key with the times a store holds now.
    pub(super) fn with_times_of(&self, stored: &SigningKey) -> Result<Self, KeyError> {
        if stored.algorithm != self.algorithm {
            return Err(broken("the key is of another algorithm"));
        }
        Ok(Self {
            id: self.id.clone(),
            algorithm: self.algorithm,
            created_at: stored.created_at,
            activates_at: stored.activates_at,
            retires_at: stored.retires_at,
            material: Arc::clone(&self.material),
        })
    }

    pub(super) fn id(&self) -> &KeyId {
        &self.id
    }

    pub(super) fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    /// The public half (RFC 7517), JSON.
    pub(super) fn jwk(&self) -> &str {
        &self.material.jwk
    }

    /// The encoded header of tokens signed with this key.
    pub(super) fn header(&self) -> &str {
        &self.material.header
    }

    pub(super) fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.activates_at <= now && self.retires_at.is_none_or(|at| at > now)
    }

    /// Orders keys by when they begin to sign, the same way on every replica.
    pub(super) fn age_rank(&self) -> (DateTime<Utc>, DateTime<Utc>, &KeyId) {
        (self.activates_at, self.created_at, &self.id)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.material.signer.sign(message)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.material.verifier.admits(message, signature)
    }
}

/// Makes a key pair: the private half as PKCS #8 DER, its id, and the public half as a JWK.
///
/// # Errors
/// [`KeyError::Broken`] when OpenSSL fails, or for HS256, which has no pairs.
pub(super) fn generate(algorithm: JwtAlgorithm) -> Result<(Zeroizing<Vec<u8>>, KeyId, String), KeyError> {
    caught(|| {
        let pair = Pair::generate(algorithm)?;
        let Public { id, jwk } = pair.public()?;
        Ok((Zeroizing::new(pair.as_dyn().to_der_private_key()), id, jwk))
    })
}

enum Pair {
    Ed(EdKeyPair),
    Ec(EcKeyPair),
    Rsa(RsaKeyPair),
}

struct Public {
    id: KeyId,
    jwk: String,
}

impl Pair {
    fn generate(algorithm: JwtAlgorithm) -> Result<Self, KeyError> {
        match algorithm {
            JwtAlgorithm::EdDsa => {
                EdDSA.generate_key_pair(EdCurve::Ed25519).map(Self::Ed).map_err(|err| jose(&err))
            }
            JwtAlgorithm::Es256 => ES256.generate_key_pair().map(Self::Ec).map_err(|err| jose(&err)),
            JwtAlgorithm::Rs256 => RS256.generate_key_pair(RSA_BITS).map(Self::Rsa).map_err(|err| jose(&err)),
            JwtAlgorithm::Hs256 => Err(no_pairs()),
        }
    }

    fn from_der(algorithm: JwtAlgorithm, der: &[u8]) -> Result<Self, KeyError> {
        let pair = match algorithm {
            JwtAlgorithm::EdDsa => EdDSA.key_pair_from_der(der).map(Self::Ed).map_err(|err| jose(&err)),
            JwtAlgorithm::Es256 => ES256.key_pair_from_der(der).map(Self::Ec).map_err(|err| jose(&err)),
            JwtAlgorithm::Rs256 => RS256.key_pair_from_der(der).map(Self::Rsa).map_err(|err| jose(&err)),
            JwtAlgorithm::Hs256 => Err(no_pairs()),
        }?;
        match &pair {
            Self::Ed(ed) if ed.curve() != EdCurve::Ed25519 => Err(broken("not an Ed25519 key")),
            _ => Ok(pair),
        }
    }

    fn as_dyn(&self) -> &dyn KeyPair {
        match self {
            Self::Ed(pair) => pair,
            Self::Ec(pair) => pair,
            Self::Rsa(pair) => pair,
        }
    }

    fn public(&self) -> Result<Public, KeyError> {
        let jwk = self.as_dyn().to_jwk_public_key();
        // Required members in lexical order (RFC 7638 §3.2, RFC 8037 §2). The list also decides what
        // is published: nothing that is not named here can leak.
        let (members, algorithm): (&[&str], _) = match self {
            Self::Ed(_) => (&["crv", "kty", "x"], JwtAlgorithm::EdDsa),
            Self::Ec(_) => (&["crv", "kty", "x", "y"], JwtAlgorithm::Es256),
            Self::Rsa(_) => (&["e", "kty", "n"], JwtAlgorithm::Rs256),
        };
        let canonical = canonical(&jwk, members)?;
        let id = thumbprint(&canonical);
        let jwk = format!(r#"{{{canonical},"kid":"{id}","use":"sig","alg":"{algorithm}"}}"#);
        Ok(Public { id, jwk })
    }
}

/// The named members of a JWK in the given order, without braces. Their values are base64url or names
/// of curves and need no escaping; a value that would is refused.
fn canonical(jwk: &Jwk, members: &[&str]) -> Result<String, KeyError> {
    let texts: Option<Vec<String>> = members
        .iter()
        .map(|&name| {
            let value = jwk.parameter(name)?.as_str()?;
            let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            plain.then(|| format!(r#""{name}":"{value}""#))
        })
        .collect();
    texts.map(|texts| texts.join(",")).ok_or_else(|| broken("a public key without its members"))
}

/// RFC 7638 over the canonical members.
fn thumbprint(canonical: &str) -> KeyId {
    let digest = Sha256::new().chain_update("{").chain_update(canonical).chain_update("}").finalize();
    KeyId::new(URL_SAFE_NO_PAD.encode(digest))
}

/// A private key, ready for use.
enum Signer {
    /// Ed25519 by ring: half of OpenSSL's time, and every refresh pays it.
    Ed25519(Ed25519KeyPair),
    Josekit(Box<dyn JwsSigner>),
}

impl Signer {
    fn new(algorithm: JwtAlgorithm, private: &[u8]) -> Result<Self, KeyError> {
        match algorithm {
            // RFC 8410 puts the private half alone into the file, so there is no public half to be compared.
            JwtAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private);
                return pair.map(Self::Ed25519).map_err(|_| broken("the key has another format"));
            }
            JwtAlgorithm::Es256 => ES256.signer_from_der(private).map(boxed_signer),
            JwtAlgorithm::Rs256 => RS256.signer_from_der(private).map(boxed_signer),
            JwtAlgorithm::Hs256 => return Err(no_pairs()),
        }
        .map(Self::Josekit)
        .map_err(|err| jose(&err))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Josekit(key) => caught(|| key.sign(message).map_err(|err| jose(&err))),
        }
    }
}

/// A public key, ready for use.
enum Verifier {
    /// Ed25519 by ring: half of OpenSSL's time, and every first request on a token pays it.
    Ed25519(UnparsedPublicKey<[u8; ED25519_BYTES]>),
    Josekit(Box<dyn JwsVerifier>),
}

/// The last bytes of an Ed25519 key in DER are the key (RFC 8410 §4).
const ED25519_BYTES: usize = 32;

impl Verifier {
    fn new(algorithm: JwtAlgorithm, public: &[u8]) -> Result<Self, KeyError> {
        match algorithm {
            JwtAlgorithm::EdDsa => {
                let key = public.last_chunk().ok_or_else(|| broken("not an Ed25519 key"))?;
                return Ok(Self::Ed25519(UnparsedPublicKey::new(&ED25519, *key)));
            }
            JwtAlgorithm::Es256 => ES256.verifier_from_der(public).map(boxed_verifier),
            JwtAlgorithm::Rs256 => RS256.verifier_from_der(public).map(boxed_verifier),
            JwtAlgorithm::Hs256 => return Err(no_pairs()),
        }
        .map(Self::Josekit)
        .map_err(|err| jose(&err))
    }

    fn admits(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => key.verify(message, signature).is_ok(),
            Self::Josekit(key) => caught(|| key.verify(message, signature).map_err(|err| jose(&err))).is_ok(),
        }
    }
}

fn boxed_signer(signer: impl JwsSigner + 'static) -> Box<dyn JwsSigner> {
    Box::new(signer)
}

fn boxed_verifier(verifier: impl JwsVerifier + 'static) -> Box<dyn JwsVerifier> {
    Box::new(verifier)
}

/// Runs library code that unwraps inside: a panic becomes an error.
pub(super) fn caught<T>(run: impl FnOnce() -> Result<T, KeyError>) -> Result<T, KeyError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(broken("the library panicked")))
}

/// Keeps the kind of a josekit error only: its text may quote key material.
pub(super) fn jose(err: &JoseError) -> KeyError {
    broken(match err {
        JoseError::InvalidKeyFormat(_) => "the key has another format",
        JoseError::InvalidSignature(_) => "the signature could not be made or does not fit",
        _ => "the computation failed",
    })
}

fn no_pairs() -> KeyError {
    broken("HS256 has no key pairs")
}

fn broken(why: impl Display) -> KeyError {
    KeyError::Broken(why.to_string().into())
}

#[cfg(test)]
mod tests;
