//! Duties of `AuditLog`. That entries cannot be changed is for the adapter to test: the port has no
//! method that could try.

use auth_domain::{
    audit::{AuditEntry, AuditEvent, AuditRecord},
    client::Client,
    id::{SessionId, UserId},
    port::{AuditFilter, StoreError},
    tenant::TenantId,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, race, read};
use crate::builder;

async fn given(store: &Subject, record: &AuditRecord) {
    let mut tx = begin(store).await;
    tx.audit().append(record).await.unwrap();
    tx.commit().await.unwrap();
}

async fn list(store: &Subject, filter: &AuditFilter, limit: u32) -> Vec<AuditEntry> {
    read(store).await.audit().list(filter, limit).await.unwrap()
}

async fn events(store: &Subject, filter: &AuditFilter) -> Vec<AuditEvent> {
    list(store, filter, 100).await.into_iter().map(|entry| entry.event).collect()
}

/// The newest entry comes first; positions rise.
pub async fn lists_newest_first(store: Subject) {
    let now = builder::noon();
    for event in [AuditEvent::Registered, AuditEvent::LoginOk, AuditEvent::Logout] {
        // The same time for all: it is the position that counts.
        given(&store, &builder::audit(event, now)).await;
    }
    let entries = list(&store, &AuditFilter::default(), 100).await;
    let listed: Vec<AuditEvent> = entries.iter().map(|entry| entry.event).collect();
    assert_eq!(listed, [AuditEvent::Logout, AuditEvent::LoginOk, AuditEvent::Registered]);
    assert!(entries.is_sorted_by(|newer, older| newer.seq > older.seq));
}

/// Nothing is lost or changed on the way in and out, for every event.
pub async fn every_field_survives(store: Subject) {
    let now = builder::noon() + TimeDelta::microseconds(1);
    let mut records: Vec<AuditRecord> =
        AuditEvent::ALL.iter().map(|&event| builder::audit(event, now)).collect();
    let mut full = builder::audit(AuditEvent::SessionRevoked, now)
        .by(UserId::from_i64(1))
        .about(UserId::from_i64(2))
        .within(SessionId::from_i64(3))
        .with("zebra", "last letter first")
        .with("count", "3")
        .with("zebra", "again, with \"quotes\" and 😀");
    full.tenant = TenantId::parse("other").unwrap();
    let mut bare = builder::audit(AuditEvent::KeyRotated, now);
    bare.client = Client::default();
    records.extend([full, bare]);
    for record in records {
        given(&store, &record).await;
        let entry = list(&store, &AuditFilter::default(), 1).await.remove(0);
        let details: Vec<(String, String)> =
            record.details.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let expected = AuditEntry {
            seq: entry.seq,
            at: record.at,
            tenant: record.tenant,
            event: record.event,
            actor: record.actor,
            subject: record.subject,
            session: record.session,
            client: record.client,
            details,
        };
        assert_eq!(entry, expected);
    }
}

/// Each filter narrows the list, and they narrow it together.
pub async fn filters_narrow(store: Subject) {
    let now = builder::noon();
    let (ada, bob) = (UserId::from_i64(1), UserId::from_i64(2));
    let other = TenantId::parse("other").unwrap();
    given(&store, &builder::audit(AuditEvent::Registered, now).by(ada)).await;
    given(&store, &builder::audit(AuditEvent::LoginOk, now).by(ada)).await;
    given(&store, &builder::audit(AuditEvent::LoginOk, now).by(bob)).await;
    let mut elsewhere = builder::audit(AuditEvent::LoginOk, now).by(bob);
    elsewhere.tenant = other.clone();
    given(&store, &elsewhere).await;
    given(&store, &builder::audit(AuditEvent::LoginFailed, now)).await;

    let tenant = |tenant: &TenantId| AuditFilter { tenant: Some(tenant.clone()), ..AuditFilter::default() };
    let event = |event| AuditFilter { event: Some(event), ..AuditFilter::default() };
    let subject = |subject| AuditFilter { subject: Some(subject), ..AuditFilter::default() };
    assert_eq!(events(&store, &AuditFilter::default()).await.len(), 5);
    assert_eq!(events(&store, &tenant(&other)).await, [AuditEvent::LoginOk]);
    assert_eq!(events(&store, &event(AuditEvent::LoginOk)).await.len(), 3);
    assert_eq!(events(&store, &subject(ada)).await, [AuditEvent::LoginOk, AuditEvent::Registered]);
    let both = AuditFilter { event: Some(AuditEvent::LoginOk), ..tenant(&TenantId::default()) };
    assert_eq!(events(&store, &both).await.len(), 2);
    let all = AuditFilter { subject: Some(bob), ..both };
    assert_eq!(events(&store, &all).await.len(), 1);
    assert_eq!(events(&store, &subject(UserId::from_i64(3))).await, []);
}

/// `before` continues where a page ended.
pub async fn pages_join_without_gap_or_overlap(store: Subject) {
    let now = builder::noon();
    for number in 0..7 {
        given(&store, &builder::audit(AuditEvent::LoginOk, now).with("number", number.to_string())).await;
    }
    let mut filter = AuditFilter::default();
    let mut numbers = Vec::new();
    loop {
        let page = list(&store, &filter, 3).await;
        let Some(last) = page.last() else { break };
        filter.before = Some(last.seq);
        numbers.extend(page.iter().map(|entry| entry.details[0].1.clone()));
    }
    assert_eq!(numbers, ["6", "5", "4", "3", "2", "1", "0"]);
}

/// `list` gives no more than asked.
pub async fn limit_is_respected(store: Subject) {
    let now = builder::noon();
    for _ in 0..3 {
        given(&store, &builder::audit(AuditEvent::LoginOk, now)).await;
    }
    for limit in 0..=3 {
        assert_eq!(list(&store, &AuditFilter::default(), limit).await.len(), limit as usize);
    }
}

/// No entry about a change that was discarded.
pub async fn a_discarded_entry_is_not_in_the_log(store: Subject) {
    let mut tx = begin(&store).await;
    tx.audit().append(&builder::audit(AuditEvent::Registered, builder::noon())).await.unwrap();
    drop(tx);
    assert_eq!(events(&store, &AuditFilter::default()).await, []);
}

/// Entries written side by side are all there, each at its own position.
pub async fn parallel_appends_lose_nothing(store: Subject) {
    let now = builder::noon();
    race(|_| {
        let store = store.clone();
        async move {
            let mut repos = read(&store).await;
            repos.audit().append(&builder::audit(AuditEvent::LoginFailed, now)).await.unwrap();
        }
    })
    .await;
    let entries = list(&store, &AuditFilter::default(), 1000).await;
    assert_eq!(entries.len(), CALLERS as usize);
    assert!(entries.is_sorted_by(|newer, older| newer.seq > older.seq));
}

/// Long enough ago for every store to let go of it.
fn long_ago() -> DateTime<Utc> {
    builder::noon() - TimeDelta::days(10 * 365)
}

/// One entry per number, so many days after [`long_ago`].
async fn given_days(store: &Subject, days: &[i64]) {
    for &day in days {
        let record = builder::audit(AuditEvent::LoginOk, long_ago() + TimeDelta::days(day));
        given(store, &record).await;
    }
}

/// The days of the entries that are left, in the order of their positions.
async fn days(store: &Subject) -> Vec<i64> {
    let entries = list(store, &AuditFilter::default(), 1000).await;
    entries.iter().rev().map(|entry| (entry.at - long_ago()).num_days()).collect()
}

async fn purge(store: &Subject, day: i64, limit: u32) -> u64 {
    read(store).await.audit().purge(long_ago() + TimeDelta::days(day), limit).await.unwrap()
}

/// `purge` deletes what happened before the moment, and nothing else.
pub async fn purge_deletes_old_entries_only(store: Subject) {
    given_days(&store, &[0, 1, 2]).await;
    given(&store, &builder::audit(AuditEvent::Logout, builder::noon())).await;
    assert_eq!(purge(&store, 0, 10).await, 0);
    assert_eq!(purge(&store, 1, 10).await, 1);
    assert_eq!(days(&store).await[..2], [1, 2]);
    assert_eq!(purge(&store, 3, 10).await, 2);
    assert_eq!(events(&store, &AuditFilter::default()).await, [AuditEvent::Logout]);
}

/// `purge` takes the oldest first, wherever in the log they stand: a clock may have been set back.
pub async fn purge_deletes_the_oldest_first(store: Subject) {
    given_days(&store, &[3, 1, 4, 0, 2]).await;
    assert_eq!(purge(&store, 4, 2).await, 2);
    assert_eq!(days(&store).await, [3, 4, 2]);
    assert_eq!(purge(&store, 4, 1).await, 1);
    assert_eq!(days(&store).await, [3, 4]);
}

/// `purge` deletes no more than asked.
pub async fn purge_respects_its_limit(store: Subject) {
    given_days(&store, &[0, 0, 0]).await;
    for (limit, expected) in [(0, 0), (2, 2), (2, 1), (2, 0)] {
        assert_eq!(purge(&store, 1, limit).await, expected);
    }
}

/// A purge of less than the one before deletes what it is about.
pub async fn an_earlier_purge_is_harmless(store: Subject) {
    given_days(&store, &[5]).await;
    assert_eq!(purge(&store, 3, 10).await, 0);
    given_days(&store, &[0, 2]).await; // from another store, or by a clock that was set back
    assert_eq!(purge(&store, 1, 10).await, 1);
    assert_eq!(days(&store).await, [5, 2]);
}

/// Nobody empties the log: a purge that reaches into the last days is refused.
pub async fn purge_spares_the_last_days(store: Subject) {
    given_days(&store, &[0]).await;
    let mut tx = begin(&store).await;
    let refused = tx.audit().purge(long_ago() + TimeDelta::days(365_000), 10).await;
    assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
    tx.commit().await.unwrap_err();
    let mut repos = read(&store).await;
    repos.audit().purge(long_ago() + TimeDelta::days(365_000), 10).await.unwrap_err();
    assert_eq!(days(&store).await, [0]);
    assert_eq!(purge(&store, 1, 10).await, 1, "the rule did not let go of more");
}

/// A position tells an entry apart for ever, also when the log is empty again.
pub async fn positions_are_not_given_out_again(store: Subject) {
    given_days(&store, &[0, 0]).await;
    let last = list(&store, &AuditFilter::default(), 1).await[0].seq;
    assert_eq!(purge(&store, 1, 10).await, 2);
    given_days(&store, &[1]).await;
    assert!(list(&store, &AuditFilter::default(), 1).await[0].seq > last);
}
