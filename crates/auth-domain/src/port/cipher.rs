//! Keys of the server: sealing what must be read back, and keyed hashing of what must not.

use zeroize::Zeroizing;

use crate::secret::{SealLabel, Sealed};

/// Seals small secrets for storage.
///
/// An implementor must authenticate, must bind `context` so that a sealed value does not open under
/// another, must never seal two values with one nonce, and must be able to open what earlier keys of
/// its ring sealed. A sealed value must begin with the label of its key.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait SecretBox: Send + Sync {
    /// Seals `plain`. `context` says where the value lives (`table|column|row`).
    ///
    /// # Errors
    /// [`BoxError`] when there is no randomness.
    fn seal(&self, context: &str, plain: &[u8]) -> Result<Sealed, BoxError>;

    /// Opens what [`seal`](Self::seal) made in the same `context`.
    ///
    /// # Errors
    /// [`BoxError`], the same for a wrong key, a wrong context and a changed value.
    fn open(&self, context: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, BoxError>;

    /// The labels of the keys in the ring: first the one that seals, then those that only open.
    fn labels(&self) -> Vec<SealLabel>;
}

/// The value cannot be sealed or opened. Says no more, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret box refused")]
pub struct BoxError;

/// What a keyed hash is for. Each purpose has its own key, derived from one secret (HKDF, RFC 5869).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Naming an identifier in the lock table without keeping the address.
    LockKey,
    /// Deriving the successor of a refresh token.
    RefreshSuccessor,
    /// Keeping a one-time code that is too short for a plain hash.
    OneTimeCode,
    /// Naming short-lived state outside the process: addresses and tokens of clients are in the names.
    StateName,
    /// Binding a token against forged requests to its session.
    Csrf,
    /// Telling a place in a list that we gave out from one that a client made up.
    Cursor,
}

impl KeyPurpose {
    /// The label that goes into the derivation. Never change one: what was derived would be lost.
    pub const fn label(self) -> &'static str {
        match self {
            Self::LockKey => "lock-key/v1",
            Self::RefreshSuccessor => "refresh-successor/v1",
            Self::OneTimeCode => "one-time-code/v1",
            Self::StateName => "state-name/v1",
            Self::Csrf => "csrf/v1",
            Self::Cursor => "cursor/v1",
        }
    }
}

/// Computes keyed hashes.
///
/// An implementor must use a separate key for each purpose and must be unambiguous about where one
/// part of the message ends and the next begins.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait KeyedHash: Send + Sync {
    /// The keyed hash of the parts of a message.
    #[expect(clippy::needless_lifetimes, reason = "the generated mock needs the lifetime by name")]
    fn mac<'a>(&self, purpose: KeyPurpose, message: &[&'a [u8]]) -> [u8; 32];
}
