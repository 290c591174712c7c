//! Failures that are nobody's fault but ours or a dependency's.

use super::BrokenChain;
use crate::port::{
    BoxError, ChallengeStoreError, CodeStoreError, EntropyError, HashError, IdentityError, KeyError,
    LimiterError, StoreError,
};

/// A port failed. Every use case error carries this beside the refusals of its own.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Something was refused, and the audit log could not be told: here is what it should have been.
    #[error("no audit entry could be written of: {entry}")]
    Unaudited {
        /// The entry, fit for the application's log.
        entry: String,
        /// Why not.
        source: StoreError,
    },
    /// The audit log is not signed, because its chain is not the one that was signed before.
    #[error("the audit log does not fit its checkpoints")]
    AuditChain(#[from] BrokenChain),
    /// A password could not be hashed.
    #[error("the password hasher failed")]
    Hash(#[from] HashError),
    /// A token could not be signed.
    #[error("the token signer failed")]
    Key(#[from] KeyError),
    /// The limits cannot be checked.
    #[error("the rate limiter failed")]
    Limiter(#[from] LimiterError),
    /// One-time codes can be neither kept nor checked. Nobody gets in without a check.
    #[error("the code store failed")]
    Codes(#[from] CodeStoreError),
    /// Login challenges can be neither kept nor checked.
    #[error("the challenge store failed")]
    Challenges(#[from] ChallengeStoreError),
    /// A secret could not be sealed.
    #[error("the secret box failed")]
    Box(#[from] BoxError),
    /// The identity provider cannot be asked.
    #[error("the identity provider failed")]
    Provider(#[from] IdentityError),
    /// There is no randomness.
    #[error("the entropy source failed")]
    Entropy(#[from] EntropyError),
}

impl Fault {
    /// Whether running the same transaction again can help.
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict))
    }
}

/// Lets `?` turn any port error into the `Fault` variant of use case errors.
macro_rules! faults {
    ($($error:ident),+ $(,)?) => {$(
        impl From<crate::port::StoreError> for $error {
            fn from(source: crate::port::StoreError) -> Self {
                Self::Fault(source.into())
            }
        }
        impl From<crate::port::HashError> for $error {
            fn from(source: crate::port::HashError) -> Self {
                Self::Fault(source.into())
            }
        }
        impl From<crate::port::KeyError> for $error {
            fn from(source: crate::port::KeyError) -> Self {
                Self::Fault(source.into())
            }
        }
        impl From<crate::port::LimiterError> for $error {
            fn from(source: crate::port::LimiterError) -> Self {
                Self::Fault(source.into())
            }
        }
        impl From<crate::port::EntropyError> for $error {
            fn from(source: crate::port::EntropyError) -> Self {
                Self::Fault(source.into())
            }
        }
        impl crate::usecase::transaction::Retryable for $error {
            fn is_conflict(&self) -> bool {
                matches!(self, Self::Fault(fault) if fault.is_conflict())
            }
        }
    )+};
}
pub(super) use faults;
