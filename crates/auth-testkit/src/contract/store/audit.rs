//! Duties of `AuditLog`. That entries cannot be changed is for the adapter to test: the port has no
//! method that could try.

use auth_domain::{
    audit::{AuditEntry, AuditEvent, AuditRecord},
    client::Client,
    id::{SessionId, UserId},
    port::AuditFilter,
    tenant::TenantId,
};
use chrono::TimeDelta;

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
