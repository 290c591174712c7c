//! What a process signs, and what it does not, when somebody else has the tables.

use std::sync::{Arc, Mutex, PoisonError};

use auth_domain::{
    audit::{AuditEvent, ChainHash, ChainHead, Checkpoint, CheckpointKind, Flaw, Salt},
    port::{CheckpointSigner as _, Clock as _, Repos, Store, StoreError, Tx},
    usecase::{BrokenChain, Fault, Policy},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{
    builder,
    fake::{FakeCheckpoints, TestEngine},
};
use chrono::{DateTime, TimeDelta, Utc};

/// A store whose owner puts another in its place.
#[derive(Clone)]
struct Owned(Arc<Mutex<SqliteStore>>);

impl Owned {
    fn present(&self) -> SqliteStore {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, other: &SqliteStore) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = other.clone();
    }
}

#[async_trait::async_trait]
impl Store for Owned {
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        self.present().begin().await
    }
    async fn read(&self) -> Result<Box<dyn Repos>, StoreError> {
        self.present().read().await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.present().ping().await
    }
}

async fn store() -> SqliteStore {
    let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
    store.migrate().await.expect("a schema");
    store
}

fn engine(store: &SqliteStore) -> (TestEngine, Owned) {
    let owned = Owned(Arc::new(Mutex::new(store.clone())));
    (TestEngine::new(Arc::new(owned.clone()), Policy::default()), owned)
}

async fn read(store: &SqliteStore) -> Box<dyn Repos> {
    store.read().await.expect("repositories")
}

async fn given(store: &SqliteStore, event: AuditEvent, at: DateTime<Utc>) {
    let mut tx = store.begin().await.expect("a transaction");
    tx.audit().append(&builder::audit(event, at)).await.expect("the store works");
    tx.commit().await.expect("a commit");
}

/// Chains one entry and signs it.
async fn signed(test: &TestEngine, store: &SqliteStore, event: AuditEvent) -> Checkpoint {
    given(store, event, test.clock.now()).await;
    next(test).await.expect("a good chain").expect("a checkpoint")
}

/// What comes of chaining and signing.
async fn next(test: &TestEngine) -> Result<Option<Checkpoint>, BrokenChain> {
    test.engine.trail.chain().await.expect("a port");
    match test.engine.trail.checkpoint().await {
        Ok(checkpoint) => Ok(checkpoint),
        Err(Fault::AuditChain(broken)) => Err(broken),
        Err(fault) => panic!("{fault:?}"),
    }
}

#[tokio::test]
async fn a_rewritten_log_without_checkpoints_is_not_signed() {
    let (genuine, rewritten) = (store().await, store().await);
    let (test, owned) = engine(&genuine);
    assert_eq!(signed(&test, &genuine, AuditEvent::LoginOk).await.number, 1);
    given(&rewritten, AuditEvent::Logout, test.clock.now()).await;
    owned.replace(&rewritten);
    assert_eq!(next(&test).await, Err(BrokenChain::CheckpointGone(1)));
    let upkeep = test.engine.upkeep.run().await;
    assert!(matches!(upkeep, Err(Fault::AuditChain(BrokenChain::CheckpointGone(1)))), "{upkeep:?}");
    let last = read(&rewritten).await.chain().last_checkpoint().await.expect("the store works");
    assert_eq!(last, None);
    owned.replace(&genuine);
    assert_eq!(signed(&test, &genuine, AuditEvent::LoginOk).await.number, 2, "as it was");
}

/// A process that started after the checkpoints were dropped has nothing to go by. Those that ran on have.
#[tokio::test]
async fn what_another_process_signed_for_a_rewritten_log_is_not_believed() {
    let (genuine, rewritten) = (store().await, store().await);
    let (test, owned) = engine(&genuine);
    signed(&test, &genuine, AuditEvent::LoginOk).await;
    let (deceived, _) = engine(&rewritten);
    signed(&deceived, &rewritten, AuditEvent::Logout).await;
    owned.replace(&rewritten);
    assert_eq!(next(&test).await, Err(BrokenChain::CheckpointForged(1)));
    signed(&deceived, &rewritten, AuditEvent::Logout).await;
    given(&rewritten, AuditEvent::Logout, test.clock.now()).await;
    assert_eq!(next(&test).await, Err(BrokenChain::NotThrough(1)));
}

#[tokio::test]
async fn a_process_follows_what_others_sign_and_prune() {
    let store = store().await;
    let ((one, _), (other, _)) = (engine(&store), engine(&store));
    let old = one.clock.now() - TimeDelta::days(400);
    for _ in 0..3 {
        given(&store, AuditEvent::LoginOk, old).await;
    }
    assert_eq!(next(&one).await.map(|signed| signed.map(|signed| signed.number)), Ok(Some(1)));
    let report = other.engine.upkeep.run().await.expect("upkeep");
    let pruned = report.pruned.expect("a checkpoint");
    assert_eq!((pruned.number, pruned.kind, pruned.head.position), (2, CheckpointKind::Pruned, 3));
    assert_eq!(next(&one).await, Ok(None));
    assert_eq!(signed(&one, &store, AuditEvent::LoginOk).await.number, 3);
    assert_eq!(signed(&other, &store, AuditEvent::LoginOk).await.number, 4);
    assert_eq!(signed(&one, &store, AuditEvent::LoginOk).await.number, 5);
}

/// Deleting the beginning and saying that it was old takes a signature.
#[tokio::test]
async fn a_beginning_that_nobody_pruned_is_missed() {
    let (genuine, shorter) = (store().await, store().await);
    let (test, owned) = engine(&genuine);
    let first = signed(&test, &genuine, AuditEvent::LoginOk).await;
    given(&shorter, AuditEvent::Logout, test.clock.now()).await;
    let row = read(&shorter).await.chain().waiting(i64::MIN, 1).await.expect("the store works");
    let link = first.head.link(&row[0], Salt::from_bytes([7; 16]));
    read(&shorter).await.chain().extend(&[link]).await.expect("the store works");
    let pruned = |signer: &FakeCheckpoints, number| {
        Checkpoint::sign(number, CheckpointKind::Pruned, first.head, test.clock.now(), signer)
            .expect("a signature")
    };
    let put = async |checkpoint: Checkpoint| {
        read(&shorter).await.chain().put_checkpoint(&checkpoint).await.expect("the store works");
    };
    put(first.clone()).await;
    owned.replace(&shorter);
    assert_eq!(next(&test).await, Err(BrokenChain::NotThrough(1)));
    put(pruned(&FakeCheckpoints::new("other"), 2)).await;
    assert_eq!(next(&test).await, Err(BrokenChain::CheckpointForged(2)));
    put(pruned(&FakeCheckpoints::default(), 3)).await;
    assert_eq!(next(&test).await.map(|signed| signed.is_some()), Ok(true), "so it goes with a good one");
}

#[tokio::test]
async fn a_start_looks_at_the_last_checkpoint() {
    let good = FakeCheckpoints::default();
    let elsewhere = ChainHash::from_bytes([9; 32]);
    for (signer, position, hash, broken) in [
        (FakeCheckpoints::new("other"), 1, None, BrokenChain::CheckpointForged(2)),
        (good, 1, Some(elsewhere), BrokenChain::NotThrough(2)),
        (good, 9, None, BrokenChain::NotThrough(2)),
    ] {
        let store = store().await;
        let head = signed(&engine(&store).0, &store, AuditEvent::LoginOk).await.head;
        let head = ChainHead { position, hash: hash.unwrap_or(head.hash) };
        let last = Checkpoint::sign(2, CheckpointKind::Regular, head, builder::noon(), &signer)
            .expect("a signature");
        read(&store).await.chain().put_checkpoint(&last).await.expect("the store works");
        let (test, _) = engine(&store);
        given(&store, AuditEvent::LoginOk, test.clock.now()).await;
        assert_eq!(next(&test).await, Err(broken));
    }
    assert_eq!(good.known_keys().len(), 1);
}

/// Stores prune by the time in the link. A young entry does not go because somebody made its link old.
#[tokio::test]
async fn an_entry_whose_link_was_dated_back_is_not_pruned() {
    let store = store().await;
    let (test, _) = engine(&store);
    let now = test.clock.now();
    given(&store, AuditEvent::LoginOk, now).await;
    let mut repos = read(&store).await;
    let row = repos.chain().waiting(i64::MIN, 1).await.expect("the store works");
    let mut link = ChainHead::GENESIS.link(&row[0], Salt::from_bytes([7; 16]));
    link.at = now - TimeDelta::days(400);
    repos.chain().extend(&[link]).await.expect("the store works");
    let upkeep = test.engine.upkeep.run().await;
    assert!(matches!(upkeep, Err(Fault::AuditChain(BrokenChain::NotAsChained(1)))), "{upkeep:?}");
    assert_eq!(repos.chain().page(0, 10).await.expect("the store works").len(), 1);
    next(&test).await.expect("a good chain");
    let report = test.engine.trail.check(None, |_| {}).await.expect("a port");
    let flaws: Vec<Flaw> = report.findings.into_iter().map(|finding| finding.flaw).collect();
    assert_eq!(flaws, [Flaw::TimeChanged]);
}

/// Where nothing is signed any more, a check says so.
#[tokio::test]
async fn entries_that_wait_long_for_a_signature_are_a_finding() {
    let store = store().await;
    let (test, _) = engine(&store);
    let findings = async || {
        let report = test.engine.trail.check(None, |_| {}).await.expect("a port");
        report.findings.iter().map(|finding| (finding.position, finding.flaw.clone())).collect::<Vec<_>>()
    };
    signed(&test, &store, AuditEvent::LoginOk).await;
    given(&store, AuditEvent::LoginOk, test.clock.now()).await;
    test.engine.trail.chain().await.expect("a port");
    assert_eq!(findings().await, []);
    test.clock.advance(TimeDelta::minutes(6));
    assert_eq!(findings().await, [(2, Flaw::Unsigned)]);
    next(&test).await.expect("a good chain");
    assert_eq!(findings().await, []);
}
