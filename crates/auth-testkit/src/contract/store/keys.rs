//! Duties of `KeyRepo`.

use auth_domain::{
    port::StoreError,
    secret::Sealed,
    token::{JwtAlgorithm, SigningKey},
};
use chrono::TimeDelta;

use super::{Subject, begin, race, read, retried};
use crate::builder;

async fn given_key(store: &Subject, key: &SigningKey) {
    let mut tx = begin(store).await;
    tx.keys().insert(key).await.unwrap();
    tx.commit().await.unwrap();
}

async fn all(store: &Subject) -> Vec<SigningKey> {
    read(store).await.keys().all().await.unwrap()
}

/// `all` lists the keys, oldest first.
pub async fn all_lists_oldest_first(store: Subject) {
    let now = builder::noon();
    assert_eq!(all(&store).await, []);
    for (name, days) in [("b", 2), ("a", 0), ("c", 1)] {
        given_key(&store, &builder::signing_key(name, now + TimeDelta::days(days))).await;
    }
    let names: Vec<String> = all(&store).await.into_iter().map(|key| key.id.to_string()).collect();
    assert_eq!(names, ["a", "c", "b"]);
}

/// Nothing is lost or changed on the way in and out, for every algorithm.
pub async fn every_field_survives(store: Subject) {
    let now = builder::noon();
    let mut keys = Vec::new();
    for (number, algorithm) in (0..).zip(JwtAlgorithm::ALL) {
        let mut key = builder::signing_key(&format!("kid-_{number}"), now + TimeDelta::seconds(number));
        key.algorithm = algorithm;
        key.private = Sealed::from_bytes(vec![0, 255, u8::try_from(number).unwrap()]);
        key.activates_at = key.created_at + TimeDelta::microseconds(600_000_001);
        key.retires_at = (number % 2 == 0).then(|| key.created_at + TimeDelta::days(90));
        given_key(&store, &key).await;
        keys.push(key);
    }
    assert_eq!(all(&store).await, keys);
}

/// A taken id is `Conflict`, and the key that was there stays as it is.
pub async fn a_taken_id_is_a_conflict(store: Subject) {
    let now = builder::noon();
    let key = builder::signing_key("k", now);
    given_key(&store, &key).await;
    let other = builder::signing_key("k", now + TimeDelta::days(1));
    assert!(matches!(read(&store).await.keys().insert(&other).await, Err(StoreError::Conflict)));
    assert_eq!(all(&store).await, [key]);
}

/// `retire` sets when one key stops signing.
pub async fn retire_sets_the_time(store: Subject) {
    let now = builder::noon();
    let mut first = builder::signing_key("1", now);
    let second = builder::signing_key("2", now + TimeDelta::seconds(1));
    given_key(&store, &first).await;
    given_key(&store, &second).await;
    first.retires_at = Some(now + TimeDelta::days(90));
    read(&store).await.keys().retire(&first.id, now + TimeDelta::days(90)).await.unwrap();
    assert_eq!(all(&store).await, [first, second]);
}

/// `delete` removes one key; removing what is not there is no error.
pub async fn delete_removes(store: Subject) {
    let now = builder::noon();
    let first = builder::signing_key("1", now);
    let second = builder::signing_key("2", now + TimeDelta::seconds(1));
    given_key(&store, &first).await;
    given_key(&store, &second).await;
    for _ in 0..2 {
        read(&store).await.keys().delete(&first.id).await.unwrap();
    }
    assert_eq!(all(&store).await, [second]);
}

/// Within a transaction `all` keeps others from adding a key: two replicas do not both make the first.
pub async fn parallel_first_keys_make_one(store: Subject) {
    let now = builder::noon();
    race(|caller| {
        let store = store.clone();
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                if tx.keys().all().await?.is_empty() {
                    tokio::task::yield_now().await;
                    tx.keys().insert(&builder::signing_key(&caller.to_string(), now)).await?;
                }
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    assert_eq!(all(&store).await.len(), 1);
}
