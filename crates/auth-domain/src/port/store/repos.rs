//! Repositories of entities.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{RecentSince, StoreError, UserCounts, UserFilter};
use crate::{
    guard::lockout::{LockState, OldLocks},
    id::{SessionId, UserId},
    secret::Digest,
    session::{
        Authentication, Ended, Session,
        rotation::{Generation, Presented},
    },
    tenant::TenantId,
    token::{KeyId, Link, LinkPurpose, SigningKey},
    user::{Email, User},
};

/// The address has an account already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address has an account already")]
pub struct ExistingAccount;

/// Accounts.
///
/// An implementor must keep an address unique within its tenant by a constraint of the store, so that
/// parallel inserts make one account.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait UserRepo: Send {
    /// Adds an account. `Ok(Err(ExistingAccount))` must leave the transaction usable and the store
    /// unchanged. A clash of ids must be [`StoreError::Conflict`].
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn insert(&mut self, user: &User) -> Result<Result<(), ExistingAccount>, StoreError>;

    /// The account of that id.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn by_id(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The account of that address within a tenant.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn by_email(&mut self, tenant: &TenantId, email: &Email) -> Result<Option<User>, StoreError>;

    /// The account of that id, which then must not change before the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// [`lock`](Self::lock), and the account's live sessions as [`SessionRepo::live_of`] lists them
    /// once the account is locked, in one round trip: every login asks this.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lock_with_live_sessions(
        &mut self,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Option<(User, Vec<Session>)>, StoreError>;

    /// Writes an account back that [`lock`](Self::lock) gave in the same transaction. An address that
    /// now belongs to another account must be `Ok(Err(ExistingAccount))`, with the transaction usable.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn save(&mut self, user: &User) -> Result<Result<(), ExistingAccount>, StoreError>;

    /// Up to `limit` accounts that fit `filter`, in the order of their ids, which is that of their making.
    /// Begins with the first, or behind `after`, which need not be there any more. So pages neither skip
    /// nor repeat an account while others are added.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn page(
        &mut self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;

    /// The accounts of each tenant that has any, counted, in the order of the tenants' names; or of one.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn counts(
        &mut self,
        tenant: Option<TenantId>,
        since: RecentSince,
    ) -> Result<Vec<UserCounts>, StoreError>;

    /// Every active superuser, of all tenants, in the order of their ids. Until the transaction ends, none
    /// of them must change, and none of those that call this at the same time must read them.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lock_superusers(&mut self) -> Result<Vec<User>, StoreError>;
}

/// Sessions and the chains of their refresh tokens.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait SessionRepo: Send {
    /// Adds a session with the first token of its chain. A clash of ids must be
    /// [`StoreError::Conflict`], at the latest from `commit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn insert(&mut self, session: &Session, first: &Generation) -> Result<(), StoreError>;

    /// A session and the account it belongs to, live or not, in one round trip: requests with a
    /// token ask this.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn with_user(&mut self, id: SessionId) -> Result<Option<(Session, User)>, StoreError>;

    /// What is known about the refresh token of that digest.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn presented(&mut self, token: &Digest) -> Result<Option<Presented>, StoreError>;

    /// Appends `next` to the chain of a session that has not ended and sets its last use. Must be one
    /// atomic step: of parallel calls with the same number exactly one returns `true`, and none does
    /// once the session has ended. `false` leaves the transaction usable.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn rotate(&mut self, id: SessionId, next: &Generation) -> Result<bool, StoreError>;

    /// [`rotate`](Self::rotate), and the account of the session as it is right after, in one round
    /// trip: every refresh asks this. `None` where `rotate` returns `false`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn rotate_with_user(
        &mut self,
        id: SessionId,
        next: &Generation,
    ) -> Result<Option<User>, StoreError>;

    /// Ends a session. `true` if this call ended it, `false` if it had ended before.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn end(&mut self, id: SessionId, ended: Ended) -> Result<bool, StoreError>;

    /// Ends all sessions of a user that have not ended, but for `keep`. Says how many.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn end_all(
        &mut self,
        user: UserId,
        keep: Option<SessionId>,
        ended: Ended,
    ) -> Result<u64, StoreError>;

    /// The live sessions of a user, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn live_of(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError>;

    /// Up to `limit` sessions of a user: first those that have not ended, newest first, expired or not; then
    /// the others, the one that ended last first.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn all_of(&mut self, user: UserId, limit: u32) -> Result<Vec<Session>, StoreError>;

    /// How many sessions live, of one tenant or of all.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn count_live(&mut self, tenant: Option<TenantId>, now: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Moves the end of a session that has not ended to `until`, unless it is later already.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn extend(&mut self, id: SessionId, until: DateTime<Utc>) -> Result<(), StoreError>;

    /// Replaces what a session that has not ended proved: its owner proved more just now. `false` when it
    /// has ended.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn step_up(&mut self, id: SessionId, authentication: &Authentication) -> Result<bool, StoreError>;

    /// Notes that a session was seen in use.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn touch(&mut self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Deletes up to `limit` sessions that ended or expired before `before`, with their tokens.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// One-time links.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait LinkRepo: Send {
    /// Adds a link and removes the user's unused links of the same purpose: the newest wins.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn replace(&mut self, link: &Link) -> Result<(), StoreError>;

    /// The unused, unexpired link of that digest. Does not use it up.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn find(&mut self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>, StoreError>;

    /// Uses a link up. Must be one atomic step: of any number of parallel calls exactly one gets the
    /// link (invariant I1). Used, expired and unknown links are all `None`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn consume(&mut self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>, StoreError>;

    /// Removes the user's unused links of that purpose.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn withdraw(&mut self, user: UserId, purpose: LinkPurpose) -> Result<(), StoreError>;

    /// Deletes up to `limit` links that were used or expired before `before`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// Failure counts, by the keyed hash of an identifier.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait LockRepo: Send {
    /// What is remembered about `key`, which then must not change before the transaction ends, even
    /// if nothing was remembered: no increment may be lost (invariant I11).
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lock(&mut self, key: &[u8; 32]) -> Result<Option<LockState>, StoreError>;

    /// [`lock`](Self::lock), and the account of an address as [`UserRepo::by_email`] finds it, in one
    /// round trip: every login begins with this. The account is not locked.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn lock_with_account(
        &mut self,
        key: &[u8; 32],
        tenant: &TenantId,
        email: &Email,
    ) -> Result<(Option<LockState>, Option<User>), StoreError>;

    /// What is remembered about each of `keys` about which anything is, in no order. Locks nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn states(&mut self, keys: &[[u8; 32]]) -> Result<Vec<([u8; 32], LockState)>, StoreError>;

    /// Remembers `state`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn put(&mut self, key: &[u8; 32], state: &LockState) -> Result<(), StoreError>;

    /// Forgets `key`.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn clear(&mut self, key: &[u8; 32]) -> Result<(), StoreError>;

    /// Forgets `key` if it counts at least so many failures.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn clear_from(&mut self, key: &[u8; 32], failures: u32) -> Result<(), StoreError>;

    /// Forgets up to `limit` keys without an attempt since the moment that `old` names for their number of
    /// failures.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn purge(&mut self, old: OldLocks, limit: u32) -> Result<u64, StoreError>;
}

/// Signing keys.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait KeyRepo: Send {
    /// Adds a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is taken.
    async fn insert(&mut self, key: &SigningKey) -> Result<(), StoreError>;

    /// All keys, oldest first. Within a transaction no other transaction may add or retire one before
    /// this one ends, so that two replicas do not both make the first.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn all(&mut self) -> Result<Vec<SigningKey>, StoreError>;

    /// Sets when a key stops signing.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn retire(&mut self, id: &KeyId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Deletes a key.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    async fn delete(&mut self, id: &KeyId) -> Result<(), StoreError>;
}
