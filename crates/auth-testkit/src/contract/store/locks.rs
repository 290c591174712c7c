//! Duties of `LockRepo`.

use auth_domain::guard::lockout::{LockPolicy, LockState, OldLocks, reserve_attempt};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, given_user, race, read, retried};
use crate::builder;

async fn remembered(store: &Subject, number: u8) -> Option<LockState> {
    let mut tx = begin(store).await;
    let state = tx.locks().lock(&builder::lock_key(number)).await.unwrap();
    tx.rollback().await.unwrap();
    state
}

async fn given_lock(store: &Subject, number: u8, state: LockState) {
    let mut tx = begin(store).await;
    tx.locks().put(&builder::lock_key(number), &state).await.unwrap();
    tx.commit().await.unwrap();
}

/// `states` leaves out what it was not asked for, and what nothing is remembered about.
pub async fn states_gives_what_is_remembered(store: Subject) {
    let now = builder::noon();
    for number in [1, 2, 3] {
        given_lock(&store, number, builder::lock_state(number.into(), now)).await;
    }
    let keys = [3, 9, 1].map(builder::lock_key);
    let mut states = read(&store).await.locks().states(&keys).await.unwrap();
    states.sort_by_key(|(_, state)| state.failures);
    let expected = [1, 3].map(|number| (builder::lock_key(number), builder::lock_state(number.into(), now)));
    assert_eq!(states, expected);
    assert_eq!(read(&store).await.locks().states(&[]).await.unwrap(), []);
}

/// What was remembered comes back, with every field.
pub async fn put_then_lock(store: Subject) {
    let now = builder::noon();
    let free = builder::lock_state(3, now);
    let locked = LockState {
        failures: u32::MAX,
        locked_until: Some(now + TimeDelta::microseconds(1)),
        last_attempt_at: now - TimeDelta::microseconds(1),
    };
    given_lock(&store, 1, free).await;
    given_lock(&store, 2, locked).await;
    assert_eq!(remembered(&store, 1).await, Some(free));
    assert_eq!(remembered(&store, 2).await, Some(locked));
}

/// A second `put` replaces the first, also with nothing.
pub async fn put_replaces(store: Subject) {
    let now = builder::noon();
    let mut state = builder::lock_state(5, now);
    state.locked_until = Some(now);
    given_lock(&store, 1, state).await;
    let later = builder::lock_state(6, now + TimeDelta::minutes(1));
    given_lock(&store, 1, later).await;
    assert_eq!(remembered(&store, 1).await, Some(later));
}

/// An identifier without a failure is `None`.
pub async fn nothing_is_remembered_at_first(store: Subject) {
    assert_eq!(remembered(&store, 1).await, None);
}

/// `clear` forgets; clearing what is not there is no error.
pub async fn clear_forgets(store: Subject) {
    given_lock(&store, 1, builder::lock_state(5, builder::noon())).await;
    for _ in 0..2 {
        let mut tx = begin(&store).await;
        tx.locks().clear(&builder::lock_key(1)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(remembered(&store, 1).await, None);
    }
}

/// Parallel attempts are all counted, beginning with none: what `lock` gave does not change before the
/// transaction ends, even if nothing was remembered.
pub async fn no_increment_is_lost(store: Subject) {
    let now = builder::noon();
    let policy = LockPolicy { threshold: CALLERS + 1, ..LockPolicy::default() };
    race(|_| {
        let store = store.clone();
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                let state = tx.locks().lock(&builder::lock_key(1)).await?;
                tokio::task::yield_now().await;
                let counted = reserve_attempt(state, now, &policy).expect("the threshold is far");
                tx.locks().put(&builder::lock_key(1), &counted).await?;
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    assert_eq!(remembered(&store, 1).await, Some(builder::lock_state(CALLERS, now)));
}

/// `clear` waits for whoever looked and has not put yet: what it forgets is what was there, and no
/// attempt survives it half-counted.
pub async fn no_increment_is_lost_next_to_clear(store: Subject) {
    let now = builder::noon();
    let policy = LockPolicy { threshold: CALLERS + 1, ..LockPolicy::default() };
    given_lock(&store, 1, builder::lock_state(7, now)).await;
    let mut tx = begin(&store).await;
    let state = tx.locks().lock(&builder::lock_key(1)).await.unwrap();
    let clearing = tokio::spawn({
        let store = store.clone();
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                tx.locks().clear(&builder::lock_key(1)).await?;
                tx.commit().await
            })
            .await;
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let counted = reserve_attempt(state, now, &policy).expect("the threshold is far");
    tx.locks().put(&builder::lock_key(1), &counted).await.unwrap();
    tx.commit().await.unwrap();
    clearing.await.expect("it clears");
    assert_eq!(remembered(&store, 1).await, None);
}

/// The state comes with the account of an address, each if there is one.
pub async fn lock_with_account_gives_both(store: Subject) {
    let now = builder::noon();
    let (user, state) = (given_user(&store, 1, now).await, builder::lock_state(3, now));
    given_lock(&store, 1, state).await;
    let mut tx = begin(&store).await;
    for (number, remembered) in [(1, Some(state)), (2, None)] {
        for (email, account) in
            [(user.email.clone(), Some(user.clone())), (builder::email("nobody@example.com"), None)]
        {
            let key = builder::lock_key(number);
            let both = tx.locks().lock_with_account(&key, &user.tenant, &email).await.unwrap();
            assert_eq!(both, (remembered, account));
        }
    }
    tx.commit().await.unwrap();
}

/// It locks as `lock` does.
pub async fn lock_with_account_locks(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let policy = LockPolicy { threshold: CALLERS + 1, ..LockPolicy::default() };
    race(|_| {
        let (store, user) = (store.clone(), user.clone());
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                let key = builder::lock_key(1);
                let (state, _) = tx.locks().lock_with_account(&key, &user.tenant, &user.email).await?;
                tokio::task::yield_now().await;
                let counted = reserve_attempt(state, now, &policy).expect("the threshold is far");
                tx.locks().put(&key, &counted).await?;
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    assert_eq!(remembered(&store, 1).await, Some(builder::lock_state(CALLERS, now)));
}

/// One identifier's failures are not another's.
pub async fn keys_are_independent(store: Subject) {
    let now = builder::noon();
    given_lock(&store, 1, builder::lock_state(1, now)).await;
    given_lock(&store, 2, builder::lock_state(2, now)).await;
    let mut tx = begin(&store).await;
    tx.locks().clear(&builder::lock_key(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(remembered(&store, 2).await, Some(builder::lock_state(2, now)));
}

/// `clear_from` forgets what counts at least so many failures, and nothing else.
pub async fn clear_from_spares_lower_counts(store: Subject) {
    let now = builder::noon();
    for (number, failures, left) in [(1, 99, true), (2, 100, false), (3, 101, false)] {
        given_lock(&store, number, builder::lock_state(failures, now)).await;
        let mut tx = begin(&store).await;
        tx.locks().clear_from(&builder::lock_key(number), 100).await.unwrap();
        tx.locks().clear_from(&builder::lock_key(9), 100).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(remembered(&store, number).await.is_some(), left, "{failures}");
    }
}

/// Old at that moment, whatever the number of failures.
fn before(moment: DateTime<Utc>) -> OldLocks {
    OldLocks { before: moment, closed_at: 100, closed_before: moment }
}

/// `purge` forgets what had no attempt since the moment.
pub async fn purge_forgets_the_old(store: Subject) {
    let now = builder::noon();
    given_lock(&store, 1, builder::lock_state(1, now - TimeDelta::microseconds(1))).await;
    given_lock(&store, 2, builder::lock_state(2, now)).await;
    assert_eq!(read(&store).await.locks().purge(before(now), 10).await.unwrap(), 1);
    assert_eq!(remembered(&store, 1).await, None);
    assert!(remembered(&store, 2).await.is_some());
}

/// `purge` keeps those with many failures until a moment of their own.
pub async fn purge_spares_the_closed_for_longer(store: Subject) {
    let now = builder::noon();
    let old = OldLocks { before: now, closed_at: 100, closed_before: now - TimeDelta::days(30) };
    let ages = [(1, 99, 1), (2, 100, 1), (3, 250, 30), (4, 250, 31), (5, 99, 0)];
    for (number, failures, days) in ages {
        given_lock(&store, number, builder::lock_state(failures, now - TimeDelta::days(days))).await;
    }
    // Those that stay do not use the limit up.
    assert_eq!(read(&store).await.locks().purge(old, 2).await.unwrap(), 2);
    assert_eq!(read(&store).await.locks().purge(old, 2).await.unwrap(), 0);
    for (number, left) in [(1, false), (2, true), (3, true), (4, false), (5, true)] {
        assert_eq!(remembered(&store, number).await.is_some(), left, "{number}");
    }
}

/// `purge` deletes no more than asked.
pub async fn purge_respects_its_limit(store: Subject) {
    let now = builder::noon();
    for number in 1..=3 {
        given_lock(&store, number, builder::lock_state(1, now)).await;
    }
    let later = now + TimeDelta::days(1);
    for expected in [2, 1, 0] {
        assert_eq!(read(&store).await.locks().purge(before(later), 2).await.unwrap(), expected);
    }
}
