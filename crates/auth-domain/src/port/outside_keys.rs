//! API keys that somebody else mints: signed, and stored nowhere here.

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
