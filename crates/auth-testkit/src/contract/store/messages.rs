//! Duties of `Outbox` towards those who ask twice, and towards operators.

use auth_domain::{
    id::OutboxId,
    outbox::{OutboxEntry, OutboxItem, OutboxState},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Subject, begin, race, read};
use crate::builder;

const LEASE: TimeDelta = TimeDelta::seconds(60);
const NONE: [i64; 0] = [];

/// A message that stands for all those of its `name`.
fn equal(number: i64, name: &str, now: DateTime<Utc>) -> OutboxItem {
    builder::outbox_item(number, now).once(&[name.as_bytes()])
}

const fn id(number: i64) -> OutboxId {
    OutboxId::from_i64(number)
}

async fn given(store: &Subject, item: &OutboxItem) {
    let mut tx = begin(store).await;
    tx.outbox().put(item).await.unwrap();
    tx.commit().await.unwrap();
}

async fn leased(store: &Subject, now: DateTime<Utc>) -> Vec<i64> {
    let items = read(store).await.outbox().lease(now, now + LEASE, 100).await.unwrap();
    items.into_iter().map(|item| item.id.as_i64()).collect()
}

async fn list(store: &Subject, state: OutboxState, after: Option<i64>, limit: u32) -> Vec<OutboxEntry> {
    read(store).await.outbox().list(state, after.map(id), limit).await.unwrap()
}

async fn listed(store: &Subject, state: OutboxState, after: Option<i64>, limit: u32) -> Vec<i64> {
    list(store, state, after, limit).await.iter().map(|entry| entry.item.id.as_i64()).collect()
}

async fn bury(store: &Subject, number: i64, at: DateTime<Utc>) {
    read(store).await.outbox().bury(id(number), at, "no such mailbox").await.unwrap();
}

/// Of messages with one digest the first waits; the others change nothing and do not fail.
pub async fn equal_messages_wait_once(store: Subject) {
    let now = builder::noon();
    let first = equal(1, "ada", now);
    given(&store, &first).await;
    given(&store, &equal(2, "ada", now)).await;
    given(&store, &equal(3, "bob", now)).await;
    given(&store, &builder::outbox_item(4, now)).await;
    given(&store, &builder::outbox_item(5, now)).await;
    let items = read(&store).await.outbox().lease(now, now + LEASE, 100).await.unwrap();
    assert_eq!(items.iter().map(|item| item.id.as_i64()).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert_eq!(items[0], first);
    given(&store, &equal(6, "ada", now)).await;
    assert_eq!(read(&store).await.outbox().depth().await.unwrap(), 4, "also while it is being sent");
}

/// Like every expected clash.
pub async fn a_message_met_again_leaves_the_transaction_usable(store: Subject) {
    let now = builder::noon();
    given(&store, &equal(1, "ada", now)).await;
    let mut tx = begin(&store).await;
    tx.outbox().put(&equal(2, "ada", now)).await.unwrap();
    tx.outbox().put(&equal(3, "bob", now)).await.unwrap();
    tx.outbox().put(&equal(4, "bob", now)).await.unwrap();
    assert_eq!(tx.outbox().depth().await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(leased(&store, now).await, [1, 3]);
}

/// A double click is two requests at one moment.
pub async fn parallel_equal_messages_wait_once(store: Subject) {
    let now = builder::noon();
    race(|caller| {
        let store = store.clone();
        async move { given(&store, &equal(caller.into(), "ada", now)).await }
    })
    .await;
    assert_eq!(leased(&store, now).await.len(), 1);
}

/// Who asks again after the mail has come gets another one.
pub async fn a_message_handed_over_may_be_owed_again(store: Subject) {
    let now = builder::noon();
    given(&store, &equal(1, "ada", now)).await;
    assert_eq!(leased(&store, now).await, [1]);
    read(&store).await.outbox().done(id(1)).await.unwrap();
    given(&store, &equal(2, "ada", now)).await;
    assert_eq!(leased(&store, now).await, [2]);
}

/// A dead letter is no reason not to send.
pub async fn a_dead_letter_does_not_stand_in_the_way(store: Subject) {
    let now = builder::noon();
    for number in 1..=3 {
        given(&store, &equal(number, "ada", now)).await;
        assert_eq!(leased(&store, now).await, [number]);
        bury(&store, number, now).await;
    }
}

/// `oldest_due` is that of the message due first, dead letters not asked.
pub async fn oldest_due_looks_at_what_waits(store: Subject) {
    let now = builder::noon();
    let oldest = async || read(&store).await.outbox().oldest_due().await.unwrap();
    assert_eq!(oldest().await, None);
    for (number, age) in [(1, 5), (2, 9), (3, 7)] {
        given(&store, &builder::outbox_item(number, now - TimeDelta::minutes(age))).await;
    }
    assert_eq!(oldest().await, Some(now - TimeDelta::minutes(9)));
    leased(&store, now).await;
    assert_eq!(oldest().await, Some(now - TimeDelta::minutes(9)), "a lease is no delivery");
    bury(&store, 2, now).await;
    assert_eq!(oldest().await, Some(now - TimeDelta::minutes(7)));
    read(&store).await.outbox().retry(id(3), now + LEASE, "greylisted").await.unwrap();
    assert_eq!(oldest().await, Some(now - TimeDelta::minutes(5)));
}

/// Pages join in the order of ids, without what was buried.
pub async fn list_pages_through_what_waits(store: Subject) {
    let now = builder::noon();
    for number in [4, 1, 5, 3, 2, 6] {
        // The older the higher its number: it is not the time that orders.
        given(&store, &builder::outbox_item(number, now - TimeDelta::minutes(number))).await;
    }
    bury(&store, 3, now).await;
    leased(&store, now - TimeDelta::minutes(5)).await;
    let waiting = OutboxState::Waiting;
    assert_eq!(listed(&store, waiting, None, 0).await, NONE);
    assert_eq!(listed(&store, waiting, None, 2).await, [1, 2]);
    assert_eq!(listed(&store, waiting, Some(2), 2).await, [4, 5]);
    assert_eq!(listed(&store, waiting, Some(5), 2).await, [6]);
    assert_eq!(listed(&store, waiting, Some(6), 2).await, NONE);
}

/// Pages of dead letters hold nothing that waits.
pub async fn list_pages_through_dead_letters(store: Subject) {
    let now = builder::noon();
    for number in 1..=6 {
        given(&store, &builder::outbox_item(number, now)).await;
        if number != 4 {
            bury(&store, number, now - TimeDelta::minutes(number)).await;
        }
    }
    let dead = OutboxState::Dead;
    assert_eq!(listed(&store, dead, None, 3).await, [1, 2, 3]);
    assert_eq!(listed(&store, dead, Some(3), 3).await, [5, 6]);
    assert_eq!(listed(&store, dead, Some(6), 3).await, NONE);
}

/// An entry holds the message, its lease, its end and its last error.
pub async fn list_tells_what_became_of_a_message(store: Subject) {
    let now = builder::noon() + TimeDelta::microseconds(1);
    let item = builder::outbox_item(1, now);
    given(&store, &item).await;
    let fresh = OutboxEntry { item, leased_until: None, buried_at: None, last_error: None };
    assert_eq!(list(&store, OutboxState::Waiting, None, 10).await.as_slice(), std::slice::from_ref(&fresh));
    leased(&store, now).await;
    let tried = OutboxItem { attempts: 1, ..fresh.item.clone() };
    let sent = OutboxEntry { item: tried.clone(), leased_until: Some(now + LEASE), ..fresh };
    assert_eq!(list(&store, OutboxState::Waiting, None, 10).await, [sent]);
    bury(&store, 1, now).await;
    let last_error = Some("no such mailbox".to_owned());
    let dead = OutboxEntry { item: tried, leased_until: None, buried_at: Some(now), last_error };
    assert_eq!(list(&store, OutboxState::Dead, None, 10).await, [dead]);
}

/// A message that would be tried later is due at once, and begins to count anew.
pub async fn retry_now_hurries_what_waits(store: Subject) {
    let now = builder::noon();
    let item = builder::outbox_item(1, now);
    given(&store, &item).await;
    leased(&store, now).await;
    let mut repos = read(&store).await;
    repos.outbox().retry(id(1), now + TimeDelta::hours(1), "greylisted").await.unwrap();
    let later = now + TimeDelta::minutes(1);
    let hurried = OutboxItem { due_at: later, ..item };
    assert_eq!(repos.outbox().retry_now(id(1), later).await.unwrap(), Some(hurried.clone()));
    assert_eq!(repos.outbox().lease(later, later + LEASE, 10).await.unwrap(), [hurried]);
    assert_eq!(repos.outbox().retry_now(id(404), later).await.unwrap(), None);
}

/// A dead letter waits again, at once.
pub async fn retry_now_revives_a_dead_letter(store: Subject) {
    let now = builder::noon();
    given(&store, &builder::outbox_item(1, now)).await;
    leased(&store, now).await;
    bury(&store, 1, now).await;
    let later = now + TimeDelta::minutes(1);
    let revived = read(&store).await.outbox().retry_now(id(1), later).await.unwrap().unwrap();
    assert_eq!((revived.due_at, revived.attempts), (later, 0));
    assert_eq!(listed(&store, OutboxState::Dead, None, 10).await, NONE);
    assert_eq!(leased(&store, later).await, [1]);
}

/// Neither a message like the revived one that waits meanwhile, nor one that comes later.
pub async fn a_revived_message_stands_beside_its_equal(store: Subject) {
    let now = builder::noon();
    given(&store, &equal(1, "ada", now)).await;
    bury(&store, 1, now).await;
    given(&store, &equal(2, "ada", now)).await;
    for number in [1, 2] {
        let item = read(&store).await.outbox().retry_now(id(number), now).await.unwrap().unwrap();
        assert_eq!(item.once, None);
    }
    given(&store, &equal(3, "ada", now)).await;
    assert_eq!(leased(&store, now).await, [1, 2, 3]);
}

/// What is discarded is gone for good, whether it waited or was dead.
pub async fn discard_deletes_and_gives_back(store: Subject) {
    let now = builder::noon();
    let items = [1, 2, 3].map(|number| builder::outbox_item(number, now));
    for item in &items {
        given(&store, item).await;
    }
    bury(&store, 2, now).await;
    let mut repos = read(&store).await;
    for item in &items[..2] {
        assert_eq!(repos.outbox().discard(item.id, now).await.unwrap().as_ref(), Some(item));
        assert_eq!(repos.outbox().discard(item.id, now).await.unwrap(), None);
    }
    assert_eq!(leased(&store, now).await, [3]);
    assert_eq!(listed(&store, OutboxState::Dead, None, 10).await, NONE);
}

/// A message that a worker has is neither sent twice nor taken away, until the lease has run out.
pub async fn what_is_being_sent_is_left_alone(store: Subject) {
    let now = builder::noon();
    for number in [1, 2] {
        given(&store, &builder::outbox_item(number, now)).await;
    }
    leased(&store, now).await;
    let during = now + LEASE - TimeDelta::microseconds(1);
    let mut repos = read(&store).await;
    assert_eq!(repos.outbox().retry_now(id(1), during).await.unwrap(), None);
    assert_eq!(repos.outbox().discard(id(2), during).await.unwrap(), None);
    assert_eq!(leased(&store, during).await, NONE);
    assert!(repos.outbox().retry_now(id(1), now + LEASE).await.unwrap().is_some());
    assert!(repos.outbox().discard(id(2), now + LEASE).await.unwrap().is_some());
    assert_eq!(leased(&store, now + LEASE).await, [1]);
}
