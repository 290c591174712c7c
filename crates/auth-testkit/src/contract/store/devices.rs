//! Duties of `DeviceRepo`.

use auth_domain::{
    factor::{Fingerprint, TrustedDevice},
    id::{DeviceId, UserId},
    port::StoreError,
    secret::Digest,
    token::AuthMethod,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, at_the_latest_from_commit, begin, given_user, race, read, retried};
use crate::builder;

async fn remember(store: &Subject, device: &TrustedDevice) {
    read(store).await.devices().remember(device).await.unwrap();
}

async fn given_device(store: &Subject, number: i64, user: UserId, now: DateTime<Utc>) -> TrustedDevice {
    let device = builder::device(number, user, now);
    remember(store, &device).await;
    device
}

async fn found(store: &Subject, device: &TrustedDevice, now: DateTime<Utc>) -> Option<TrustedDevice> {
    read(store).await.devices().find(device.user, &device.fingerprint, now).await.unwrap()
}

async fn ids(store: &Subject, user: UserId, now: DateTime<Utc>) -> Vec<i64> {
    let devices = read(store).await.devices().list(user, now).await.unwrap();
    devices.iter().map(|device| device.id.as_i64()).collect()
}

/// What was remembered is found, with every field, for every factor.
pub async fn every_field_survives(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let methods = AuthMethod::ALL.into_iter().filter(|method| method.is_second());
    for (number, method) in (1..).zip(methods) {
        let device = TrustedDevice { method, ..builder::device(number, user, now) };
        let mut tx = begin(&store).await;
        tx.devices().remember(&device).await.unwrap();
        assert_eq!(
            tx.devices().find(user, &device.fingerprint, now).await.unwrap().as_ref(),
            Some(&device),
            "seen within its transaction"
        );
        tx.commit().await.unwrap();
        assert_eq!(found(&store, &device, now).await, Some(device));
    }
    let bare = TrustedDevice {
        id: DeviceId::from_i64(9_007_199_254_740_991),
        ip: None,
        user_agent: None,
        platform: None,
        verified_at: now - TimeDelta::microseconds(1),
        expires_at: now + TimeDelta::microseconds(1),
        ..builder::device(9, user, now)
    };
    remember(&store, &bare).await;
    assert_eq!(found(&store, &bare, now).await, Some(bare));
}

/// A fingerprint nobody has is `None`, and so is that of another user's device.
pub async fn unknown_and_those_of_others_are_none(store: Subject) {
    let now = builder::noon();
    let (user, other) = (given_user(&store, 1, now).await.id, given_user(&store, 2, now).await.id);
    let device = given_device(&store, 1, user, now).await;
    assert_eq!(found(&store, &TrustedDevice { user: other, ..device.clone() }, now).await, None);
    let unknown = Fingerprint::from_digest(Digest::of(b"unknown"));
    assert_eq!(found(&store, &TrustedDevice { fingerprint: unknown, ..device.clone() }, now).await, None);
    assert_eq!(ids(&store, other, now).await, [0; 0]);
    // The same machine may serve both.
    let shared = TrustedDevice { id: DeviceId::from_i64(2), user: other, ..device.clone() };
    remember(&store, &shared).await;
    assert_eq!(found(&store, &device, now).await, Some(device));
    assert_eq!(found(&store, &shared, now).await, Some(shared));
}

/// A device that proves itself again takes its own place, with all its fields.
pub async fn remember_replaces_the_same_fingerprint(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let old = given_device(&store, 1, user, now).await;
    let later = now + TimeDelta::minutes(3);
    let new = TrustedDevice {
        fingerprint: old.fingerprint,
        method: AuthMethod::Email,
        ip: None,
        user_agent: None,
        platform: None,
        ..builder::device(2, user, later)
    };
    for again in [&new, &new] {
        remember(&store, again).await;
        assert_eq!(found(&store, &old, later).await.as_ref(), Some(again));
        assert_eq!(ids(&store, user, later).await, [2]);
    }
    // Its former id is free.
    let other = TrustedDevice { id: old.id, ..builder::device(3, user, now) };
    remember(&store, &other).await;
    assert_eq!(found(&store, &other, now).await, Some(other));
}

/// Two devices never share an id.
pub async fn a_clash_of_ids_is_a_conflict(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let device = given_device(&store, 1, user, now).await;
    let clashing = TrustedDevice { id: device.id, ..builder::device(2, user, now) };
    let mut tx = begin(&store).await;
    let outcome = tx.devices().remember(&clashing).await;
    let outcome = at_the_latest_from_commit(tx, outcome).await;
    assert!(matches!(outcome, Err(StoreError::Conflict)), "{outcome:?}");
    assert_eq!(found(&store, &device, now).await, Some(device));
    assert_eq!(found(&store, &clashing, now).await, None);
}

/// Parallel logins of one device leave one entry, and none of them fails.
pub async fn parallel_remembering_leaves_one(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let fingerprint = builder::device(1, user, now).fingerprint;
    race(|caller| {
        let device = TrustedDevice { fingerprint, ..builder::device(caller.into(), user, now) };
        let store = store.clone();
        async move {
            if caller % 2 == 0 {
                return remember(&store, &device).await;
            }
            retried(|| async {
                let mut tx = store.begin().await?;
                tx.devices().remember(&device).await?;
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    let left = ids(&store, user, now).await;
    assert!(left.len() == 1 && (0..i64::from(CALLERS)).contains(&left[0]), "{left:?}");
}

/// From its end on a device has to prove its factor again.
pub async fn expired_is_none(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let device = given_device(&store, 1, user, now).await;
    let last_moment = device.expires_at - TimeDelta::microseconds(1);
    assert_eq!(found(&store, &device, last_moment).await, Some(device.clone()));
    assert_eq!(ids(&store, user, last_moment).await, [1]);
    assert_eq!(found(&store, &device, device.expires_at).await, None);
    assert_eq!(ids(&store, user, device.expires_at).await, [0; 0]);
}

/// `list` begins with the device that proved itself last.
pub async fn list_is_newest_first(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    for (number, second) in [(3, 1), (1, 2), (4, 0), (2, 2)] {
        given_device(&store, number, user, now + TimeDelta::seconds(second)).await;
    }
    assert_eq!(ids(&store, user, now).await, [2, 1, 3, 4]);
    // The one that proved itself first is past its end first.
    assert_eq!(ids(&store, user, now + TimeDelta::minutes(5)).await, [2, 1, 3]);
}

/// `forget_all` forgets every device of one user, and counts those that were still good.
pub async fn forget_all_counts_the_good(store: Subject) {
    let now = builder::noon();
    let (user, other) = (given_user(&store, 1, now).await.id, given_user(&store, 2, now).await.id);
    let old = given_device(&store, 1, user, now - TimeDelta::minutes(5)).await;
    let good = [given_device(&store, 2, user, now).await, given_device(&store, 3, user, now).await];
    let foreign = given_device(&store, 4, other, now).await;
    let mut tx = begin(&store).await;
    assert_eq!(tx.devices().forget_all(user, now).await.unwrap(), 2);
    assert_eq!(tx.devices().forget_all(user, now).await.unwrap(), 0);
    tx.commit().await.unwrap();
    for device in good.iter().chain([&old]) {
        assert_eq!(found(&store, device, now - TimeDelta::minutes(4)).await, None);
    }
    assert_eq!(found(&store, &foreign, now).await, Some(foreign));
}

/// A device remembered or forgotten in a transaction that was discarded was not.
pub async fn a_discarded_change_did_not_happen(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let device = given_device(&store, 1, user, now).await;
    let mut tx = begin(&store).await;
    tx.devices().forget_all(user, now).await.unwrap();
    tx.devices().remember(&builder::device(2, user, now)).await.unwrap();
    assert_eq!(tx.devices().list(user, now).await.unwrap().len(), 1);
    drop(tx);
    assert_eq!(read(&store).await.devices().list(user, now).await.unwrap(), [device]);
}

/// `purge` deletes what expired before the moment, and nothing else.
pub async fn purge_deletes_the_expired(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let old = given_device(&store, 1, user, now - TimeDelta::hours(1)).await;
    let good = given_device(&store, 2, user, now).await;
    let mut repos = read(&store).await;
    assert_eq!(repos.devices().purge(old.expires_at, 10).await.unwrap(), 0, "before means before");
    assert_eq!(repos.devices().purge(now, 10).await.unwrap(), 1);
    assert_eq!(found(&store, &old, now - TimeDelta::hours(1)).await, None);
    assert_eq!(found(&store, &good, now).await, Some(good));
}

/// `purge` deletes no more than asked.
pub async fn purge_respects_its_limit(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    for number in 1..=5 {
        given_device(&store, number, user, now - TimeDelta::hours(1)).await;
    }
    let mut repos = read(&store).await;
    for expected in [2, 2, 1, 0] {
        assert_eq!(repos.devices().purge(now, 2).await.unwrap(), expected);
    }
}
