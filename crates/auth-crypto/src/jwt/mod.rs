//! Access tokens: JWT (RFC 7519) in compact JWS form (RFC 7515), after RFC 8725 and RFC 9068.
//!
//! josekit makes keys and raw signatures and nothing else. Its validator accepts tokens without `exp`
//! or `aud`, duplicate names and an empty `crit`, and panics on huge times, so what a token says is
//! read and judged here.

mod claims;
mod compact;
mod key;
mod outside;
mod ring;
mod shared;
mod strict;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use auth_domain::{
    port::{Entropy, KeyError, KeyFactory, KeyRing, PublicJwk, SecretBox, TokenSigner, TokenVerifier},
    secret::{AccessToken, Digest, ServerSecret},
    token::{AccessClaims, JwtAlgorithm, SigningKey, TokenExpectations, TokenRejected},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

pub use self::outside::{OutsideKeys, OutsideKeysConfig, UnfitPublicKey};
use self::{
    claims::{OwnClaims, Rules},
    compact::Compact,
    key::AsymmetricKey,
    ring::Ring,
    shared::SharedKey,
};
use crate::OsEntropy;

/// What access tokens look like in this installation.
#[derive(Debug)]
pub struct JwtConfig {
    /// What new keys are made for. Keys of other algorithms in the ring keep working.
    pub algorithm: JwtAlgorithm,
    /// Issuer, audience and leeway.
    pub expectations: TokenExpectations,
    /// The secret shared with sister services; used with HS256 only.
    pub shared_secret: Option<ServerSecret>,
    /// No token may live longer than this from `iat` to `exp`.
    pub longest_life: TimeDelta,
}

/// The settings do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwtConfig {
    /// HS256 without a secret.
    #[error("HS256 needs the shared secret")]
    NoSharedSecret,
    /// The secret cannot be used as a key.
    #[error("the shared secret cannot be used as a key")]
    UnusableSecret,
    /// A life or leeway that is zero or negative, or a leeway above 60 seconds.
    #[error("the life of a token must be positive and the leeway between 0 and 60 seconds")]
    Times,
}

/// Signs and verifies access tokens, and holds and makes the keys for it.
///
/// With HS256 there is no ring: one shared secret signs, and tokens that sister services sign with it
/// are believed too.
pub struct JwtKeys {
    algorithm: JwtAlgorithm,
    rules: Rules,
    secrets: Arc<dyn SecretBox>,
    shared: Option<SharedKey>,
    ring: RwLock<Arc<Ring>>,
}

impl JwtKeys {
    /// An empty ring over `secrets`, which seals and opens private keys.
    ///
    /// # Errors
    /// [`InvalidJwtConfig`] says what does not fit.
    pub fn new(config: JwtConfig, secrets: Arc<dyn SecretBox>) -> Result<Self, InvalidJwtConfig> {
        let JwtConfig { algorithm, expectations, shared_secret, longest_life } = config;
        let leeway = TimeDelta::zero()..=TimeDelta::seconds(60);
        if longest_life <= TimeDelta::zero() || !leeway.contains(&expectations.leeway) {
            return Err(InvalidJwtConfig::Times);
        }
        let shared = if algorithm.is_asymmetric() {
            None
        } else {
            let secret = shared_secret.ok_or(InvalidJwtConfig::NoSharedSecret)?;
            Some(SharedKey::new(&secret).map_err(|_| InvalidJwtConfig::UnusableSecret)?)
        };
        Ok(Self {
            algorithm,
            rules: Rules { expectations, longest_life },
            secrets,
            shared,
            ring: RwLock::default(),
        })
    }

    fn ring(&self) -> Arc<Ring> {
        // The ring is replaced whole, so it is whole even if a writer panicked.
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn verify_shared(
        &self,
        shared: &SharedKey,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<AccessClaims, TokenRejected> {
        let token = Compact::parse(token)?;
        token.check_shared_header()?;
        if !shared.verify(token.message(), token.signature()) {
            return Err(TokenRejected::BadSignature);
        }
        claims::decode_shared(token.payload(), &self.rules, now)
    }

    fn verify_own(ring: &Ring, token: &str, rules: &Rules) -> Result<OwnClaims, TokenRejected> {
        let token = Compact::parse(token)?;
        let (kid, alg) = token.check_own_header()?;
        let key = ring.key(kid).ok_or(TokenRejected::UnknownKey)?;
        // The algorithm is the key's; the token may only agree (RFC 8725 §3.1).
        if key.algorithm().as_str() != alg {
            return Err(TokenRejected::UnknownKey);
        }
        if !key.verify(token.message(), token.signature()) {
            return Err(TokenRejected::BadSignature);
        }
        claims::decode_own(token.payload(), rules)
    }
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKeys").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl TokenSigner for JwtKeys {
    fn sign(&self, claims: &AccessClaims, now: DateTime<Utc>) -> Result<AccessToken, KeyError> {
        let mut random = [0u8; 16];
        OsEntropy.fill(&mut random).map_err(|err| KeyError::Broken(err.into()))?;
        let payload = claims::encode(claims, &self.rules, now, &URL_SAFE_NO_PAD.encode(random))?;
        let signed = if let Some(shared) = &self.shared {
            compact::sign(shared.header(), &payload, |message| shared.sign(message))
        } else {
            let ring = self.ring();
            let active = ring.keys().iter().filter(|key| key.is_active(now));
            let newest = active.max_by_key(|key| key.age_rank()).ok_or(KeyError::NoActiveKey)?;
            compact::sign(newest.header(), &payload, |message| newest.sign(message))
        };
        signed.map(AccessToken::new)
    }
}

impl TokenVerifier for JwtKeys {
    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenRejected> {
        if token.starts_with("rt_") {
            return Err(TokenRejected::WrongType);
        }
        if let Some(shared) = &self.shared {
            return self.verify_shared(shared, token, now);
        }
        let (ring, digest) = (self.ring(), Digest::of(token.as_bytes()));
        if let Some(known) = ring.verified().get(&digest) {
            return known.at(&self.rules, now);
        }
        let own = Self::verify_own(&ring, token, &self.rules)?;
        let claims = own.at(&self.rules, now)?;
        ring.verified().put(&digest, own);
        Ok(claims)
    }

    fn expectations(&self) -> &TokenExpectations {
        &self.rules.expectations
    }
}

impl KeyRing for JwtKeys {
    fn install(&self, keys: &[SigningKey]) -> Result<(), KeyError> {
        if self.shared.is_some() {
            // Left from a time with another algorithm: with a shared secret none of them counts.
            return Ok(());
        }
        let present = self.ring();
        let open = |stored: &SigningKey| {
            // Opening an RSA key takes its time, and the ring is installed again and again.
            if let Some(known) = present.key(stored.id.as_str()) {
                return known.with_times_of(stored);
            }
            let private = self
                .secrets
                .open(&SigningKey::sealing_context(&stored.id), &stored.private)
                .map_err(|_| KeyError::Sealed(stored.id.to_string()))?;
            AsymmetricKey::open(stored, &private)
        };
        let ring = present.next(keys.iter().map(open).collect::<Result<_, _>>()?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    fn published(&self) -> Vec<PublicJwk> {
        self.ring().keys().iter().map(|key| key.jwk().to_owned()).collect()
    }
}

impl KeyFactory for JwtKeys {
    fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    fn generate(&self, now: DateTime<Utc>, activates_at: DateTime<Utc>) -> Result<SigningKey, KeyError> {
        let (private, id, public_jwk): (Zeroizing<Vec<u8>>, _, _) = key::generate(self.algorithm)?;
        let private = self
            .secrets
            .seal(&SigningKey::sealing_context(&id), &private)
            .map_err(|err| KeyError::Broken(err.into()))?;
        Ok(SigningKey {
            id,
            algorithm: self.algorithm,
            private,
            public_jwk,
            created_at: now,
            activates_at,
            retires_at: None,
        })
    }
}
