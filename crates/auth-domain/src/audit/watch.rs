//! Telling somebody of what gets into the audit log.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{AuditEntry, AuditRecord};
use crate::port::{
    ApiKeyRepo, AuditChain, AuditFilter, AuditLog, DeviceRepo, FactorRepo, IdentityRepo, KeyRepo,
    KnownDeviceRepo, LinkRepo, LockRepo, Outbox, PeopleRepo, Repos, SealedRepo, SessionRepo, Store,
    StoreError, Tx, UserRepo, hand_on,
};

/// Is told of entries of the audit log, to count them. Must not wait.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait AuditWatch: Send + Sync {
    /// The entry is in the log: its transaction committed, or it stood by itself.
    fn appended(&self, record: &AuditRecord);
}

/// A store that tells of each entry that gets into its audit log, and is the store beneath it otherwise. What a
/// transaction appends is told after its commit, and not at all when it has none.
pub struct WatchedStore {
    store: Arc<dyn Store>,
    watch: Arc<dyn AuditWatch>,
}

impl WatchedStore {
    /// The same store, with somebody who is told.
    pub fn new(store: Arc<dyn Store>, watch: Arc<dyn AuditWatch>) -> Self {
        Self { store, watch }
    }

    fn watched<R: ?Sized>(&self, repos: Box<R>, in_transaction: bool) -> Watched<R> {
        let pending = in_transaction.then(Vec::new);
        Watched { repos, watch: Arc::clone(&self.watch), pending }
    }
}

#[async_trait]
impl Store for WatchedStore {
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        let tx = self.store.begin().await?;
        Ok(Box::new(self.watched(tx, true)))
    }

    async fn read(&self) -> Result<Box<dyn Repos>, StoreError> {
        let repos = self.store.read().await?;
        Ok(Box::new(self.watched(repos, false)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

/// Repositories whose audit log is watched.
struct Watched<R: ?Sized> {
    repos: Box<R>,
    watch: Arc<dyn AuditWatch>,
    /// What a transaction has appended so far; `None` where each statement stands by itself.
    pending: Option<Vec<AuditRecord>>,
}

impl<R: Repos + ?Sized> Repos for Watched<R> {
    fn audit(&mut self) -> &mut dyn AuditLog {
        self
    }
    hand_on! {
        users: UserRepo, sessions: SessionRepo, links: LinkRepo, factors: FactorRepo, devices: DeviceRepo,
        identities: IdentityRepo, known_devices: KnownDeviceRepo, api_keys: ApiKeyRepo, people: PeopleRepo,
        locks: LockRepo, keys: KeyRepo, sealed: SealedRepo, chain: AuditChain, outbox: Outbox
    }
}

#[async_trait]
impl<R: Repos + ?Sized> AuditLog for Watched<R> {
    async fn append(&mut self, record: &AuditRecord) -> Result<(), StoreError> {
        self.repos.audit().append(record).await?;
        match &mut self.pending {
            Some(pending) => pending.push(record.clone()),
            None => self.watch.appended(record),
        }
        Ok(())
    }

    async fn list(&mut self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.repos.audit().list(filter, limit).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.repos.audit().purge(before, limit).await
    }
}

#[async_trait]
impl Tx for Watched<dyn Tx> {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { repos, watch, pending } = *self;
        repos.commit().await?;
        pending.iter().flatten().for_each(|record| watch.appended(record));
        Ok(())
    }

    async fn rollback(self: Box<Self>) -> Result<(), StoreError> {
        self.repos.rollback().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::AuditEvent,
        client::Client,
        port::{MockStore, MockTx},
        tenant::TenantId,
    };

    fn record(event: AuditEvent) -> AuditRecord {
        AuditRecord::new(event, &TenantId::default(), &Client::default(), DateTime::UNIX_EPOCH)
    }

    /// A store that takes entries, and whose commits end as told.
    fn store(commit: fn() -> Option<StoreError>, appends: bool) -> MockStore {
        let repos = move || {
            let mut tx = MockTx { commit_error: commit(), ..MockTx::default() };
            tx.audit.expect_append().returning(
                move |_| {
                    if appends { Ok(()) } else { Err(StoreError::Conflict) }
                },
            );
            Box::new(tx)
        };
        let mut store = MockStore::new();
        store.expect_begin().returning(move || Ok(repos()));
        store.expect_read().returning(move || Ok(repos()));
        store
    }

    fn told(store: MockStore, events: &'static [AuditEvent]) -> WatchedStore {
        let mut watch = MockAuditWatch::new();
        let mut order = mockall::Sequence::new();
        for event in events {
            watch
                .expect_appended()
                .withf(move |record| record.event == *event)
                .times(1)
                .in_sequence(&mut order)
                .return_const(());
        }
        WatchedStore::new(Arc::new(store), Arc::new(watch))
    }

    #[tokio::test]
    async fn entries_of_a_transaction_are_told_after_its_commit() {
        let store = told(store(|| None, true), &[AuditEvent::LoginOk, AuditEvent::Logout]);
        let mut tx = store.begin().await.unwrap();
        tx.audit().append(&record(AuditEvent::LoginOk)).await.unwrap();
        tx.audit().append(&record(AuditEvent::Logout)).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn what_did_not_happen_is_not_told() {
        let failing = told(store(|| Some(StoreError::Conflict), true), &[]);
        let mut tx = failing.begin().await.unwrap();
        tx.audit().append(&record(AuditEvent::LoginOk)).await.unwrap();
        tx.commit().await.unwrap_err();

        let discarded = told(store(|| None, true), &[]);
        let mut tx = discarded.begin().await.unwrap();
        tx.audit().append(&record(AuditEvent::LoginOk)).await.unwrap();
        tx.rollback().await.unwrap();

        let refusing = told(store(|| None, false), &[]);
        refusing.read().await.unwrap().audit().append(&record(AuditEvent::LoginOk)).await.unwrap_err();
    }

    #[tokio::test]
    async fn an_entry_by_itself_is_told_at_once() {
        let store = told(store(|| None, true), &[AuditEvent::LoginFailed]);
        store.read().await.unwrap().audit().append(&record(AuditEvent::LoginFailed)).await.unwrap();
    }
}
