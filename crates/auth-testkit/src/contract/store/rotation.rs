//! Duties of `SessionRepo` towards the chains of refresh tokens.

use auth_domain::{
    audit::AuditEvent,
    id::SessionId,
    secret::Digest,
    session::{
        EndReason,
        rotation::{Presented, Verdict, judge},
    },
    user::UserStatus,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, given_session, given_user, race, read, retried};
use crate::builder;

async fn given_chain(store: &Subject, now: DateTime<Utc>) -> SessionId {
    let user = given_user(store, 1, now).await;
    given_session(store, 1, &user, now).await.id
}

async fn presented(store: &Subject, token: &Digest) -> Option<Presented> {
    read(store).await.sessions().presented(token).await.unwrap()
}

/// A presented token comes with its session and, once it is spent, its successor.
pub async fn presented_shows_the_chain(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let session = given_session(&store, 1, &user, now).await;
    let tokens: Vec<_> = (0..3).map(|number| builder::generation(session.id, number, now)).collect();
    let mut tx = begin(&store).await;
    for next in &tokens[1..] {
        assert!(tx.sessions().rotate(session.id, next).await.unwrap());
    }
    tx.commit().await.unwrap();
    for (number, token) in tokens.iter().enumerate() {
        let expected = Presented {
            session: session.clone(),
            token: token.clone(),
            successor: tokens.get(number + 1).cloned(),
        };
        assert_eq!(presented(&store, &token.digest).await, Some(expected));
    }
}

/// A token nobody made is `None`.
pub async fn an_unknown_token_is_none(store: Subject) {
    given_chain(&store, builder::noon()).await;
    assert_eq!(presented(&store, &Digest::of(b"unknown")).await, None);
}

/// `rotate` appends to the chain and sets the session's last use.
pub async fn rotate_appends_and_sets_the_last_use(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let next = builder::generation(id, 1, now + TimeDelta::minutes(1));
    assert!(read(&store).await.sessions().rotate(id, &next).await.unwrap());
    let seen = presented(&store, &next.digest).await.unwrap();
    assert_eq!((seen.token, seen.successor), (next.clone(), None));
    assert_eq!(seen.session.last_used_at, next.minted_at);
}

/// A place in the chain is taken once; who comes second changes nothing.
pub async fn a_place_is_taken_once(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let first = builder::generation_of(id, 1, 1, now);
    let second = builder::generation_of(id, 1, 2, now + TimeDelta::minutes(1));
    let mut repos = read(&store).await;
    assert!(repos.sessions().rotate(id, &first).await.unwrap());
    assert!(!repos.sessions().rotate(id, &second).await.unwrap());
    assert_eq!(presented(&store, &second.digest).await, None);
    let spent = presented(&store, &builder::generation(id, 0, now).digest).await.unwrap();
    assert_eq!(spent.successor, Some(first));
    assert_eq!(spent.session.last_used_at, now);
}

/// `false` leaves the transaction usable.
pub async fn a_lost_race_leaves_the_transaction_usable(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let first = builder::generation_of(id, 1, 1, now);
    let second = builder::generation_of(id, 1, 2, now);
    let mut tx = begin(&store).await;
    assert!(tx.sessions().rotate(id, &first).await.unwrap());
    assert!(!tx.sessions().rotate(id, &second).await.unwrap());
    tx.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(presented(&store, &first.digest).await.is_some());
    assert_eq!(read(&store).await.outbox().depth().await.unwrap(), 1);
}

async fn assert_one_winner(store: &Subject, id: SessionId, outcomes: &[(u32, bool)], now: DateTime<Utc>) {
    let winners: Vec<u32> = outcomes.iter().filter(|(_, won)| *won).map(|(caller, _)| *caller).collect();
    assert_eq!(winners.len(), 1);
    for caller in 0..CALLERS {
        let token = builder::generation_of(id, 1, caller, now);
        assert_eq!(presented(store, &token.digest).await.is_some(), winners == [caller]);
    }
}

/// Of parallel calls with the same number exactly one returns `true`, and its token is the one kept.
pub async fn parallel_rotations_have_one_winner(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let outcomes = race(|caller| {
        let store = store.clone();
        async move {
            let next = builder::generation_of(id, 1, caller, now);
            (caller, read(&store).await.sessions().rotate(id, &next).await.unwrap())
        }
    })
    .await;
    assert_one_winner(&store, id, &outcomes, now).await;
}

/// The same inside transactions that look before they rotate.
pub async fn parallel_rotations_in_transactions_have_one_winner(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let outcomes = race(|caller| {
        let store = store.clone();
        async move {
            let next = builder::generation_of(id, 1, caller, now);
            let first = builder::generation(id, 0, now).digest;
            let won = retried(|| async {
                let mut tx = store.begin().await?;
                tx.sessions().presented(&first).await?.expect("it was inserted");
                let won = tx.sessions().rotate(id, &next).await?;
                tx.commit().await?;
                Ok(won)
            })
            .await;
            (caller, won)
        }
    })
    .await;
    assert_one_winner(&store, id, &outcomes, now).await;
}

/// None returns `true` once the session has ended.
pub async fn an_ended_session_never_rotates(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let next = builder::generation(id, 1, now + TimeDelta::minutes(1));
    let mut tx = begin(&store).await;
    tx.sessions().end(id, builder::ended(EndReason::Logout, now)).await.unwrap();
    assert!(!tx.sessions().rotate(id, &next).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!read(&store).await.sessions().rotate(id, &next).await.unwrap());
    assert_eq!(presented(&store, &next.digest).await, None);
    let seen = presented(&store, &builder::generation(id, 0, now).digest).await.unwrap();
    assert_eq!(seen.session.last_used_at, now);
}

/// A session that does not exist rotates no more than one that ended.
pub async fn an_unknown_session_never_rotates(store: Subject) {
    let now = builder::noon();
    let id = SessionId::from_i64(404);
    let mut tx = begin(&store).await;
    assert!(!tx.sessions().rotate(id, &builder::generation(id, 1, now)).await.unwrap());
    tx.commit().await.unwrap();
}

/// Rotation and end at one moment: whoever is first, the session has ended afterwards, and the token
/// that may have been made just before is dead.
pub async fn rotation_racing_with_the_end_leaves_the_session_ended(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    for round in 1..=10 {
        let id = given_session(&store, round, &user, now).await.id;
        let ended = builder::ended(EndReason::Revoked, now);
        let outcomes = race(|caller| {
            let store = store.clone();
            async move {
                let mut repos = read(&store).await;
                if caller % 5 == 0 {
                    repos.sessions().end(id, ended).await.unwrap();
                    (0, false)
                } else {
                    let next = builder::generation_of(id, 1, caller, now);
                    (caller, repos.sessions().rotate(id, &next).await.unwrap())
                }
            }
        })
        .await;
        assert!(outcomes.iter().filter(|(_, won)| *won).count() <= 1);
        for (caller, won) in outcomes.into_iter().filter(|(caller, _)| *caller > 0) {
            let seen = presented(&store, &builder::generation_of(id, 1, caller, now).digest).await;
            assert_eq!(seen.is_some(), won);
            if let Some(seen) = seen {
                assert_eq!(seen.session.ended, Some(ended));
                assert_eq!(judge(&seen, now, TimeDelta::seconds(10)), Verdict::Dead);
            }
        }
        for number in [1, 2] {
            let late = builder::generation_of(id, number, CALLERS, now);
            assert!(!read(&store).await.sessions().rotate(id, &late).await.unwrap());
        }
    }
}

/// A rotation that meets an end under way waits for it, and then does not happen.
pub async fn rotation_waits_for_an_end_under_way(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let next = builder::generation(id, 1, now);
    let mut tx = begin(&store).await;
    assert!(tx.sessions().end(id, builder::ended(EndReason::Logout, now)).await.unwrap());
    let rotating = tokio::spawn({
        let (store, next) = (store.clone(), next.clone());
        async move { read(&store).await.sessions().rotate(id, &next).await.unwrap() }
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    tx.commit().await.unwrap();
    assert!(!rotating.await.expect("it waits"));
    assert_eq!(presented(&store, &next.digest).await, None);
}

/// A long-lived session keeps its whole chain.
pub async fn a_chain_survives_many_rotations(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let mut tx = begin(&store).await;
    for number in 1..=500 {
        assert!(tx.sessions().rotate(id, &builder::generation(id, number, now)).await.unwrap());
    }
    tx.commit().await.unwrap();
    let middle = presented(&store, &builder::generation(id, 250, now).digest).await.unwrap();
    assert_eq!(middle.successor.unwrap().number, 251);
    let last = presented(&store, &builder::generation(id, 500, now).digest).await.unwrap();
    assert_eq!(last.successor, None);
}

/// `rotate_with_user` gives the account of the session, whatever its state: judging it is for the
/// domain.
pub async fn rotate_with_user_gives_the_account(store: Subject) {
    let now = builder::noon();
    let mut user = given_user(&store, 1, now).await;
    let id = given_session(&store, 1, &user, now).await.id;
    let mut tx = begin(&store).await;
    user.status = UserStatus::Suspended;
    tx.users().save(&user).await.unwrap().unwrap();
    let next = builder::generation(id, 1, now);
    assert_eq!(tx.sessions().rotate_with_user(id, &next).await.unwrap(), Some(user));
    assert_eq!(tx.sessions().rotate_with_user(id, &next).await.unwrap(), None, "the place is taken");
    let nobody = SessionId::from_i64(404);
    assert_eq!(tx.sessions().rotate_with_user(nobody, &next).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert!(presented(&store, &next.digest).await.is_some());
}

/// Of parallel calls with the same number exactly one gets the account.
pub async fn parallel_rotations_with_user_have_one_winner(store: Subject) {
    let now = builder::noon();
    let id = given_chain(&store, now).await;
    let outcomes = race(|caller| {
        let store = store.clone();
        async move {
            let next = builder::generation_of(id, 1, caller, now);
            let won = retried(|| async {
                let mut tx = store.begin().await?;
                let user = tx.sessions().rotate_with_user(id, &next).await?;
                tx.audit().append(&builder::audit(AuditEvent::RefreshOk, now)).await?;
                tx.commit().await?;
                Ok(user.is_some())
            })
            .await;
            (caller, won)
        }
    })
    .await;
    assert_one_winner(&store, id, &outcomes, now).await;
}
