//! Slow hashing of passwords.

use std::{any::Any, fmt, time::Duration};

use async_trait::async_trait;

use crate::user::{NewPassword, Password, PasswordHash};

/// Hashes and verifies passwords on a pool of its own.
///
/// An implementor must bound how many hashes run and how many wait, must never block the caller's
/// runtime, and must give up work whose caller has gone.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Takes a place for one hash that is going to be asked for, so that what would be refused costs the
    /// store nothing. An implementor must bound how many places are taken at once.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when too many wait.
    fn take_place(&self) -> Result<HashPlace, HashError> {
        Ok(HashPlace::unbounded())
    }

    /// Whether [`verify`](Self::verify) could compare a password with that hash. Must answer as `verify`
    /// would, and cost next to nothing: who brings hashes from elsewhere asks for each.
    ///
    /// # Errors
    /// [`HashError::Unreadable`] for a hash of unknown form, [`HashError::TooDear`] for one that takes more
    /// than the hasher spends.
    fn check(&self, hash: &PasswordHash) -> Result<(), HashError>;

    /// Hashes a password with the present parameters and a fresh salt.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when too many wait.
    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashError>;

    /// Hashes a password that [`verify`](Self::verify) just matched against an outdated hash. It was
    /// admitted when it was set, so no policy applies.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when too many wait.
    async fn rehash(&self, password: &Password) -> Result<PasswordHash, HashError>;

    /// Compares a password with a stored hash.
    ///
    /// With no hash it must do the same work against a dummy and answer
    /// [`Verification::Mismatch`], so that an outsider cannot tell an unknown account by time. Hashes
    /// made elsewhere (Argon2 with other parameters, bcrypt, scrypt, PBKDF2) must verify.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when too many wait, [`HashError::Unreadable`] for a hash of unknown
    /// form, [`HashError::TooDear`] for one that takes more than the hasher spends.
    async fn verify(
        &self,
        password: &Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError>;

    /// Estimates how hard a password is to guess. `context` are words a guesser would try first.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] when too many wait.
    async fn strength(&self, password: &NewPassword, context: &[String]) -> Result<Strength, HashError>;
}

/// A place for one hash. Whoever holds it keeps others out; dropping it gives the place back.
#[must_use = "the place is given back at once"]
pub struct HashPlace(Option<Box<dyn Any + Send + Sync>>);

impl HashPlace {
    /// A place where there is no bound.
    pub const fn unbounded() -> Self {
        Self(None)
    }

    /// A place that is given back when `guard` is dropped.
    pub fn held_by(guard: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(guard)))
    }
}

impl fmt::Debug for HashPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPlace").field("bounded", &self.0.is_some()).finish()
    }
}

/// The result of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is not the password.
    Mismatch,
    /// It is.
    Match {
        /// The hash was made with other parameters than the present ones and should be replaced.
        outdated: bool,
    },
}

/// How hard a password is to guess, on the scale of zxcvbn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Within 10^3 tries.
    None,
    /// Within 10^6 tries.
    Weak,
    /// Within 10^8 tries.
    Fair,
    /// Within 10^10 tries.
    Good,
    /// Beyond that.
    Strong,
}

/// A password could not be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too much work is waiting; try again later.
    #[error("the hashing pool is overloaded")]
    Overloaded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// Nobody waits for the result any more; nothing was computed.
    #[error("nobody waits for the password hash any more")]
    Abandoned,
    /// The stored hash takes more memory or time than this hasher spends on one.
    #[error("the stored password hash is too expensive for this server")]
    TooDear,
    /// The stored hash has a form this hasher does not know.
    #[error("the stored password hash has an unknown form")]
    Unreadable,
    /// The computation failed: a bug or a machine without memory or randomness.
    #[error("the password hash could not be computed")]
    Failed,
}

impl HashError {
    /// Whether the stored hash is the reason, so that no password will ever match it here.
    pub const fn is_about_the_hash(self) -> bool {
        matches!(self, Self::Unreadable | Self::TooDear)
    }
}
