//! Contract of the archive port.

use std::sync::Arc;

use auth_domain::{
    api_key::ApiKey,
    audit::{AuditEvent, ChainHead, CheckpointKind, Salt},
    factor::TimeStep,
    guard::{known_device::KnownDevice, lockout::LockState},
    id::UserId,
    port::{
        Archive, AuditFilter, Fate, Record, RecordKey, RecordKind, Store, StoredRecoveryCode, StoredTotp,
    },
    secret::Sealed,
    session::{EndReason, Ended},
    token::LinkPurpose,
    user::User,
};
use chrono::TimeDelta;

use crate::builder::{self, noon};

/// Expands to one test per duty of the archive port. The argument is the name of an async function
/// without arguments that returns `(store, guard)`, where the store is an `Arc` of something that is
/// both a [`Store`] and an [`Archive`], empty and migrated.
#[macro_export]
macro_rules! archive_contract {
    ($make:ident) => {
        $crate::archive_contract! { @cases $make;
            what_was_written_comes_out what_comes_in_comes_out_again pages_go_through_everything_in_order
            what_is_there_stays_as_it_is one_bad_record_keeps_all_out an_empty_store_has_nothing
            new_audit_entries_come_behind_the_added_ones
        }
    };
    (@cases $make:ident; $($case:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            let (store, _guard) = $make().await;
            $crate::contract::archive::$case(store).await;
        }
    )+};
}

/// Something of each kind, in an order in which a store can take it.
pub fn one_of_each() -> Vec<Record> {
    let user = User { factors: builder::enrolment(), ..builder::user(1, noon()) };
    let mut session = builder::session(2, &user, noon());
    session.authentication.second_factor_at = Some(noon() + TimeDelta::minutes(1));
    session.ended = Some(Ended { at: noon() + TimeDelta::hours(1), reason: EndReason::Logout });
    let tokens = (0..3).map(|number| builder::generation(session.id, number, noon())).collect();
    let app = StoredTotp {
        secret: Some(Sealed::from_bytes(b"at work".to_vec())),
        last_step: Some(TimeStep::from_i64(59_430_240)),
        pending: Some(builder::pending_totp(1, noon())),
    };
    let code = |number, used_at| {
        let digest = builder::recovery_code(number);
        Record::RecoveryCode(StoredRecoveryCode { digest, user: user.id, created_at: noon(), used_at })
    };
    let state = LockState { failures: 3, locked_until: Some(noon()), last_attempt_at: noon() };
    let buried = Fate { buried_at: Some(noon()), last_error: Some("refused".to_owned()) };
    let entry = auth_domain::audit::AuditEntry {
        seq: 7,
        at: noon(),
        tenant: user.tenant.clone(),
        event: AuditEvent::LoginFailed,
        actor: None,
        subject: Some(user.id),
        session: Some(session.id),
        client: builder::client(),
        details: vec![("reason".to_owned(), "wrong_password".to_owned())],
    };
    let link = ChainHead::GENESIS.link(&entry.clone().into(), Salt::from_bytes([4; 16]));
    let checkpoint = builder::checkpoint(1, CheckpointKind::Regular, ChainHead::from(&link), noon());
    sorted(vec![
        Record::Link(builder::link(1, LinkPurpose::ResetPassword, &user, noon()), Some(noon())),
        Record::Link(builder::link(2, LinkPurpose::VerifyEmail, &user, noon()), None),
        Record::Totp(user.id, app),
        code(1, None),
        code(2, Some(noon())),
        Record::Device(builder::device(5, user.id, noon())),
        Record::Identity(builder::identity(6, user.id, noon())),
        Record::ApiKey(ApiKey { revoked_at: Some(noon()), ..builder::personal_key(7, user.id, noon()) }),
        Record::ApiKey(ApiKey { last_used_at: Some(noon()), ..builder::service_key(8, noon()) }),
        Record::KnownDevice(KnownDevice {
            failures: 7,
            recent_failures: 3,
            last_attempt_at: Some(noon()),
            ..builder::known_device(6, user.id, noon())
        }),
        Record::Session(session, tokens),
        Record::User(user),
        Record::Lock([9; 32], state),
        Record::Key(builder::signing_key("key", noon())),
        Record::Audit(entry),
        Record::AuditLink(link),
        Record::AuditCheckpoint(checkpoint),
        Record::Outbox(builder::outbox_item(3, noon()), Fate::default()),
        Record::Outbox(builder::outbox_item(4, noon()), buried),
        Record::Erasure(UserId::from_i64(99), noon()),
    ])
}

async fn add_each(archive: &impl Archive) {
    for record in one_of_each() {
        assert_eq!(archive.add(vec![record.clone()]).await.expect("the store works"), 1, "{record:?}");
    }
}

async fn everything(archive: &impl Archive) -> Vec<Record> {
    let mut all = Vec::new();
    for kind in RecordKind::ALL {
        all.extend(archive.page(kind, None, 100).await.expect("the store works"));
    }
    all
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    let place = |kind: RecordKind| RecordKind::ALL.iter().position(|known| *known == kind);
    records.sort_by_key(|record| (place(record.kind()), record.key()));
    records
}

/// What the repositories wrote comes out whole.
pub async fn what_was_written_comes_out(store: Arc<impl Store + Archive>) {
    let user = User { factors: builder::enrolment(), ..builder::user(1, noon()) };
    let session = builder::session(2, &user, noon());
    let pending = builder::pending_totp(1, noon());
    let digest = builder::recovery_code(1);
    let device = builder::device(5, user.id, noon());
    let identity = builder::identity(6, user.id, noon());
    let key = builder::personal_key(7, user.id, noon());
    let first = builder::generation(session.id, 0, noon());
    let link = builder::link(1, LinkPurpose::VerifyEmail, &user, noon());
    let item = builder::outbox_item(3, noon());
    let mut tx = store.begin().await.expect("a transaction");
    tx.users().insert(&user).await.expect("the store works").expect("a new address");
    tx.sessions().insert(&session, &first).await.expect("the store works");
    tx.links().replace(&link).await.expect("the store works");
    tx.factors().put_pending_totp(user.id, &pending).await.expect("the store works");
    tx.factors().replace_recovery_codes(user.id, &[digest], noon()).await.expect("the store works");
    tx.devices().remember(&device).await.expect("the store works");
    tx.identities().link(&identity).await.expect("the store works").expect("a new link");
    tx.api_keys().insert(&key).await.expect("the store works");
    tx.outbox().put(&item).await.expect("the store works");
    tx.commit().await.expect("a commit");
    let consumed_at = noon() + TimeDelta::minutes(1);
    let mut repos = store.read().await.expect("repositories");
    let consumed = repos.factors().consume_recovery_code(user.id, &digest, consumed_at).await;
    assert!(consumed.expect("the store works"));
    repos.links().consume(&link.digest, consumed_at).await.expect("the store works").expect("the link");
    drop(repos);
    let (created_at, used_at) = (noon(), Some(consumed_at));
    let code = StoredRecoveryCode { digest, user: user.id, created_at, used_at };
    let app = StoredTotp { pending: Some(pending), ..StoredTotp::default() };
    let expected = vec![
        Record::User(user.clone()),
        Record::Session(session, vec![first]),
        Record::Link(link, Some(consumed_at)),
        Record::Totp(user.id, app),
        Record::RecoveryCode(code),
        Record::Device(device),
        Record::Identity(identity),
        Record::ApiKey(key),
        Record::Outbox(item, Fate::default()),
    ];
    assert_eq!(everything(&*store).await, expected);
}

/// What is added comes out as it was, and is counted.
pub async fn what_comes_in_comes_out_again(store: Arc<impl Store + Archive>) {
    add_each(&*store).await;
    assert_eq!(everything(&*store).await, sorted(one_of_each()));
    for kind in RecordKind::ALL {
        let expected = one_of_each().iter().filter(|record| record.kind() == kind).count() as u64;
        assert_eq!(store.count(kind).await.expect("the store works"), expected, "{kind}");
    }
}

/// Pages give every record once, in the order of the keys, whatever lies at their borders.
pub async fn pages_go_through_everything_in_order(store: Arc<impl Store + Archive>) {
    let users: Vec<_> = (1..=7).map(|number| builder::user(number, noon())).collect();
    let links = (1..=7).map(|number| {
        Record::Link(builder::link(number, LinkPurpose::ResetPassword, &users[0], noon()), Some(noon()))
    });
    let expected = sorted(users.iter().cloned().map(Record::User).chain(links).collect());
    for record in expected.iter().rev().filter(|record| record.kind() == RecordKind::User) {
        store.add(vec![record.clone()]).await.expect("the store works");
    }
    for record in expected.iter().rev().filter(|record| record.kind() == RecordKind::Link) {
        store.add(vec![record.clone()]).await.expect("the store works");
    }
    let mut seen = Vec::new();
    for kind in [RecordKind::User, RecordKind::Link] {
        let mut after: Option<RecordKey> = None;
        loop {
            let page = store.page(kind, after, 3).await.expect("the store works");
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            after = Some(last.key());
            seen.extend(page);
        }
    }
    assert_eq!(seen, expected);
}

/// A record whose key is there already is not counted and changes nothing.
pub async fn what_is_there_stays_as_it_is(store: Arc<impl Store + Archive>) {
    add_each(&*store).await;
    for record in one_of_each() {
        assert_eq!(store.add(vec![record.clone()]).await.expect("the store works"), 0, "{record:?}");
    }
    let mut other = builder::user(1, noon());
    other.full_name = None;
    store.add(vec![Record::User(other)]).await.expect("the store works");
    assert_eq!(everything(&*store).await, sorted(one_of_each()));
}

/// Records are added all or none.
pub async fn one_bad_record_keeps_all_out(store: Arc<impl Store + Archive>) {
    let (good, missing) = (builder::user(1, noon()), builder::user(2, noon()));
    let orphan = builder::session(3, &missing, noon());
    store.add(vec![Record::User(good.clone())]).await.expect("the store works");
    let sessions = vec![
        Record::Session(builder::session(4, &good, noon()), Vec::new()),
        Record::Session(orphan, Vec::new()),
    ];
    assert!(store.add(sessions).await.is_err());
    assert_eq!(store.count(RecordKind::Session).await.expect("the store works"), 0);
}

/// A new store is empty.
pub async fn an_empty_store_has_nothing(store: Arc<impl Store + Archive>) {
    assert_eq!(everything(&*store).await, []);
    for kind in RecordKind::ALL {
        assert_eq!(store.count(kind).await.expect("the store works"), 0);
    }
    assert_eq!(store.add(Vec::new()).await.expect("the store works"), 0);
}

/// What is appended later comes behind what was added.
pub async fn new_audit_entries_come_behind_the_added_ones(store: Arc<impl Store + Archive>) {
    add_each(&*store).await;
    let mut repos = store.read().await.expect("repositories");
    let record = builder::audit(AuditEvent::LoginOk, noon());
    repos.audit().append(&record).await.expect("the store works");
    let log = repos.audit().list(&AuditFilter::default(), 10).await.expect("the store works");
    let positions: Vec<i64> = log.iter().map(|entry| entry.seq).collect();
    assert_eq!(positions, [8, 7]);
}
