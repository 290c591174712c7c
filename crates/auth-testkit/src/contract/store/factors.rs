//! Duties of `FactorRepo` towards authenticator apps.

use auth_domain::{
    factor::TimeStep,
    id::UserId,
    port::{PendingTotp, StoreError, StoredTotp},
    user::User,
};
use chrono::TimeDelta;

use super::{CALLERS, Subject, begin, given_user, race, read, retried};
use crate::builder;

async fn stored(store: &Subject, user: UserId) -> StoredTotp {
    read(store).await.factors().totp(user).await.unwrap()
}

async fn given_pending(store: &Subject, user: UserId, number: u32) -> PendingTotp {
    let pending = builder::pending_totp(number, builder::noon());
    read(store).await.factors().put_pending_totp(user, &pending).await.unwrap();
    pending
}

/// Stores account 1 with an app at work whose last code was of `step`.
async fn given_app(store: &Subject, step: i64) -> (User, StoredTotp) {
    let user = given_user(store, 1, builder::noon()).await;
    let pending = given_pending(store, user.id, 1).await;
    let step = TimeStep::from_i64(step);
    assert!(read(store).await.factors().activate_totp(user.id, &pending, step).await.unwrap());
    (user, StoredTotp { secret: Some(pending.secret), last_step: Some(step), pending: None })
}

async fn advance(store: &Subject, user: UserId, step: i64) -> bool {
    read(store).await.factors().advance_step(user, TimeStep::from_i64(step)).await.unwrap()
}

/// Advances in a transaction of its own.
async fn advance_in_a_transaction(store: &Subject, user: UserId, step: i64) -> bool {
    retried(|| async {
        let mut tx = store.begin().await?;
        let advanced = tx.factors().advance_step(user, TimeStep::from_i64(step)).await?;
        tx.commit().await?;
        Ok(advanced)
    })
    .await
}

/// An account without an app has nothing stored, nor does one that does not exist.
pub async fn nothing_is_stored_at_first(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await;
    assert_eq!(stored(&store, user.id).await, StoredTotp::default());
    assert_eq!(stored(&store, UserId::from_i64(404)).await, StoredTotp::default());
}

/// A secret that waits is kept byte by byte, and seen within the transaction that put it.
pub async fn put_pending_then_totp(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await;
    let pending = PendingTotp {
        secret: auth_domain::secret::Sealed::from_bytes((0..=255).collect()),
        since: builder::noon() + TimeDelta::microseconds(1),
    };
    let expected = StoredTotp { pending: Some(pending.clone()), ..StoredTotp::default() };
    let mut tx = begin(&store).await;
    tx.factors().put_pending_totp(user.id, &pending).await.unwrap();
    assert_eq!(tx.factors().totp(user.id).await.unwrap(), expected);
    tx.commit().await.unwrap();
    assert_eq!(stored(&store, user.id).await, expected);
}

/// The newest secret waits, and the one before cannot be put to work any more.
pub async fn put_pending_replaces_the_one_before(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await;
    let old = given_pending(&store, user.id, 1).await;
    let new = given_pending(&store, user.id, 2).await;
    assert_eq!(stored(&store, user.id).await.pending, Some(new.clone()));
    let mut repos = read(&store).await;
    let step = TimeStep::from_i64(7);
    assert!(!repos.factors().activate_totp(user.id, &old, step).await.unwrap());
    assert!(repos.factors().activate_totp(user.id, &new, step).await.unwrap());
}

/// An app goes on working while another one is set up.
pub async fn put_pending_leaves_the_app_at_work_as_it_is(store: Subject) {
    let (user, at_work) = given_app(&store, 100).await;
    let pending = given_pending(&store, user.id, 2).await;
    assert_eq!(
        stored(&store, user.id).await,
        StoredTotp { pending: Some(pending.clone()), ..at_work.clone() }
    );
    assert!(!advance(&store, user.id, 100).await);
    assert!(advance(&store, user.id, 101).await);
    let later = Some(TimeStep::from_i64(101));
    let expected = StoredTotp { pending: Some(pending), last_step: later, ..at_work };
    assert_eq!(stored(&store, user.id).await, expected);
}

/// What waited works, with the step of its first code.
pub async fn activate_puts_the_waiting_secret_to_work(store: Subject) {
    let (user, expected) = given_app(&store, 100).await;
    assert_eq!(stored(&store, user.id).await, expected);
    assert!(!advance(&store, user.id, 100).await, "the first code is used");
    assert!(advance(&store, user.id, 101).await);
}

/// It takes the place of the app before, and the steps of that one are forgotten.
pub async fn activate_replaces_the_app_before(store: Subject) {
    let (user, _) = given_app(&store, 100).await;
    let pending = given_pending(&store, user.id, 2).await;
    let step = TimeStep::from_i64(50);
    assert!(read(&store).await.factors().activate_totp(user.id, &pending, step).await.unwrap());
    let expected = StoredTotp { secret: Some(pending.secret), last_step: Some(step), pending: None };
    assert_eq!(stored(&store, user.id).await, expected);
}

/// Without exactly that secret waiting nothing changes.
pub async fn activate_needs_what_waits(store: Subject) {
    let (user, _) = given_app(&store, 100).await;
    let other = given_user(&store, 2, builder::noon()).await;
    let pending = given_pending(&store, user.id, 2).await;
    let before = stored(&store, user.id).await;
    let shown_later = PendingTotp { since: pending.since + TimeDelta::microseconds(1), ..pending.clone() };
    let another = builder::pending_totp(3, builder::noon());
    let step = TimeStep::from_i64(200);
    let mut repos = read(&store).await;
    for (user, pending) in [
        (user.id, &shown_later),
        (user.id, &another),
        (other.id, &pending),
        (UserId::from_i64(404), &pending),
    ] {
        assert!(!repos.factors().activate_totp(user, pending, step).await.unwrap(), "{pending:?}");
    }
    assert_eq!(stored(&store, user.id).await, before);
    assert_eq!(stored(&store, other.id).await, StoredTotp::default());
}

/// Of any number of parallel calls one puts the secret to work, and the step is its own.
pub async fn parallel_activations_have_one_winner(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await.id;
    let pending = given_pending(&store, user, 1).await;
    let outcomes = race(|caller| {
        let (store, pending, step) = (store.clone(), pending.clone(), TimeStep::from_i64(caller.into()));
        async move {
            let activated = retried(|| async {
                let mut tx = store.begin().await?;
                let activated = tx.factors().activate_totp(user, &pending, step).await?;
                tx.commit().await?;
                Ok(activated)
            });
            (step, activated.await)
        }
    })
    .await;
    let winners: Vec<TimeStep> = outcomes.iter().filter(|(_, won)| *won).map(|(step, _)| *step).collect();
    assert_eq!(winners.len(), 1);
    let expected = StoredTotp { secret: Some(pending.secret), last_step: Some(winners[0]), pending: None };
    assert_eq!(stored(&store, user).await, expected);
}

/// A secret whose code was not checked is never put to work, whoever sets it up meanwhile.
pub async fn activation_racing_with_a_setup_takes_the_proved_secret(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await.id;
    let proved = given_pending(&store, user, 0).await;
    let outcomes = race(|caller| {
        let (store, proved) = (store.clone(), proved.clone());
        async move {
            let mut repos = read(&store).await;
            if caller % 2 == 0 {
                let other = builder::pending_totp(caller + 1, builder::noon());
                repos.factors().put_pending_totp(user, &other).await.unwrap();
                return false;
            }
            repos.factors().activate_totp(user, &proved, TimeStep::from_i64(7)).await.unwrap()
        }
    })
    .await;
    let winners = outcomes.into_iter().filter(|won| *won).count();
    assert!(winners <= 1, "{winners}");
    let stored = stored(&store, user).await;
    assert_eq!(stored.secret, (winners == 1).then_some(proved.secret));
    assert!(stored.pending.is_some(), "the setups that came later wait");
}

/// Each step is accepted once, and with it all before it.
pub async fn advance_step_happens_once(store: Subject) {
    let (user, _) = given_app(&store, 100).await;
    let mut tx = begin(&store).await;
    for (step, accepted) in [(99, false), (100, false), (101, true), (101, false), (100, false), (105, true)]
    {
        let step = TimeStep::from_i64(step);
        assert_eq!(tx.factors().advance_step(user.id, step).await.unwrap(), accepted, "{step:?}");
    }
    tx.commit().await.unwrap();
    assert!(!advance(&store, user.id, 105).await);
    assert_eq!(stored(&store, user.id).await.last_step, Some(TimeStep::from_i64(105)));
}

/// Without an app at work no code is accepted, also while one waits.
pub async fn advance_step_needs_an_app_at_work(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await;
    assert!(!advance(&store, user.id, 100).await);
    let pending = given_pending(&store, user.id, 1).await;
    assert!(!advance(&store, user.id, 100).await);
    let expected = StoredTotp { pending: Some(pending), ..StoredTotp::default() };
    assert_eq!(stored(&store, user.id).await, expected);
}

/// Of any number of parallel calls with one step exactly one is told so, in transactions or not.
pub async fn parallel_advances_have_one_winner(store: Subject) {
    let (user, _) = given_app(&store, 100).await;
    let outcomes = race(|caller| {
        let (store, user) = (store.clone(), user.id);
        async move {
            if caller % 2 == 0 {
                advance(&store, user, 101).await
            } else {
                advance_in_a_transaction(&store, user, 101).await
            }
        }
    })
    .await;
    assert_eq!(outcomes.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(stored(&store, user.id).await.last_step, Some(TimeStep::from_i64(101)));
}

/// Parallel calls with several steps leave the latest, which none of them loses.
pub async fn parallel_advances_never_go_back(store: Subject) {
    let (user, _) = given_app(&store, 100).await;
    let outcomes = race(|caller| {
        let (store, user, step) = (store.clone(), user.id, 101 + i64::from(caller % 5));
        async move { (step, advance_in_a_transaction(&store, user, step).await) }
    })
    .await;
    for step in 101..=105 {
        let winners = outcomes.iter().filter(|outcome| **outcome == (step, true)).count();
        assert!(winners <= 1, "{step}: {winners}");
    }
    assert!(outcomes.contains(&(105, true)), "{CALLERS} callers");
    assert_eq!(stored(&store, user.id).await.last_step, Some(TimeStep::from_i64(105)));
}

/// What a transaction that was discarded did with an app did not happen.
pub async fn a_discarded_change_did_not_happen(store: Subject) {
    let (user, at_work) = given_app(&store, 100).await;
    let pending = given_pending(&store, user.id, 2).await;
    let mut tx = begin(&store).await;
    assert!(tx.factors().advance_step(user.id, TimeStep::from_i64(101)).await.unwrap());
    assert!(tx.factors().activate_totp(user.id, &pending, TimeStep::from_i64(101)).await.unwrap());
    tx.factors().remove_totp(user.id).await.unwrap();
    assert_eq!(tx.factors().totp(user.id).await.unwrap(), StoredTotp::default());
    drop(tx);
    assert_eq!(stored(&store, user.id).await, StoredTotp { pending: Some(pending), ..at_work });
}

/// `remove_totp` forgets both secrets of one account, and may find none.
pub async fn remove_totp_forgets_both(store: Subject) {
    let (user, _) = given_app(&store, 100).await;
    let other = given_user(&store, 2, builder::noon()).await;
    given_pending(&store, user.id, 2).await;
    let foreign = given_pending(&store, other.id, 3).await;
    let mut repos = read(&store).await;
    for _ in 0..2 {
        repos.factors().remove_totp(user.id).await.unwrap();
        assert_eq!(repos.factors().totp(user.id).await.unwrap(), StoredTotp::default());
    }
    assert!(!advance(&store, user.id, 200).await);
    assert_eq!(stored(&store, other.id).await.pending, Some(foreign));
}

/// Nothing is kept for an account that does not exist.
pub async fn an_app_without_account_is_refused(store: Subject) {
    let pending = builder::pending_totp(1, builder::noon());
    let outcome = read(&store).await.factors().put_pending_totp(UserId::from_i64(404), &pending).await;
    assert!(matches!(outcome, Err(StoreError::Internal(_))), "{outcome:?}");
}
