//! Sealed values, wherever a store keeps them: to be sealed anew when the secret changes.

use std::fmt;

use async_trait::async_trait;

use super::StoreError;
use crate::{
    id::{IdentityId, OutboxId, UserId},
    secret::{SealLabel, Sealed},
    token::KeyId,
};

/// Where a store keeps sealed values. Whoever adds such a column adds it here, or its values become
/// unreadable once the secret they were sealed with is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SealedPlace {
    /// Secrets of authenticator apps at work.
    Totp,
    /// Secrets of authenticator apps that wait for their first code.
    PendingTotp,
    /// The private halves of signing keys.
    SigningKey,
    /// What an identity provider is asked with whether it stands by somebody.
    Grant,
    /// Passwords that somebody handed out, on their way.
    Message,
}

impl SealedPlace {
    /// All places.
    pub const ALL: [Self; 5] = [Self::Totp, Self::PendingTotp, Self::SigningKey, Self::Grant, Self::Message];

    /// Table and column, as operators see them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp_secrets.secret",
            Self::PendingTotp => "totp_secrets.pending",
            Self::SigningKey => "signing_keys.private",
            Self::Grant => "linked_identities.grant_sealed",
            Self::Message => "outbox.sealed",
        }
    }
}

impl fmt::Display for SealedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The row of a sealed value within its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SealedRow {
    /// The authenticator app of an account.
    User(UserId),
    /// A signing key.
    Key(KeyId),
    /// A linked identity.
    Identity(IdentityId),
    /// A message that is owed.
    Message(OutboxId),
}

/// A sealed value and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValue {
    /// Its row.
    pub row: SealedRow,
    /// The value.
    pub sealed: Sealed,
}

/// Sealed values. The store sees their labels, not what they hold.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait SealedRepo: Send {
    /// The labels that values of a place begin with, each once, in their order. Must cost the same
    /// however many values there are: every start of a server asks.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn labels(&mut self, place: SealedPlace) -> Result<Vec<SealLabel>, StoreError>;

    /// How many values of a place begin with that label.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn count(&mut self, place: SealedPlace, label: SealLabel) -> Result<u64, StoreError>;

    /// Up to `limit` values of a place that begin with that label, in the order of their rows. Begins
    /// with the first, or behind `after`, which need not be there any more.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn page(
        &mut self,
        place: SealedPlace,
        label: SealLabel,
        after: Option<SealedRow>,
        limit: u32,
    ) -> Result<Vec<SealedValue>, StoreError>;

    /// Puts `fresh` in the place of what was found. Must be one atomic step: `false`, and nothing
    /// changes, unless the row holds exactly what was found.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn replace(
        &mut self,
        place: SealedPlace,
        found: &SealedValue,
        fresh: &Sealed,
    ) -> Result<bool, StoreError>;
}
