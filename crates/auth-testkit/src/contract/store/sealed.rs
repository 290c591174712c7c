//! Duties of `SealedRepo`.

use auth_domain::{
    factor::TimeStep,
    id::{IdentityId, OutboxId},
    outbox::Intent,
    port::{PendingTotp, SealedPlace, SealedRow, SealedValue},
    secret::{SealLabel, Sealed},
    token::KeyId,
    user::LinkedIdentity,
};

use super::{Subject, begin, given_user, race, read};
use crate::builder;

const OLD: SealLabel = SealLabel::from_bytes([1, 0, 0, 0, 9]);
const NEW: SealLabel = SealLabel::from_bytes([1, 255, 0, 0, 1]);

/// Something that begins with `label`.
fn sealed(label: SealLabel, tail: &[u8]) -> Sealed {
    Sealed::from_bytes([label.as_bytes(), tail].concat())
}

/// Stores the app at work of account `number`, and one that waits, sealed with `label`.
async fn given_app(store: &Subject, number: i64, label: SealLabel) {
    let now = builder::noon();
    let user = given_user(store, number, now).await;
    let waiting = |tail: &[u8]| PendingTotp { secret: sealed(label, tail), since: now };
    let (first, second) = (waiting(b"at work"), waiting(b"waits"));
    let mut tx = begin(store).await;
    tx.factors().put_pending_totp(user.id, &first).await.unwrap();
    assert!(tx.factors().activate_totp(user.id, &first, TimeStep::from_i64(7)).await.unwrap());
    tx.factors().put_pending_totp(user.id, &second).await.unwrap();
    tx.commit().await.unwrap();
}

async fn given_key(store: &Subject, name: &str, label: SealLabel) {
    let mut key = builder::signing_key(name, builder::noon());
    key.private = sealed(label, name.as_bytes());
    let mut tx = begin(store).await;
    tx.keys().insert(&key).await.unwrap();
    tx.commit().await.unwrap();
}

/// Stores a link of account `number` with a grant sealed with `label`; the account is made, too.
async fn given_grant(store: &Subject, number: i64, label: SealLabel) {
    let now = builder::noon();
    let user = given_user(store, number, now).await;
    let grant = Some(sealed(label, b"grant"));
    let identity = LinkedIdentity { grant, ..builder::identity(number, user.id, now) };
    let mut tx = begin(store).await;
    tx.identities().link(&identity).await.unwrap().unwrap();
    tx.commit().await.unwrap();
}

/// Stores message `number`, which hands out a password.
async fn given_message(store: &Subject, number: i64, label: SealLabel) {
    let mut item = builder::outbox_item(number, builder::noon());
    item.intent = Intent::NewPassword { sealed: sealed(label, b"password") };
    read(store).await.outbox().put(&item).await.unwrap();
}

async fn labels(store: &Subject, place: SealedPlace) -> Vec<SealLabel> {
    read(store).await.sealed().labels(place).await.unwrap()
}

async fn count(store: &Subject, place: SealedPlace, label: SealLabel) -> u64 {
    read(store).await.sealed().count(place, label).await.unwrap()
}

async fn page(store: &Subject, place: SealedPlace, after: Option<SealedRow>, limit: u32) -> Vec<SealedValue> {
    read(store).await.sealed().page(place, OLD, after, limit).await.unwrap()
}

async fn replace(store: &Subject, place: SealedPlace, found: &SealedValue, fresh: &Sealed) -> bool {
    read(store).await.sealed().replace(place, found, fresh).await.unwrap()
}

/// `labels` names each key once, in order, place by place; `count` says how many values it sealed.
pub async fn labels_and_counts_tell_who_sealed_what(store: Subject) {
    for place in SealedPlace::ALL {
        assert_eq!((labels(&store, place).await, count(&store, place, OLD).await), (vec![], 0), "{place}");
    }
    for number in 1..=5 {
        given_app(&store, number, if number % 2 == 0 { NEW } else { OLD }).await;
    }
    given_key(&store, "a", NEW).await;
    for place in [SealedPlace::Totp, SealedPlace::PendingTotp] {
        assert_eq!(labels(&store, place).await, [OLD, NEW], "{place}");
        assert_eq!((count(&store, place, OLD).await, count(&store, place, NEW).await), (3, 2), "{place}");
    }
    for number in 6..=8 {
        given_grant(&store, number, if number == 7 { NEW } else { OLD }).await;
    }
    assert_eq!(labels(&store, SealedPlace::Grant).await, [OLD, NEW]);
    assert_eq!(count(&store, SealedPlace::Grant, OLD).await, 2);
    for (number, label) in [(1, OLD), (2, NEW), (3, OLD)] {
        given_message(&store, number, label).await;
    }
    assert_eq!(labels(&store, SealedPlace::Message).await, [OLD, NEW]);
    assert_eq!(count(&store, SealedPlace::Message, OLD).await, 2);
    assert_eq!(labels(&store, SealedPlace::SigningKey).await, [NEW]);
    assert_eq!(count(&store, SealedPlace::SigningKey, OLD).await, 0);
}

/// `page` gives the values of one key in the order of their rows, each once.
pub async fn pages_join_without_gap_or_overlap(store: Subject) {
    for number in 1..=9 {
        given_app(&store, number, if number % 3 == 0 { NEW } else { OLD }).await;
    }
    for name in ["c", "a", "b"] {
        given_key(&store, name, OLD).await;
    }
    for number in 1..=4 {
        given_message(&store, number, if number == 2 { NEW } else { OLD }).await;
    }
    for number in 10..=15 {
        given_grant(&store, number, if number == 12 { NEW } else { OLD }).await;
    }
    for (place, expected) in [
        (
            SealedPlace::Totp,
            [1, 2, 4, 5, 7, 8].map(|n| SealedRow::User(builder::user(n, builder::noon()).id)).to_vec(),
        ),
        (
            SealedPlace::Grant,
            [10, 11, 13, 14, 15].map(|n| SealedRow::Identity(IdentityId::from_i64(n))).to_vec(),
        ),
        (SealedPlace::Message, [1, 3, 4].map(|n| SealedRow::Message(OutboxId::from_i64(n))).to_vec()),
        (SealedPlace::SigningKey, ["a", "b", "c"].map(|n| SealedRow::Key(KeyId::new(n.to_owned()))).to_vec()),
    ] {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let next = page(&store, place, after.take(), 2).await;
            assert!(next.len() <= 2);
            let Some(last) = next.last() else { break };
            after = Some(last.row.clone());
            rows.extend(next.into_iter().map(|value| value.row));
        }
        assert_eq!(rows, expected, "{place}");
    }
}

/// `page` and `replace` speak of one column: what lies beside it stays.
pub async fn replace_changes_one_value(store: Subject) {
    given_app(&store, 1, OLD).await;
    given_app(&store, 2, OLD).await;
    given_key(&store, "a", OLD).await;
    given_grant(&store, 3, OLD).await;
    given_message(&store, 1, OLD).await;
    for (place, tail) in [
        (SealedPlace::Totp, &b"at work"[..]),
        (SealedPlace::PendingTotp, b"waits"),
        (SealedPlace::SigningKey, b"a"),
        (SealedPlace::Grant, b"grant"),
        (SealedPlace::Message, b"password"),
    ] {
        let found = page(&store, place, None, 1).await.remove(0);
        assert_eq!(found.sealed, sealed(OLD, tail), "{place}");
        assert!(replace(&store, place, &found, &sealed(NEW, tail)).await, "{place}");
        assert_eq!(count(&store, place, NEW).await, 1, "{place}");
    }
    let user = builder::user(1, builder::noon()).id;
    let stored = read(&store).await.factors().totp(user).await.unwrap();
    assert_eq!(stored.secret, Some(sealed(NEW, b"at work")));
    assert_eq!(stored.last_step, Some(TimeStep::from_i64(7)));
    let waits = PendingTotp { secret: sealed(NEW, b"waits"), since: builder::noon() };
    assert_eq!(stored.pending, Some(waits));
    let mut key = builder::signing_key("a", builder::noon());
    key.private = sealed(NEW, b"a");
    assert_eq!(read(&store).await.keys().all().await.unwrap(), [key]);
    let owner = builder::user(3, builder::noon()).id;
    let grant = Some(sealed(NEW, b"grant"));
    let identity = LinkedIdentity { grant, ..builder::identity(3, owner, builder::noon()) };
    assert_eq!(read(&store).await.identities().of_user(owner).await.unwrap(), [identity]);
    assert_eq!(count(&store, SealedPlace::Totp, OLD).await, 1, "the other account's is as it was");
}

/// `replace` leaves a row alone that does not hold what was found any more.
pub async fn replace_needs_what_was_found(store: Subject) {
    given_app(&store, 1, OLD).await;
    given_key(&store, "a", OLD).await;
    given_grant(&store, 2, OLD).await;
    given_message(&store, 1, OLD).await;
    for place in SealedPlace::ALL {
        let found = page(&store, place, None, 1).await.remove(0);
        let (theirs, ours) = (sealed(NEW, b"theirs"), sealed(NEW, b"ours"));
        assert!(replace(&store, place, &found, &theirs).await);
        assert!(!replace(&store, place, &found, &ours).await, "{place}");
        let now = SealedValue { sealed: theirs.clone(), ..found };
        assert!(replace(&store, place, &now, &theirs).await, "{place} holds theirs");
    }
    let user = builder::user(1, builder::noon()).id;
    let found = SealedValue { row: SealedRow::User(user), sealed: sealed(NEW, b"theirs") };
    let mut tx = begin(&store).await;
    tx.factors().remove_totp(user).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!replace(&store, SealedPlace::Totp, &found, &sealed(NEW, b"ours")).await, "the row is gone");
}

/// Of parallel calls that found the same, one replaces it.
pub async fn parallel_replacements_have_one_winner(store: Subject) {
    given_app(&store, 1, OLD).await;
    let found = page(&store, SealedPlace::Totp, None, 1).await.remove(0);
    let won = race(|caller| {
        let (store, found) = (store.clone(), found.clone());
        async move { replace(&store, SealedPlace::Totp, &found, &sealed(NEW, &caller.to_be_bytes())).await }
    })
    .await;
    assert_eq!(won.into_iter().filter(|&won| won).count(), 1);
}

/// A replacement belongs to its transaction.
pub async fn a_discarded_replacement_did_not_happen(store: Subject) {
    given_app(&store, 1, OLD).await;
    let found = page(&store, SealedPlace::Totp, None, 1).await.remove(0);
    let mut tx = begin(&store).await;
    assert!(tx.sealed().replace(SealedPlace::Totp, &found, &sealed(NEW, b"x")).await.unwrap());
    tx.rollback().await.unwrap();
    assert_eq!(page(&store, SealedPlace::Totp, None, 1).await, [found]);
}
