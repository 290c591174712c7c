//! Duties of `KnownDeviceRepo`.

use auth_domain::{
    guard::known_device::{KnownDevice, KnownDevicePolicy},
    id::UserId,
    secret::Digest,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, given_user, race, read, retried};
use crate::builder;

/// Nothing gives way.
const ROOM: u32 = 1000;

async fn insert(store: &Subject, device: &KnownDevice, at_most: u32) {
    let mut tx = begin(store).await;
    tx.known_devices().insert(device, at_most).await.unwrap();
    tx.commit().await.unwrap();
}

async fn given(store: &Subject, number: i64, user: UserId, now: DateTime<Utc>) -> KnownDevice {
    let device = builder::known_device(number, user, now);
    insert(store, &device, ROOM).await;
    device
}

async fn found(store: &Subject, digest: &Digest) -> Option<KnownDevice> {
    read(store).await.known_devices().lock(digest).await.unwrap()
}

/// What was inserted is found, with every field.
pub async fn every_field_survives(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let plain = builder::known_device(1, user, now);
    let failing = KnownDevice {
        created_at: now - TimeDelta::days(3),
        last_used_at: now - TimeDelta::microseconds(1),
        expires_at: now + TimeDelta::microseconds(1),
        failures: 7,
        recent_failures: 3,
        last_attempt_at: Some(now),
        ..builder::known_device(2, user, now)
    };
    for device in [plain, failing] {
        let mut tx = begin(&store).await;
        tx.known_devices().insert(&device, ROOM).await.unwrap();
        let seen = tx.known_devices().lock(&device.digest).await.unwrap();
        assert_eq!(seen, Some(device), "seen within its transaction");
        tx.commit().await.unwrap();
        assert_eq!(found(&store, &device.digest).await, Some(device));
    }
}

/// A digest nobody was given is `None`.
pub async fn unknown_is_none(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    given(&store, 1, user, now).await;
    assert_eq!(found(&store, &Digest::of(b"unknown")).await, None);
}

/// `save` writes back all that changes, of this device and no other. Its account and its first day do not.
pub async fn save_writes_back_what_changes(store: Subject) {
    let now = builder::noon();
    let (user, other) = (given_user(&store, 1, now).await.id, given_user(&store, 2, now).await.id);
    let (device, neighbour) = (given(&store, 1, user, now).await, given(&store, 2, user, now).await);
    let changed = KnownDevice {
        last_used_at: now + TimeDelta::days(1),
        expires_at: now + TimeDelta::days(91),
        failures: 4,
        recent_failures: 2,
        last_attempt_at: Some(now),
        ..device
    };
    for saved in [changed, KnownDevice { last_attempt_at: None, ..changed }] {
        let moved = KnownDevice { user: other, created_at: now + TimeDelta::days(1), ..saved };
        read(&store).await.known_devices().save(&moved).await.unwrap();
        assert_eq!(found(&store, &device.digest).await, Some(saved));
    }
    assert_eq!(found(&store, &neighbour.digest).await, Some(neighbour));
}

/// A device that was forgotten stays forgotten, and saving it is no failure.
pub async fn save_does_not_bring_back_what_was_forgotten(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let device = given(&store, 1, user, now).await;
    let mut tx = begin(&store).await;
    tx.known_devices().forget(&device.digest).await.unwrap();
    tx.known_devices().save(&device).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(found(&store, &device.digest).await, None);
}

/// Of too many devices of an account those give way that were not used for longest.
pub async fn the_longest_unused_gives_way(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    for (number, second) in [(1, 30), (2, 10), (3, 20), (4, 40)] {
        given(&store, number, user, now + TimeDelta::seconds(second)).await;
    }
    insert(&store, &builder::known_device(5, user, now + TimeDelta::seconds(50)), 3).await;
    let left = read(&store).await.known_devices().list(user, now).await.unwrap();
    let expected = [5, 4, 1].map(|number| builder::known_device(number, user, now).digest);
    assert_eq!(left.iter().map(|device| device.digest).collect::<Vec<_>>(), expected);
}

/// Before them go those that nobody signed in from again after the first time, the oldest of them first.
pub async fn those_never_seen_again_give_way_first(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let at = |second| now + TimeDelta::seconds(second);
    for (number, first, last) in [(1, 0, 5), (2, 1, 4), (3, 20, 20), (4, 10, 10), (5, 30, 30)] {
        let device = KnownDevice { last_used_at: at(last), ..builder::known_device(number, user, at(first)) };
        insert(&store, &device, ROOM).await;
    }
    let left = async || {
        let devices = read(&store).await.known_devices().list(user, now).await.unwrap();
        devices.into_iter().map(|device| device.digest).collect::<Vec<_>>()
    };
    let digests = |numbers: &[i64]| -> Vec<Digest> {
        numbers.iter().map(|&number| builder::known_device(number, user, now).digest).collect()
    };
    insert(&store, &builder::known_device(6, user, at(40)), 4).await;
    assert_eq!(left().await, digests(&[6, 5, 1, 2]));
    insert(&store, &builder::known_device(7, user, at(50)), 2).await;
    assert_eq!(left().await, digests(&[7, 1]), "of those seen again the longest unused");
}

/// One account's devices make no room for another's.
pub async fn others_devices_do_not_give_way(store: Subject) {
    let now = builder::noon();
    let (user, other) = (given_user(&store, 1, now).await.id, given_user(&store, 2, now).await.id);
    let device = given(&store, 1, user, now).await;
    insert(&store, &builder::known_device(2, other, now), 1).await;
    insert(&store, &builder::known_device(3, other, now), 1).await;
    assert_eq!(found(&store, &device.digest).await, Some(device));
    assert_eq!(read(&store).await.known_devices().list(other, now).await.unwrap().len(), 1);
}

/// Fifty attempts at once are all counted: what `lock` gave does not change before the transaction ends.
pub async fn no_increment_is_lost(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let digest = given(&store, 1, user, now).await.digest;
    race(|_| {
        let store = store.clone();
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                let device = tx.known_devices().lock(&digest).await?.expect("a device");
                tokio::task::yield_now().await;
                let counted = device.reserve_attempt(now, &generous()).expect("the end is far");
                tx.known_devices().save(&counted).await?;
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    assert_eq!(found(&store, &digest).await.map(|device| device.failures), Some(CALLERS));
}

fn generous() -> KnownDevicePolicy {
    KnownDevicePolicy { threshold: CALLERS + 1, ..KnownDevicePolicy::default() }
}

/// The device comes with the account of an address, each if there is one: also another's.
pub async fn lock_with_account_gives_both(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let other = given_user(&store, 2, now).await;
    let device = given(&store, 1, other.id, now).await;
    let mut tx = begin(&store).await;
    for (digest, known) in [(device.digest, Some(device)), (Digest::of(b"unknown"), None)] {
        for (email, account) in
            [(user.email.clone(), Some(user.clone())), (builder::email("nobody@example.com"), None)]
        {
            let both = tx.known_devices().lock_with_account(&digest, &user.tenant, &email).await.unwrap();
            assert_eq!(both, (known, account));
        }
    }
    tx.commit().await.unwrap();
}

/// It locks as `lock` does.
pub async fn lock_with_account_locks(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let digest = given(&store, 1, user.id, now).await.digest;
    race(|_| {
        let (store, user) = (store.clone(), user.clone());
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                let (device, _) =
                    tx.known_devices().lock_with_account(&digest, &user.tenant, &user.email).await?;
                tokio::task::yield_now().await;
                let device = device.expect("a device");
                let counted = device.reserve_attempt(now, &generous()).expect("the end is far");
                tx.known_devices().save(&counted).await?;
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    assert_eq!(found(&store, &digest).await.map(|device| device.failures), Some(CALLERS));
}

/// `list` begins with the device used last, and leaves out those known no more.
pub async fn list_begins_with_the_last_used(store: Subject) {
    let now = builder::noon();
    let (user, other) = (given_user(&store, 1, now).await.id, given_user(&store, 2, now).await.id);
    for (number, second) in [(3, 1), (1, 2), (4, 0)] {
        given(&store, number, user, now + TimeDelta::seconds(second)).await;
    }
    given(&store, 9, other, now).await;
    let listed = async |at| {
        let devices = read(&store).await.known_devices().list(user, at).await.unwrap();
        devices.into_iter().map(|device| device.digest).collect::<Vec<_>>()
    };
    let digests = |numbers: &[i64]| -> Vec<Digest> {
        numbers.iter().map(|&number| builder::known_device(number, user, now).digest).collect()
    };
    assert_eq!(listed(now).await, digests(&[1, 3, 4]));
    let first_end = builder::known_device(4, user, now).expires_at;
    assert_eq!(listed(first_end - TimeDelta::microseconds(1)).await, digests(&[1, 3, 4]));
    assert_eq!(listed(first_end).await, digests(&[1, 3]));
}

/// `forget` forgets one device and says whether it was there; that it was not is no failure.
pub async fn forget_forgets_one(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let (device, neighbour) = (given(&store, 1, user, now).await, given(&store, 2, user, now).await);
    for was_there in [true, false] {
        assert_eq!(read(&store).await.known_devices().forget(&device.digest).await.unwrap(), was_there);
        assert_eq!(found(&store, &device.digest).await, None);
    }
    assert_eq!(found(&store, &neighbour.digest).await, Some(neighbour));
}

/// Of parallel calls one forgets.
pub async fn parallel_forgetting_happens_once(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let digest = given(&store, 1, user, now).await.digest;
    let forgotten = race(|_| {
        let store = store.clone();
        async move { read(&store).await.known_devices().forget(&digest).await.unwrap() }
    })
    .await;
    assert_eq!(forgotten.into_iter().filter(|&one| one).count(), 1);
}

/// `forget_all` forgets every device of one user, and says how many there were.
pub async fn forget_all_spares_others(store: Subject) {
    let now = builder::noon();
    let (user, other) = (given_user(&store, 1, now).await.id, given_user(&store, 2, now).await.id);
    let own = [given(&store, 1, user, now).await, given(&store, 2, user, now).await];
    let foreign = given(&store, 3, other, now).await;
    for expected in [2, 0] {
        assert_eq!(read(&store).await.known_devices().forget_all(user).await.unwrap(), expected);
    }
    for device in own {
        assert_eq!(found(&store, &device.digest).await, None);
    }
    assert_eq!(found(&store, &foreign.digest).await, Some(foreign));
}

/// What a discarded transaction did to devices did not happen.
pub async fn a_discarded_change_did_not_happen(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let device = given(&store, 1, user, now).await;
    let mut tx = begin(&store).await;
    tx.known_devices().forget_all(user).await.unwrap();
    tx.known_devices().insert(&builder::known_device(2, user, now), ROOM).await.unwrap();
    assert_eq!(tx.known_devices().list(user, now).await.unwrap().len(), 1);
    drop(tx);
    assert_eq!(read(&store).await.known_devices().list(user, now).await.unwrap(), [device]);
}

/// `purge` deletes what expired before the moment, and nothing else.
pub async fn purge_deletes_the_expired(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let old = given(&store, 1, user, now - TimeDelta::days(100)).await;
    let good = given(&store, 2, user, now).await;
    let mut repos = read(&store).await;
    assert_eq!(repos.known_devices().purge(old.expires_at, 10).await.unwrap(), 0, "before means before");
    assert_eq!(repos.known_devices().purge(now, 10).await.unwrap(), 1);
    assert_eq!(found(&store, &old.digest).await, None);
    assert_eq!(found(&store, &good.digest).await, Some(good));
}

/// `purge` deletes no more than asked.
pub async fn purge_respects_its_limit(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    for number in 1..=5 {
        given(&store, number, user, now - TimeDelta::days(100)).await;
    }
    let mut repos = read(&store).await;
    for expected in [2, 2, 1, 0] {
        assert_eq!(repos.known_devices().purge(now, 2).await.unwrap(), expected);
    }
}
