//! The chain over the audit log, as its workers keep it.

use std::sync::Arc;

use auth_domain::{
    audit::{AuditEvent, CheckpointKind},
    factor::DeviceTraits,
    port::{AuditFilter, Clock as _, Repos, Store, StoreError, Tx},
    tenant::TenantId,
    usecase::{Fault, LoginError, PasswordLogin, Policy},
    user::{Email, Password},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{builder, fake::TestEngine};
use chrono::TimeDelta;

async fn engine() -> (TestEngine, SqliteStore) {
    let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
    store.migrate().await.expect("a schema");
    (TestEngine::new(Arc::new(store.clone()), Policy::default()), store)
}

async fn given(store: &SqliteStore, count: u32, at: chrono::DateTime<chrono::Utc>) {
    let mut tx = store.begin().await.expect("a transaction");
    for _ in 0..count {
        tx.audit().append(&builder::audit(AuditEvent::LoginOk, at)).await.expect("the store works");
    }
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_checkpoint_is_signed_when_the_chain_went_on_and_not_otherwise() {
    let (test, store) = engine().await;
    let trail = &test.engine.trail;
    assert_eq!(trail.checkpoint().await.expect("a port"), None);
    given(&store, 3, test.clock.now()).await;
    assert_eq!(trail.checkpoint().await.expect("a port"), None, "nothing is chained yet");
    assert_eq!(trail.chain().await.expect("a port").entries, 3);
    let first = trail.checkpoint().await.expect("a port").expect("a checkpoint");
    assert_eq!((first.number, first.kind, first.head.position), (1, CheckpointKind::Regular, 3));
    assert_eq!(trail.checkpoint().await.expect("a port"), None);
    given(&store, 1, test.clock.now()).await;
    trail.chain().await.expect("a port");
    assert_eq!(trail.checkpoint().await.expect("a port").expect("a checkpoint").number, 2);
}

#[tokio::test]
async fn what_is_not_signed_grows_older_until_it_is() {
    let (test, store) = engine().await;
    let trail = &test.engine.trail;
    let age = async || trail.unsigned_for().await.expect("a port");
    assert_eq!(age().await, TimeDelta::zero(), "an empty log is signed");
    given(&store, 2, test.clock.now()).await;
    test.clock.advance(TimeDelta::minutes(7));
    assert_eq!(age().await, TimeDelta::minutes(7), "what is not chained is not signed");
    trail.chain().await.expect("a port");
    test.clock.advance(TimeDelta::minutes(2));
    given(&store, 1, test.clock.now()).await;
    assert_eq!(age().await, TimeDelta::minutes(9), "nor is what is chained; the oldest counts");
    trail.checkpoint().await.expect("a port").expect("a checkpoint");
    test.clock.advance(TimeDelta::minutes(1));
    assert_eq!(age().await, TimeDelta::minutes(1), "what came later waits for the next one");
    trail.chain().await.expect("a port");
    trail.checkpoint().await.expect("a port").expect("a checkpoint");
    assert_eq!(age().await, TimeDelta::zero());
}

#[tokio::test]
async fn a_long_log_is_chained_in_batches() {
    let (test, store) = engine().await;
    given(&store, 1_100, test.clock.now()).await;
    let trail = &test.engine.trail;
    let mut batches = Vec::new();
    loop {
        let batch = trail.chain().await.expect("a port");
        batches.push(batch.entries);
        if !batch.is_unfinished {
            break;
        }
    }
    assert_eq!(batches, [500, 500, 100]);
    let report = trail.check(None, |_| {}).await.expect("a port");
    assert!(report.is_good() && report.good_rows == 1_100, "{report:?}");
}

#[tokio::test]
async fn upkeep_prunes_and_erases_and_the_rest_is_proved() {
    let (test, store) = engine().await;
    let now = test.clock.now();
    given(&store, 600, now - TimeDelta::days(400)).await;
    given(&store, 3, now - TimeDelta::days(100)).await;
    given(&store, 2, now - TimeDelta::days(80)).await;
    while test.engine.trail.chain().await.expect("a port").is_unfinished {}
    test.engine.trail.checkpoint().await.expect("a port").expect("a checkpoint");
    let run = || async { test.engine.upkeep.run().await.expect("upkeep") };
    let (first, second, third) = (run().await, run().await, run().await);
    assert_eq!((first.audit_entries, first.is_unfinished()), (500, true));
    assert_eq!((second.audit_entries, third.audit_entries), (100, 0));
    let signed =
        [&first, &second, &third].map(|report| report.pruned.as_ref().map(|pruned| pruned.head.position));
    assert_eq!(signed, [Some(500), Some(600), None], "each for the log of the server");
    let report = test.engine.trail.check(None, |_| {}).await.expect("a port");
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.good_rows, report.erased_clients, report.from.position), (5, 3, 600));
}

#[tokio::test]
async fn an_export_marks_out_what_it_covers() {
    let (test, store) = engine().await;
    let begin = test.clock.now();
    for minute in 0..4 {
        given(&store, 2, begin + TimeDelta::minutes(minute)).await;
        test.engine.trail.chain().await.expect("a port");
        test.engine.trail.checkpoint().await.expect("a port").expect("a checkpoint");
    }
    let minute = |minute| Some(begin + TimeDelta::minutes(minute));
    let all = test.engine.trail.extract(None, None).await.expect("a port");
    assert_eq!((all.from.position, all.to), (0, 8));
    let part = test.engine.trail.extract(minute(1), minute(3)).await.expect("a port");
    assert_eq!((part.from.position, part.to), (2, 6));
    let nothing = test.engine.trail.extract(minute(9), None).await.expect("a port");
    assert_eq!((nothing.from.position, nothing.to), (8, 8));
    given(&store, 1, begin).await;
    test.engine.trail.chain().await.expect("a port");
    let all = test.engine.trail.extract(None, None).await.expect("a port");
    assert_eq!(all.to, 8, "it ends at a checkpoint");
}

/// A store that answers transactions only.
struct Deaf(SqliteStore);

#[async_trait::async_trait]
impl Store for Deaf {
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        self.0.begin().await
    }
    async fn read(&self) -> Result<Box<dyn Repos>, StoreError> {
        Err(StoreError::Unavailable("gone".into()))
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.0.ping().await
    }
}

/// A refusal whose entry cannot be written is not lost: the fault carries it to the application's log.
#[tokio::test]
async fn a_failed_login_that_cannot_be_audited_is_told() {
    let (_, store) = engine().await;
    let test = TestEngine::new(Arc::new(Deaf(store)), Policy::default());
    let login = PasswordLogin {
        tenant: TenantId::default(),
        email: Email::parse("ada@example.com").expect("an address"),
        password: Password::new("wrong".to_owned()),
        code: None,
        device: DeviceTraits::default(),
        device_token: None,
        client: builder::client(),
    };
    let refused = test.engine.login.with_password(&login).await.expect_err("a refusal");
    let LoginError::Fault(Fault::Unaudited { entry, .. }) = refused else { panic!("{refused:?}") };
    assert!(entry.contains("login.fail") && entry.contains("reason=unknown_address"), "{entry}");
    assert!(!entry.contains("ada@example.com"), "{entry}");
}

/// However many garbage tokens come, the log grows by one entry per reason.
#[tokio::test]
async fn refused_tokens_are_counted_and_noted_together() {
    let (test, store) = engine().await;
    for _ in 0..50 {
        test.engine.bearer.authenticate("garbage", &TenantId::default()).await.expect_err("a refusal");
    }
    let noted = || async {
        test.engine.refusals.note().await.expect("a port");
        let filter = AuditFilter { event: Some(AuditEvent::TokenInvalid), ..AuditFilter::default() };
        store.read().await.expect("repositories").audit().list(&filter, 10).await.expect("the store works")
    };
    let entries = noted().await;
    assert_eq!(entries.len(), 1);
    let count = ("count".to_owned(), "50".to_owned());
    assert!(entries[0].details.contains(&count), "{entries:?}");
    assert_eq!(noted().await.len(), 1, "nothing new, nothing noted");
}
