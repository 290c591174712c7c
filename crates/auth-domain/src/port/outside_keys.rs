//! API keys that somebody else mints: signed, and stored nowhere here.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::{id::UserId, tenant::TenantId};

/// What a key that was minted outside says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideKey {
    /// Whom it stands for.
    pub subject: UserId,
    /// Where it is good; `None` for one that does not say.
    pub tenant: Option<TenantId>,
}

/// Verifies API keys that are minted outside.
///
/// An implementor must believe signatures of the one configured algorithm and no other, must require an end
/// that has not come, must check the signature before it reads a claim, and must not panic or work long on
/// any input (RFC 8725).
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait OutsideKeyVerifier: Send + Sync {
    /// Verifies a key and reads what it says.
    ///
    /// # Errors
    /// [`OutsideKeyError`] says why not.
    fn verify(&self, key: &str, now: DateTime<Utc>) -> Result<OutsideKey, OutsideKeyError>;
}

/// Why a key that was minted outside is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutsideKeyError {
    /// Nothing is configured to verify it with: the shared secret is missing.
    #[error("no secret for API keys is configured")]
    NoSecret,
    /// Nothing is configured to verify it with: the public key is missing.
    #[error("no public key for API keys is configured")]
    NoPublicKey,
    /// Not a signed key, not of the configured algorithm, not by whoever may sign, or expired.
    #[error("the key is not believed")]
    Invalid,
    /// Well signed, and no API key.
    #[error("not an API key")]
    WrongType,
    /// An API key that names nobody.
    #[error("the key names nobody")]
    NoSubject,
}

/// How keys that are minted outside are signed: RFC 7518 §3.1 and RFC 8037 §3.1 without `none`, and without
/// RSASSA-PSS, which nobody mints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideKeyAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA with SHA-256.
    Rs256,
    /// RSA with SHA-384.
    Rs384,
    /// RSA with SHA-512.
    Rs512,
    /// ECDSA over P-256.
    Es256,
    /// ECDSA over P-384.
    Es384,
    /// ECDSA over P-521.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl OutsideKeyAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 10] = [
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The name in the header of a key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether whoever verifies can sign, too.
    pub const fn is_shared_secret(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

/// The text names no algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an algorithm for API keys")]
pub struct UnknownOutsideAlgorithm;

impl FromStr for OutsideKeyAlgorithm {
    type Err = UnknownOutsideAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(text));
        found.ok_or(UnknownOutsideAlgorithm)
    }
}
