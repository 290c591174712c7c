//! Signing and verifying access tokens.

use chrono::{DateTime, Utc};

use crate::{
    secret::AccessToken,
    token::{AccessClaims, JwtAlgorithm, SigningKey, TokenExpectations, TokenRejected},
};

/// A public key as JSON (RFC 7517).
pub type PublicJwk = String;

/// Signs access tokens with the key that is active now.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait TokenSigner: Send + Sync {
    /// Signs `claims`.
    ///
    /// # Errors
    /// [`KeyError`] when there is no active key or it fails.
    fn sign(&self, claims: &AccessClaims, now: DateTime<Utc>) -> Result<AccessToken, KeyError>;
}

/// Verifies access tokens.
///
/// An implementor must check the signature before it reads a claim, must take the algorithm from the
/// key and never from the token, must require every claim and its type, and must not panic or work
/// long on any input (RFC 8725).
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait TokenVerifier: Send + Sync {
    /// Verifies a token and reads its claims.
    ///
    /// # Errors
    /// [`TokenRejected`] says why, for the log.
    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenRejected>;

    /// Whose tokens it believes, and for whom they must be.
    fn expectations(&self) -> &TokenExpectations;
}

/// Holds the keys that [`TokenSigner`] and [`TokenVerifier`] use.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait KeyRing: Send + Sync {
    /// Replaces the keys in use.
    ///
    /// # Errors
    /// [`KeyError`] when a key cannot be opened or read; the ring then stays as it was.
    fn install(&self, keys: &[SigningKey]) -> Result<(), KeyError>;

    /// The public halves of all keys, for the JWKS. Empty in a shared-secret installation.
    fn published(&self) -> Vec<PublicJwk>;
}

/// Makes signing keys.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait KeyFactory: Send + Sync {
    /// The algorithm this installation signs with.
    fn algorithm(&self) -> JwtAlgorithm;

    /// Makes a key that begins to sign at `activates_at`, its private half sealed.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be made.
    fn generate(&self, now: DateTime<Utc>, activates_at: DateTime<Utc>) -> Result<SigningKey, KeyError>;
}

/// A signing key cannot be made, opened or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No key is active. The server makes one before it listens, so this is a fault of the set-up.
    #[error("there is no active signing key")]
    NoActiveKey,
    /// The stored key does not open: the server's secret is not the one that sealed it.
    #[error("signing key {0} does not open with this server's secret")]
    Sealed(String),
    /// The key material is broken or the computation failed.
    #[error("the signing key cannot be used")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}
