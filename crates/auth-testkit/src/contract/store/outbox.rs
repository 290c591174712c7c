//! Duties of `Outbox`.

use std::{collections::BTreeSet, net::Ipv6Addr};

use auth_domain::{
    client::Client,
    id::OutboxId,
    outbox::{Intent, OutboxItem},
    port::StoreError,
    secret::Sealed,
    tenant::TenantId,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, at_the_latest_from_commit, begin, race, read};
use crate::builder;

const LEASE: TimeDelta = TimeDelta::seconds(60);

async fn given(store: &Subject, item: &OutboxItem) {
    let mut tx = begin(store).await;
    tx.outbox().put(item).await.unwrap();
    tx.commit().await.unwrap();
}

async fn lease(store: &Subject, now: DateTime<Utc>, limit: u32) -> Vec<OutboxItem> {
    read(store).await.outbox().lease(now, now + LEASE, limit).await.unwrap()
}

async fn leased(store: &Subject, now: DateTime<Utc>, limit: u32) -> Vec<i64> {
    lease(store, now, limit).await.into_iter().map(|item| item.id.as_i64()).collect()
}

async fn depth(store: &Subject) -> u64 {
    read(store).await.outbox().depth().await.unwrap()
}

const NONE: [i64; 0] = [];

/// What was put is leased once it is due, as it was put.
pub async fn put_then_lease(store: Subject) {
    let now = builder::noon();
    let item = builder::outbox_item(1, now);
    given(&store, &item).await;
    assert_eq!(lease(&store, now, 10).await, [item]);
}

/// Nothing is lost or changed on the way in and out, for every intent.
pub async fn every_intent_survives(store: Subject) {
    let now = builder::noon();
    let new_email = builder::email("new@bücher.example.org");
    let sealed = Sealed::from_bytes(vec![0, 1, 2, 255, 4, 5, 6]);
    let intents = [
        Intent::VerifyEmail,
        Intent::AccountExists,
        Intent::ResetPassword,
        Intent::ConfirmEmailChange { new_email: new_email.clone() },
        Intent::EmailLeftNotice { old_email: new_email.clone() },
        Intent::EmailChangeNotice { new_email },
        Intent::EmailChangedNotice,
        Intent::NewDeviceNotice,
        Intent::AccountLockedNotice,
        Intent::PasswordChangedNotice,
        Intent::RefreshReuseNotice,
        Intent::TemporaryPassword { sealed: sealed.clone() },
        Intent::NewPassword { sealed },
        Intent::Nothing,
    ];
    let mut items = Vec::new();
    for (number, intent) in (1..).zip(intents) {
        let mut item = builder::outbox_item(number, now + TimeDelta::microseconds(number));
        item.intent = intent;
        if number % 2 == 0 {
            item.user = None;
            item.client = Client::default();
            item.tenant = TenantId::parse("other").unwrap();
        } else {
            item.client.ip = Some(Ipv6Addr::LOCALHOST.into());
        }
        given(&store, &item).await;
        items.push(item);
    }
    assert_eq!(lease(&store, now + LEASE, 100).await, items);
}

/// A clash of ids is `Conflict`.
pub async fn a_clash_of_ids_is_a_conflict(store: Subject) {
    let item = builder::outbox_item(1, builder::noon());
    given(&store, &item).await;
    let mut tx = begin(&store).await;
    let outcome = tx.outbox().put(&item).await;
    assert!(matches!(at_the_latest_from_commit(tx, outcome).await, Err(StoreError::Conflict)));
    assert!(matches!(read(&store).await.outbox().put(&item).await, Err(StoreError::Conflict)));
    assert_eq!(depth(&store).await, 1);
}

/// The oldest are leased first, no more than asked.
pub async fn leases_oldest_first_up_to_the_limit(store: Subject) {
    let now = builder::noon();
    for (number, age) in [(1, 1), (2, 3), (3, 2), (4, 0)] {
        given(&store, &builder::outbox_item(number, now - TimeDelta::minutes(age))).await;
    }
    assert_eq!(leased(&store, now, 0).await, NONE);
    assert_eq!(leased(&store, now, 2).await, [2, 3]);
    assert_eq!(leased(&store, now, 10).await, [1, 4]);
}

/// A message is left alone until it is due.
pub async fn leaves_what_is_not_due(store: Subject) {
    let now = builder::noon();
    given(&store, &builder::outbox_item(1, now)).await;
    assert_eq!(leased(&store, now - TimeDelta::microseconds(1), 10).await, NONE);
    assert_eq!(leased(&store, now, 10).await, [1]);
}

/// A message is leased to one caller at a time.
pub async fn a_leased_message_is_not_leased_again(store: Subject) {
    let now = builder::noon();
    given(&store, &builder::outbox_item(1, now)).await;
    assert_eq!(leased(&store, now, 10).await, [1]);
    assert_eq!(leased(&store, now + LEASE - TimeDelta::microseconds(1), 10).await, NONE);
}

/// A message comes back when its lease runs out: its worker may have died.
pub async fn a_lease_runs_out(store: Subject) {
    let now = builder::noon();
    given(&store, &builder::outbox_item(1, now)).await;
    assert_eq!(leased(&store, now, 10).await, [1]);
    assert_eq!(leased(&store, now + LEASE, 10).await, [1]);
}

/// A leased item tells how often it was tried before; a lease that ran out was a try.
pub async fn every_lease_counts_as_a_try(store: Subject) {
    let mut now = builder::noon();
    given(&store, &builder::outbox_item(1, now)).await;
    for tried in 0..4 {
        let item = lease(&store, now, 10).await.remove(0);
        assert_eq!(item.attempts, tried);
        now += LEASE;
        if tried % 2 == 0 {
            read(&store).await.outbox().retry(item.id, now, "greylisted").await.unwrap();
        }
    }
}

/// Of parallel callers no two lease the same message, and none is left out.
pub async fn parallel_leases_share_nothing(store: Subject) {
    let now = builder::noon();
    let mut tx = begin(&store).await;
    for number in 0..i64::from(CALLERS) * 2 {
        tx.outbox().put(&builder::outbox_item(number, now)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let batches = race(|caller| {
        let store = store.clone();
        async move { leased(&store, now, 1 + caller % 3 * 2).await }
    })
    .await;
    let all: Vec<i64> = batches.into_iter().flatten().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "leased twice");
    assert_eq!(all.len(), CALLERS as usize * 2, "left out");
}

/// A message handed over is forgotten.
pub async fn done_forgets(store: Subject) {
    let now = builder::noon();
    given(&store, &builder::outbox_item(1, now)).await;
    given(&store, &builder::outbox_item(2, now)).await;
    lease(&store, now, 10).await;
    for _ in 0..2 {
        read(&store).await.outbox().done(OutboxId::from_i64(1)).await.unwrap();
    }
    assert_eq!(depth(&store).await, 1);
    assert_eq!(leased(&store, now + LEASE, 10).await, [2]);
}

/// A message to be tried again comes back at its time, sooner than its lease if need be.
pub async fn retry_comes_back_when_due(store: Subject) {
    let now = builder::noon();
    let due = now + TimeDelta::seconds(5);
    given(&store, &builder::outbox_item(1, now)).await;
    let item = lease(&store, now, 10).await.remove(0);
    read(&store).await.outbox().retry(item.id, due, "connection refused").await.unwrap();
    assert_eq!(leased(&store, due - TimeDelta::microseconds(1), 10).await, NONE);
    let again = lease(&store, due, 10).await.remove(0);
    assert_eq!(again.due_at, due);
    assert_eq!(again.created_at, item.created_at);
}

/// A dead letter is never leased again, not even by a late `retry`.
pub async fn a_buried_message_is_never_leased(store: Subject) {
    let now = builder::noon();
    given(&store, &builder::outbox_item(1, now)).await;
    let item = lease(&store, now, 10).await.remove(0);
    let mut repos = read(&store).await;
    repos.outbox().bury(item.id, now, "no such mailbox").await.unwrap();
    assert_eq!(leased(&store, now + TimeDelta::days(1), 10).await, NONE);
    repos.outbox().retry(item.id, now, "late").await.unwrap();
    assert_eq!(leased(&store, now + TimeDelta::days(1), 10).await, NONE);
}

/// `depth` counts what waits, leased or not; dead letters do not wait.
pub async fn depth_counts_what_waits(store: Subject) {
    let now = builder::noon();
    assert_eq!(depth(&store).await, 0);
    for number in 1..=3 {
        given(&store, &builder::outbox_item(number, now)).await;
    }
    lease(&store, now, 2).await;
    assert_eq!(depth(&store).await, 3);
    read(&store).await.outbox().bury(OutboxId::from_i64(1), now, "no").await.unwrap();
    assert_eq!(depth(&store).await, 2);
}

/// `dead_letters` counts what was given up, until it is tried again, deleted or purged.
pub async fn dead_letters_are_counted(store: Subject) {
    let now = builder::noon();
    let dead = async || read(&store).await.outbox().dead_letters().await.unwrap();
    for number in 1..=4 {
        given(&store, &builder::outbox_item(number, now)).await;
    }
    assert_eq!(dead().await, 0);
    for number in 1..=3 {
        let at = now + TimeDelta::minutes(number);
        read(&store).await.outbox().bury(OutboxId::from_i64(number), at, "no").await.unwrap();
    }
    assert_eq!(dead().await, 3);
    read(&store).await.outbox().retry_now(OutboxId::from_i64(3), now).await.unwrap();
    read(&store).await.outbox().purge(now + TimeDelta::seconds(61), 10).await.unwrap();
    assert_eq!(dead().await, 1);
}

/// `purge` deletes dead letters buried before the moment, and no message that waits.
pub async fn purge_deletes_old_dead_letters_only(store: Subject) {
    let now = builder::noon();
    for number in 1..=3 {
        given(&store, &builder::outbox_item(number, now - TimeDelta::days(30))).await;
    }
    let mut repos = read(&store).await;
    repos.outbox().bury(OutboxId::from_i64(1), now - TimeDelta::microseconds(1), "no").await.unwrap();
    repos.outbox().bury(OutboxId::from_i64(2), now, "no").await.unwrap();
    assert_eq!(repos.outbox().purge(now, 10).await.unwrap(), 1);
    assert_eq!(repos.outbox().purge(now + TimeDelta::seconds(1), 10).await.unwrap(), 1);
    assert_eq!(depth(&store).await, 1);
}

/// `purge` deletes no more than asked.
pub async fn purge_respects_its_limit(store: Subject) {
    let now = builder::noon();
    let mut repos = read(&store).await;
    for number in 1..=3 {
        repos.outbox().put(&builder::outbox_item(number, now)).await.unwrap();
        repos.outbox().bury(OutboxId::from_i64(number), now, "no").await.unwrap();
    }
    for expected in [2, 1, 0] {
        assert_eq!(repos.outbox().purge(now + TimeDelta::seconds(1), 2).await.unwrap(), expected);
    }
}
