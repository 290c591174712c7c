//! Duties of `FactorRepo` towards recovery codes.

use auth_domain::{id::UserId, secret::Digest};

use super::{CALLERS, Subject, begin, given_user, race, read, retried};
use crate::builder;

/// Ten codes, as an account gets them; `set` makes them unlike others.
fn codes(set: u32) -> Vec<Digest> {
    (0..10).map(|number| builder::recovery_code(100 * set + number)).collect()
}

async fn given_codes(store: &Subject, user: UserId, set: u32) -> Vec<Digest> {
    let codes = codes(set);
    read(store).await.factors().replace_recovery_codes(user, &codes, builder::noon()).await.unwrap();
    codes
}

async fn consume(store: &Subject, user: UserId, code: &Digest) -> bool {
    read(store).await.factors().consume_recovery_code(user, code, builder::noon()).await.unwrap()
}

async fn left(store: &Subject, user: UserId) -> u32 {
    read(store).await.factors().recovery_codes_left(user).await.unwrap()
}

/// Each code works once, and there is one less left.
pub async fn a_code_works_once(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await.id;
    assert_eq!(left(&store, user).await, 0);
    let codes = given_codes(&store, user, 1).await;
    for (code, expected) in codes.iter().zip((0..10).rev()) {
        assert!(consume(&store, user, code).await);
        assert!(!consume(&store, user, code).await);
        assert_eq!(left(&store, user).await, expected);
    }
}

/// Within a transaction a code is used up at once.
pub async fn a_code_works_once_within_a_transaction(store: Subject) {
    let (now, user) = (builder::noon(), given_user(&store, 1, builder::noon()).await.id);
    let codes = codes(1);
    let mut tx = begin(&store).await;
    tx.factors().replace_recovery_codes(user, &codes, now).await.unwrap();
    assert_eq!(tx.factors().recovery_codes_left(user).await.unwrap(), 10);
    assert!(tx.factors().consume_recovery_code(user, &codes[3], now).await.unwrap());
    assert!(!tx.factors().consume_recovery_code(user, &codes[3], now).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!consume(&store, user, &codes[3]).await);
    assert_eq!(left(&store, user).await, 9);
}

/// Of any number of parallel calls with one code exactly one is told so, in transactions or not.
pub async fn parallel_consumption_happens_once(store: Subject) {
    let (now, user) = (builder::noon(), given_user(&store, 1, builder::noon()).await.id);
    let code = given_codes(&store, user, 1).await[0];
    let outcomes = race(|caller| {
        let store = store.clone();
        async move {
            if caller % 2 == 0 {
                return consume(&store, user, &code).await;
            }
            retried(|| async {
                let mut tx = store.begin().await?;
                let accepted = tx.factors().consume_recovery_code(user, &code, now).await?;
                tx.commit().await?;
                Ok(accepted)
            })
            .await
        }
    })
    .await;
    assert_eq!(outcomes.into_iter().filter(|accepted| *accepted).count(), 1);
    assert_eq!(left(&store, user).await, 9);
}

/// New codes take the place of all before, used or not; without new ones there are none.
pub async fn replace_removes_the_codes_before(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await.id;
    let old = given_codes(&store, user, 1).await;
    assert!(consume(&store, user, &old[0]).await);
    let new = given_codes(&store, user, 2).await;
    assert_eq!(left(&store, user).await, 10);
    for code in &old {
        assert!(!consume(&store, user, code).await);
    }
    assert!(consume(&store, user, &new[9]).await);
    read(&store).await.factors().replace_recovery_codes(user, &[], builder::noon()).await.unwrap();
    assert_eq!(left(&store, user).await, 0);
    assert!(!consume(&store, user, &new[0]).await);
}

/// Parallel replacements leave the codes of one of them.
pub async fn parallel_replacements_leave_one_set(store: Subject) {
    let (now, user) = (builder::noon(), given_user(&store, 1, builder::noon()).await.id);
    given_codes(&store, user, CALLERS).await;
    race(|caller| {
        let (store, codes) = (store.clone(), codes(caller));
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                tx.factors().replace_recovery_codes(user, &codes, now).await?;
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    assert_eq!(left(&store, user).await, 10);
    let mut whole = Vec::new();
    for caller in 0..CALLERS {
        let mut working = 0;
        for code in codes(caller) {
            working += u32::from(consume(&store, user, &code).await);
        }
        whole.extend((working > 0).then_some(working));
    }
    assert_eq!(whole, [10], "all of one set, and none of another");
}

/// Unknown codes are refused, and those of others, which go on working for their owner.
pub async fn unknown_codes_and_those_of_others_are_refused(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await.id;
    let other = given_user(&store, 2, builder::noon()).await.id;
    let (own, foreign) = (given_codes(&store, user, 1).await, given_codes(&store, other, 2).await);
    assert!(!consume(&store, user, &foreign[0]).await);
    assert!(!consume(&store, user, &builder::recovery_code(404)).await);
    assert!(!consume(&store, UserId::from_i64(404), &own[0]).await);
    assert_eq!((left(&store, user).await, left(&store, other).await), (10, 10));
    read(&store).await.factors().replace_recovery_codes(user, &[], builder::noon()).await.unwrap();
    assert!(consume(&store, other, &foreign[0]).await);
}

/// A code used in a transaction that was discarded is unused, and codes it replaced still work.
pub async fn a_discarded_use_did_not_happen(store: Subject) {
    let (now, user) = (builder::noon(), given_user(&store, 1, builder::noon()).await.id);
    let codes = given_codes(&store, user, 1).await;
    let mut tx = begin(&store).await;
    assert!(tx.factors().consume_recovery_code(user, &codes[0], now).await.unwrap());
    tx.factors().replace_recovery_codes(user, &[], now).await.unwrap();
    assert_eq!(tx.factors().recovery_codes_left(user).await.unwrap(), 0);
    drop(tx);
    assert_eq!(left(&store, user).await, 10);
    assert!(consume(&store, user, &codes[0]).await);
}
