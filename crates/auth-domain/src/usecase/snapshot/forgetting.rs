//! A store that has snapshots forget what it changes.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::Snapshots;
use crate::{
    id::{SessionId, UserId},
    port::{
        ApiKeyRepo, Arrival, AuditChain, AuditLog, DeviceRepo, ExistingAccount, FactorRepo, IdentityRepo,
        KeyRepo, KnownDeviceRepo, LinkRepo, LockRepo, Outbox, PeopleRepo, Present, RecentSince, Record,
        Repos, SealedRepo, SessionRepo, Store, StoreError, Tx, UserCounts, UserFilter, UserRepo, hand_on,
    },
    secret::Digest,
    session::{
        Authentication, Ended, Session,
        rotation::{Generation, Presented},
    },
    tenant::TenantId,
    user::{Email, User},
};

/// The store beneath it, but for what it has forgotten once something was changed: after the commit, whatever came
/// of that, or after the statement where it stands by itself.
pub(in super::super) struct ForgettingStore {
    store: Arc<dyn Store>,
    snapshots: Arc<Snapshots>,
}

impl ForgettingStore {
    pub(in super::super) fn new(store: Arc<dyn Store>, snapshots: Arc<Snapshots>) -> Self {
        Self { store, snapshots }
    }

    fn forgetting<R: ?Sized>(&self, repos: Box<R>) -> Forgetting<R> {
        let changed = Changed { snapshots: Arc::clone(&self.snapshots), sessions: vec![], users: vec![] };
        Forgetting { repos, changed }
    }
}

#[async_trait]
impl Store for ForgettingStore {
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        let tx = self.store.begin().await?;
        Ok(Box::new(self.forgetting(tx)))
    }

    async fn read(&self) -> Result<Box<dyn Repos>, StoreError> {
        let repos = self.store.read().await?;
        Ok(Box::new(self.forgetting(repos)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

/// Repositories whose changes are noted. Fields are dropped in order: what is left of a transaction first.
struct Forgetting<R: ?Sized> {
    repos: Box<R>,
    changed: Changed,
}

/// What may have been changed. Forgotten when this goes, so that no way out of a transaction can leave it behind.
struct Changed {
    snapshots: Arc<Snapshots>,
    sessions: Vec<SessionId>,
    users: Vec<UserId>,
}

impl Drop for Changed {
    fn drop(&mut self) {
        self.sessions.drain(..).for_each(|id| self.snapshots.forget(id));
        self.users.drain(..).for_each(|user| self.snapshots.forget_all_of(user));
    }
}

impl<R: Repos + ?Sized> Repos for Forgetting<R> {
    fn users(&mut self) -> &mut dyn UserRepo {
        self
    }
    fn sessions(&mut self) -> &mut dyn SessionRepo {
        self
    }
    fn people(&mut self) -> &mut dyn PeopleRepo {
        self
    }
    hand_on! {
        links: LinkRepo, factors: FactorRepo, devices: DeviceRepo, identities: IdentityRepo,
        known_devices: KnownDeviceRepo, api_keys: ApiKeyRepo, locks: LockRepo, keys: KeyRepo,
        sealed: SealedRepo, audit: AuditLog, chain: AuditChain, outbox: Outbox
    }
}

#[async_trait]
impl Tx for Forgetting<dyn Tx> {
    // What was changed goes at the end of each, and is forgotten then.
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.repos.commit().await
    }

    async fn rollback(self: Box<Self>) -> Result<(), StoreError> {
        self.repos.rollback().await
    }
}

#[async_trait]
impl<R: Repos + ?Sized> UserRepo for Forgetting<R> {
    async fn insert(&mut self, user: &User) -> Result<Result<(), ExistingAccount>, StoreError> {
        self.repos.users().insert(user).await
    }

    async fn by_id(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.repos.users().by_id(id).await
    }

    async fn by_email(&mut self, tenant: &TenantId, email: &Email) -> Result<Option<User>, StoreError> {
        self.repos.users().by_email(tenant, email).await
    }

    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.repos.users().lock(id).await
    }

    async fn lock_with_live_sessions(
        &mut self,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Option<(User, Vec<Session>)>, StoreError> {
        self.repos.users().lock_with_live_sessions(id, now).await
    }

    async fn save(&mut self, user: &User) -> Result<Result<(), ExistingAccount>, StoreError> {
        self.changed.users.push(user.id);
        self.repos.users().save(user).await
    }

    async fn page(
        &mut self,
        filter: &UserFilter,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        self.repos.users().page(filter, after, limit).await
    }

    async fn counts(
        &mut self,
        tenant: Option<TenantId>,
        since: RecentSince,
    ) -> Result<Vec<UserCounts>, StoreError> {
        self.repos.users().counts(tenant, since).await
    }

    async fn lock_superusers(&mut self) -> Result<Vec<User>, StoreError> {
        self.repos.users().lock_superusers().await
    }
}

#[async_trait]
impl<R: Repos + ?Sized> SessionRepo for Forgetting<R> {
    async fn insert(&mut self, session: &Session, first: &Generation) -> Result<(), StoreError> {
        self.repos.sessions().insert(session, first).await
    }

    async fn with_user(&mut self, id: SessionId) -> Result<Option<(Session, User)>, StoreError> {
        self.repos.sessions().with_user(id).await
    }

    async fn presented(&mut self, token: &Digest) -> Result<Option<Presented>, StoreError> {
        self.repos.sessions().presented(token).await
    }

    // A rotation changes nothing but the last use, to the minute, and that is no ground to forget a session.
    async fn rotate(&mut self, id: SessionId, next: &Generation) -> Result<bool, StoreError> {
        self.repos.sessions().rotate(id, next).await
    }

    async fn rotate_with_user(
        &mut self,
        id: SessionId,
        next: &Generation,
    ) -> Result<Option<User>, StoreError> {
        self.repos.sessions().rotate_with_user(id, next).await
    }

    async fn end(&mut self, id: SessionId, ended: Ended) -> Result<bool, StoreError> {
        self.changed.sessions.push(id);
        self.repos.sessions().end(id, ended).await
    }

    async fn end_all(
        &mut self,
        user: UserId,
        keep: Option<SessionId>,
        ended: Ended,
    ) -> Result<u64, StoreError> {
        self.changed.users.push(user);
        self.repos.sessions().end_all(user, keep, ended).await
    }

    async fn live_of(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        self.repos.sessions().live_of(user, now).await
    }

    async fn all_of(&mut self, user: UserId, limit: u32) -> Result<Vec<Session>, StoreError> {
        self.repos.sessions().all_of(user, limit).await
    }

    async fn count_live(&mut self, tenant: Option<TenantId>, now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.repos.sessions().count_live(tenant, now).await
    }

    async fn extend(&mut self, id: SessionId, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.changed.sessions.push(id);
        self.repos.sessions().extend(id, until).await
    }

    async fn step_up(&mut self, id: SessionId, authentication: &Authentication) -> Result<bool, StoreError> {
        self.changed.sessions.push(id);
        self.repos.sessions().step_up(id, authentication).await
    }

    async fn touch(&mut self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.changed.sessions.push(id);
        self.repos.sessions().touch(id, at).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.repos.sessions().purge(before, limit).await
    }
}

#[async_trait]
impl<R: Repos + ?Sized> PeopleRepo for Forgetting<R> {
    async fn present(
        &mut self,
        tenant: &TenantId,
        ids: &[UserId],
        emails: &[Email],
    ) -> Result<Vec<Present>, StoreError> {
        self.repos.people().present(tenant, ids, emails).await
    }

    async fn erased(&mut self, ids: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        self.repos.people().erased(ids).await
    }

    async fn add(&mut self, people: &[Arrival]) -> Result<(), StoreError> {
        self.repos.people().add(people).await
    }

    async fn find(&mut self, ids: &[UserId]) -> Result<Vec<Arrival>, StoreError> {
        self.repos.people().find(ids).await
    }

    async fn records(&mut self, user: UserId) -> Result<Vec<Record>, StoreError> {
        self.repos.people().records(user).await
    }

    async fn erase(&mut self, user: UserId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        self.changed.users.push(user);
        self.repos.people().erase(user, at).await
    }

    async fn erase_clients(&mut self, user: UserId, limit: u32) -> Result<u64, StoreError> {
        self.repos.people().erase_clients(user, limit).await
    }

    async fn other_superusers(&mut self, user: UserId) -> Result<u64, StoreError> {
        self.repos.people().other_superusers(user).await
    }
}
