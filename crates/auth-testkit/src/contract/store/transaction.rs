//! Duties of `Store` and `Tx`.

use std::time::Duration;

use auth_domain::{
    audit::AuditEvent,
    port::{AuditFilter, StoreError},
    token::LinkPurpose,
};
use chrono::TimeDelta;

use super::{Subject, at_the_latest_from_commit, begin, given_session, given_user, race, read};
use crate::builder;

/// Long enough for any statement, short enough for a test that fails.
const PATIENCE: Duration = Duration::from_secs(3);

/// A store that works says so.
pub async fn answers_a_ping(store: Subject) {
    store.ping().await.expect("ping");
}

/// State change, audit record and outbox item commit together.
pub async fn commit_makes_all_repositories_visible(store: Subject) {
    let now = builder::noon();
    let user = builder::user(1, now);
    let session = builder::session(1, &user, now);
    let link = builder::link(1, LinkPurpose::VerifyEmail, &user, now);
    let mut tx = begin(&store).await;
    tx.users().insert(&user).await.unwrap().unwrap();
    tx.sessions().insert(&session, &builder::generation(session.id, 0, now)).await.unwrap();
    tx.links().replace(&link).await.unwrap();
    let pending = builder::pending_totp(1, now);
    tx.factors().put_pending_totp(user.id, &pending).await.unwrap();
    tx.factors().replace_recovery_codes(user.id, &[builder::recovery_code(1)], now).await.unwrap();
    tx.devices().remember(&builder::device(1, user.id, now)).await.unwrap();
    tx.locks().put(&builder::lock_key(1), &builder::lock_state(1, now)).await.unwrap();
    tx.keys().insert(&builder::signing_key("k1", now)).await.unwrap();
    tx.audit().append(&builder::audit(AuditEvent::Registered, now).by(user.id)).await.unwrap();
    tx.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    tx.commit().await.unwrap();

    let mut repos = read(&store).await;
    assert_eq!(repos.users().by_id(user.id).await.unwrap(), Some(user.clone()));
    assert_eq!(repos.factors().totp(user.id).await.unwrap().pending, Some(pending));
    assert_eq!(repos.factors().recovery_codes_left(user.id).await.unwrap(), 1);
    assert_eq!(repos.devices().list(user.id, now).await.unwrap(), [builder::device(1, user.id, now)]);
    assert_eq!(repos.sessions().with_user(session.id).await.unwrap(), Some((session, user)));
    assert_eq!(repos.links().find(&link.digest, now).await.unwrap(), Some(link));
    assert_eq!(repos.locks().lock(&builder::lock_key(1)).await.unwrap(), Some(builder::lock_state(1, now)));
    assert_eq!(repos.keys().all().await.unwrap().len(), 1);
    assert_eq!(repos.audit().list(&AuditFilter::default(), 10).await.unwrap().len(), 1);
    assert_eq!(repos.outbox().depth().await.unwrap(), 1);
}

/// A transaction that is rolled back leaves nothing, and the store usable.
pub async fn rollback_discards(store: Subject) {
    let now = builder::noon();
    let user = builder::user(1, now);
    let mut tx = begin(&store).await;
    tx.users().insert(&user).await.unwrap().unwrap();
    assert_eq!(tx.users().by_id(user.id).await.unwrap(), Some(user.clone()), "it sees its own work");
    tx.rollback().await.unwrap();
    assert_eq!(read(&store).await.users().by_id(user.id).await.unwrap(), None);
    given_user(&store, 1, now).await;
}

/// Dropping a transaction discards it, and at once: the next one does not wait for a timeout.
pub async fn dropping_discards_at_once(store: Subject) {
    let now = builder::noon();
    let user = builder::user(1, now);
    for _ in 0..20 {
        let mut tx = begin(&store).await;
        tx.users().insert(&user).await.unwrap().unwrap();
        drop(tx);
    }
    tokio::time::timeout(PATIENCE, given_user(&store, 1, now)).await.expect("the store is free at once");
}

/// A caller may go away at any moment, also while a statement runs.
pub async fn dropping_in_the_middle_of_a_statement_discards(store: Subject) {
    let now = builder::noon();
    let user = builder::user(1, now);
    for pause in 0..40u64 {
        let (store, user) = (store.clone(), user.clone());
        let call = async move {
            let mut tx = begin(&store).await;
            tx.users().insert(&user).await.unwrap().unwrap();
            loop {
                tx.users().by_id(user.id).await.unwrap();
            }
        };
        let outcome: Result<(), _> = tokio::time::timeout(Duration::from_micros(pause * 50), call).await;
        assert!(outcome.is_err(), "the caller goes away");
    }
    tokio::time::timeout(PATIENCE, given_user(&store, 1, now)).await.expect("the store is free");
}

/// After any failed statement `commit` fails too.
pub async fn commit_after_a_failed_statement_fails(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let mut clash = builder::user(1, now);
    clash.email = builder::email("other@example.com");
    let mut tx = begin(&store).await;
    tx.users().insert(&builder::user(2, now)).await.unwrap().unwrap();
    assert!(matches!(tx.users().insert(&clash).await, Err(StoreError::Conflict)));
    assert!(tx.commit().await.is_err());
    assert_eq!(read(&store).await.users().by_id(builder::user(2, now).id).await.unwrap(), None);
}

/// The same when the caller goes on as if nothing had happened.
pub async fn commit_after_a_failed_statement_that_was_ignored_keeps_nothing(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let mut clash = builder::user(1, now);
    clash.email = builder::email("other@example.com");
    let mut tx = begin(&store).await;
    tx.users().insert(&clash).await.unwrap_err();
    let _ = tx.users().insert(&builder::user(2, now)).await;
    let _ = tx.audit().append(&builder::audit(AuditEvent::Registered, now)).await;
    assert!(tx.commit().await.is_err());
    let mut repos = read(&store).await;
    assert_eq!(repos.users().by_id(builder::user(2, now).id).await.unwrap(), None);
    assert_eq!(repos.audit().list(&AuditFilter::default(), 10).await.unwrap(), []);
    tokio::time::timeout(PATIENCE, given_user(&store, 2, now)).await.expect("the store is free");
}

/// Nobody sees work that may yet be discarded.
pub async fn an_open_transaction_is_invisible_outside(store: Subject) {
    let now = builder::noon();
    let user = builder::user(1, now);
    let mut tx = begin(&store).await;
    tx.users().insert(&user).await.unwrap().unwrap();
    assert_eq!(read(&store).await.users().by_id(user.id).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(read(&store).await.users().by_id(user.id).await.unwrap(), Some(user));
}

/// Readers go on while somebody writes.
pub async fn reading_does_not_wait_for_an_open_transaction(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let mut tx = begin(&store).await;
    let mut changed = user.clone();
    changed.full_name = None;
    tx.users().save(&changed).await.unwrap().unwrap();
    let seen = tokio::time::timeout(PATIENCE, async { read(&store).await.users().by_id(user.id).await });
    assert_eq!(seen.await.expect("no wait").unwrap(), Some(user));
    tx.rollback().await.unwrap();
}

/// The repositories of `read` also write, each statement for itself.
pub async fn single_statements_work_outside_a_transaction(store: Subject) {
    let now = builder::noon();
    let later = now + TimeDelta::minutes(5);
    let user = given_user(&store, 1, now).await;
    let session = given_session(&store, 1, &user, now).await;
    let mut repos = read(&store).await;
    repos.sessions().touch(session.id, later).await.unwrap();
    repos.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    let link = builder::link(1, LinkPurpose::VerifyEmail, &user, now);
    repos.links().replace(&link).await.unwrap();
    repos.audit().append(&builder::audit(AuditEvent::LoginFailed, now)).await.unwrap();
    drop(repos);

    let mut repos = read(&store).await;
    let (seen, _) = repos.sessions().with_user(session.id).await.unwrap().unwrap();
    assert_eq!(seen.last_used_at, later);
    assert_eq!(repos.outbox().depth().await.unwrap(), 1);
    assert_eq!(repos.links().find(&link.digest, now).await.unwrap(), Some(link));
    repos.outbox().done(builder::outbox_item(1, now).id).await.unwrap();
    assert_eq!(repos.outbox().depth().await.unwrap(), 0);
}

/// A transaction whose owner panics is discarded like any other.
pub async fn a_panicking_owner_discards(store: Subject) {
    let now = builder::noon();
    let shared = store.clone();
    let owner = tokio::spawn(async move {
        let mut tx = begin(&shared).await;
        tx.users().insert(&builder::user(1, now)).await.unwrap().unwrap();
        panic!("part of the test: the owner of a transaction panics");
    });
    assert!(owner.await.is_err());
    tokio::time::timeout(PATIENCE, given_user(&store, 1, now)).await.expect("the store is free");
}

/// Whether or not a store keeps statements back, what follows sees them.
pub async fn later_statements_see_earlier_ones(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let session = builder::session(1, &user, now);
    let link = builder::link(1, LinkPurpose::ResetPassword, &user, now);
    let mut tx = begin(&store).await;
    tx.sessions().insert(&session, &builder::generation(session.id, 0, now)).await.unwrap();
    tx.links().replace(&link).await.unwrap();
    tx.locks().put(&builder::lock_key(1), &builder::lock_state(2, now)).await.unwrap();
    tx.audit().append(&builder::audit(AuditEvent::LoginOk, now)).await.unwrap();
    tx.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    assert_eq!(tx.sessions().live_of(user.id, now).await.unwrap(), [session]);
    assert_eq!(tx.links().find(&link.digest, now).await.unwrap(), Some(link));
    assert_eq!(tx.locks().lock(&builder::lock_key(1)).await.unwrap(), Some(builder::lock_state(2, now)));
    assert_eq!(tx.audit().list(&AuditFilter::default(), 10).await.unwrap().len(), 1);
    assert_eq!(tx.outbox().depth().await.unwrap(), 1);
    tx.commit().await.unwrap();
}

/// A failure that comes as late as `commit` undoes everything, what came before and after it.
pub async fn a_clash_kept_back_keeps_nothing(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let session = given_session(&store, 1, &user, now).await;
    let first = builder::generation_of(session.id, 0, 9, now);
    let mut tx = begin(&store).await;
    tx.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    let inserted = tx.sessions().insert(&session, &first).await;
    let appended = tx.audit().append(&builder::audit(AuditEvent::LoginOk, now)).await;
    assert!(appended.is_err() || inserted.is_ok(), "a failed transaction goes on");
    let outcome = at_the_latest_from_commit(tx, inserted).await;
    assert!(matches!(outcome, Err(StoreError::Conflict)));
    let mut repos = read(&store).await;
    assert_eq!(repos.outbox().depth().await.unwrap(), 0);
    assert_eq!(repos.audit().list(&AuditFilter::default(), 10).await.unwrap(), []);
    tokio::time::timeout(PATIENCE, given_session(&store, 2, &user, now)).await.expect("the store is free");
}

/// Transactions side by side all commit, or say that they did not.
pub async fn parallel_transactions_lose_nothing(store: Subject) {
    let now = builder::noon();
    let done = race(|caller| {
        let store = store.clone();
        async move {
            super::retried(|| async {
                let mut tx = store.begin().await?;
                tx.users().insert(&builder::user(i64::from(caller), now)).await?.expect("free");
                tx.outbox().put(&builder::outbox_item(i64::from(caller), now)).await?;
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    let mut repos = read(&store).await;
    assert_eq!(repos.outbox().depth().await.unwrap(), done.len() as u64);
    for caller in 0..done.len() {
        let id = builder::user(i64::try_from(caller).unwrap(), now).id;
        assert!(repos.users().by_id(id).await.unwrap().is_some());
    }
}
