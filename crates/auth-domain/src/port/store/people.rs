//! The repository of people who come and go: many at a time from another system, one for good.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    id::UserId,
    port::Record,
    secret::Sealed,
    tenant::TenantId,
    user::{Email, User},
};

/// Somebody who comes from another system, with the sealed secret of their authenticator app.
#[derive(Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The account.
    pub user: User,
    /// The secret of the app at work.
    pub totp: Option<Sealed>,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Arrival").field(&self.user.id).finish()
    }
}

/// An account that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its id.
    pub id: UserId,
    /// Where it lives.
    pub tenant: TenantId,
    /// Its address.
    pub email: Email,
}

/// People who come and go.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait PeopleRepo: Send {
    /// The accounts that have one of these ids, in whatever tenant, or one of these addresses within `tenant`.
    /// Each once, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn present(
        &mut self,
        tenant: &TenantId,
        ids: &[UserId],
        emails: &[Email],
    ) -> Result<Vec<Present>, StoreError>;

    /// Which of these ids belonged to accounts that were erased, in their order.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn erased(&mut self, ids: &[UserId]) -> Result<Vec<UserId>, StoreError>;

    /// Adds people. An id or an address that is taken must be [`StoreError::Conflict`], at the latest from
    /// `commit`, and then nobody was added.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn add(&mut self, people: &[Arrival]) -> Result<(), StoreError>;

    /// Those of these ids that are there, as they are now, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn find(&mut self, ids: &[UserId]) -> Result<Vec<Arrival>, StoreError>;

    /// Everything that is kept about a person: the account, its sessions, links, app, recovery codes, devices,
    /// linked identities, owed messages, and entries of the audit log that tell what it did or what concerns
    /// it. In the order of [`RecordKind::ALL`](crate::port::RecordKind::ALL) and within a kind of their keys;
    /// nothing of anybody else, and no failure counts, which name nobody.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn records(&mut self, user: UserId) -> Result<Vec<Record>, StoreError>;

    /// Deletes everything of [`records`](Self::records) but the audit log, and remembers that the id was erased
    /// `at` that time. `false`, and nothing changes, when there is no such account.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn erase(&mut self, user: UserId, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Does with up to `limit` chained entries what
    /// [`AuditChain::erase_clients`](super::AuditChain::erase_clients) does with old ones: with those that tell
    /// what an erased person did, or what concerns the person and was done by nobody known. The store must
    /// refuse it for somebody who was not erased. Says how many.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn erase_clients(&mut self, user: UserId, limit: u32) -> Result<u64, StoreError>;

    /// How many active superusers there are beside `user`. None of them may be erased or lose the role before
    /// the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn other_superusers(&mut self, user: UserId) -> Result<u64, StoreError>;
}
