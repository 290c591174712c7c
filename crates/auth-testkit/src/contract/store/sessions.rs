//! Duties of `SessionRepo` towards sessions; those towards their tokens are in `rotation`.

use std::net::Ipv6Addr;

use auth_domain::{
    client::{Client, UserAgent},
    id::SessionId,
    port::StoreError,
    session::{Authentication, EndReason, Session},
    token::AuthMethod,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Subject, at_the_latest_from_commit, begin, given_session, given_user, race, read};
use crate::builder;

async fn found(store: &Subject, id: SessionId) -> Option<Session> {
    read(store).await.sessions().with_user(id).await.unwrap().map(|(session, _)| session)
}

async fn live(store: &Subject, now: DateTime<Utc>) -> Vec<i64> {
    let user = builder::user(1, now).id;
    let live = read(store).await.sessions().live_of(user, now).await.unwrap();
    live.into_iter().map(|session| session.id.as_i64()).collect()
}

/// A session comes with its account in one call.
pub async fn insert_then_find_with_user(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let other = given_user(&store, 2, now).await;
    let session = given_session(&store, 1, &user, now).await;
    given_session(&store, 2, &other, now).await;
    let both = read(&store).await.sessions().with_user(session.id).await.unwrap();
    assert_eq!(both, Some((session, user)));
}

/// Nothing is lost or changed on the way in and out, for every reason of an end.
pub async fn every_field_survives(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let mut session = builder::session(1, &user, now);
    session.authentication.at = now - TimeDelta::microseconds(7);
    session.authentication.second_factor_at = Some(now - TimeDelta::microseconds(3));
    session.last_used_at = now + TimeDelta::microseconds(1);
    let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let client = Client { ip: Some(ip.into()), user_agent: UserAgent::new("ü 'x'"), request_id: None };
    session.ip = client.ip;
    session.user_agent = client.user_agent;
    let mut bare = builder::session(2, &user, now);
    bare.ip = None;
    bare.user_agent = None;
    bare.authentication.methods = Vec::new();
    for session in [session, bare] {
        let mut tx = begin(&store).await;
        tx.sessions().insert(&session, &builder::generation(session.id, 0, now)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found(&store, session.id).await, Some(session));
    }
    for (number, reason) in (10..).zip(EndReason::ALL) {
        let mut session = given_session(&store, number, &user, now).await;
        let ended = builder::ended(reason, now + TimeDelta::microseconds(number));
        assert!(read(&store).await.sessions().end(session.id, ended).await.unwrap());
        session.ended = Some(ended);
        assert_eq!(found(&store, session.id).await, Some(session));
    }
}

/// An id without a session is `None`, and cannot be ended.
pub async fn unknown_is_none(store: Subject) {
    let now = builder::noon();
    let id = SessionId::from_i64(1);
    let mut tx = begin(&store).await;
    assert_eq!(tx.sessions().with_user(id).await.unwrap(), None);
    assert!(!tx.sessions().end(id, builder::ended(EndReason::Logout, now)).await.unwrap());
    tx.sessions().touch(id, now).await.unwrap();
    tx.sessions().extend(id, now).await.unwrap();
    tx.commit().await.unwrap();
}

/// A clash of ids is `Conflict`, and the session that was there keeps its chain.
pub async fn a_clash_of_ids_is_a_conflict(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let session = given_session(&store, 1, &user, now).await;
    let other = builder::generation_of(session.id, 0, 9, now);
    let mut tx = begin(&store).await;
    let outcome = tx.sessions().insert(&session, &other).await;
    assert!(matches!(at_the_latest_from_commit(tx, outcome).await, Err(StoreError::Conflict)));
    let alone = read(&store).await.sessions().insert(&session, &other).await;
    assert!(matches!(alone, Err(StoreError::Conflict)));
    assert!(read(&store).await.sessions().presented(&other.digest).await.unwrap().is_none());
}

/// Only the first call ends a session, and the first reason stays.
pub async fn end_happens_once(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let session = given_session(&store, 1, &user, now).await;
    let first = builder::ended(EndReason::Logout, now);
    let second = builder::ended(EndReason::TokenReuse, now + TimeDelta::seconds(1));
    let mut tx = begin(&store).await;
    assert!(tx.sessions().end(session.id, first).await.unwrap());
    assert!(!tx.sessions().end(session.id, second).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(found(&store, session.id).await.unwrap().ended, Some(first));
}

/// Of parallel calls one ends the session.
pub async fn parallel_ends_end_once(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let id = given_session(&store, 1, &user, now).await.id;
    let outcomes =
        race(|_| {
            let store = store.clone();
            async move {
                read(&store).await.sessions().end(id, builder::ended(EndReason::Logout, now)).await.unwrap()
            }
        })
        .await;
    assert_eq!(outcomes.into_iter().filter(|&ended| ended).count(), 1);
}

/// `end_all` ends all but `keep` and says how many; without `keep` it ends all.
pub async fn end_all_spares_one(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    for number in 1..=4 {
        given_session(&store, number, &user, now).await;
    }
    let ended = builder::ended(EndReason::Revoked, now);
    let mut tx = begin(&store).await;
    let keep = Some(SessionId::from_i64(3));
    assert_eq!(tx.sessions().end_all(user.id, keep, ended).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(live(&store, now).await, [3]);
    assert_eq!(read(&store).await.sessions().end_all(user.id, None, ended).await.unwrap(), 1);
    assert_eq!(live(&store, now).await, [0i64; 0]);
}

/// `end_all` touches nobody else's session, and no end that was there before.
pub async fn end_all_spares_other_users_and_ended_sessions(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let other = given_user(&store, 2, now).await;
    let first = given_session(&store, 1, &user, now).await;
    let second = given_session(&store, 2, &user, now).await;
    let foreign = given_session(&store, 3, &other, now).await;
    let logout = builder::ended(EndReason::Logout, now);
    let changed = builder::ended(EndReason::PasswordChanged, now + TimeDelta::seconds(1));
    let mut repos = read(&store).await;
    assert!(repos.sessions().end(first.id, logout).await.unwrap());
    assert_eq!(repos.sessions().end_all(user.id, None, changed).await.unwrap(), 1);
    assert_eq!(found(&store, first.id).await.unwrap().ended, Some(logout));
    assert_eq!(found(&store, second.id).await.unwrap().ended, Some(changed));
    assert_eq!(found(&store, foreign.id).await.unwrap().ended, None);
}

/// `live_of` leaves out what has ended or expired, and begins with the newest.
pub async fn live_of_lists_newest_first(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let other = given_user(&store, 2, now).await;
    for (number, age) in [(1, 3), (2, 1), (3, 2), (4, 40), (5, 0)] {
        given_session(&store, number, &user, now - TimeDelta::days(age)).await;
    }
    given_session(&store, 6, &other, now).await;
    let end = builder::ended(EndReason::Logout, now);
    read(&store).await.sessions().end(SessionId::from_i64(3), end).await.unwrap();
    assert_eq!(live(&store, now).await, [5, 2, 1]);
    let last_moment = now + TimeDelta::days(30) - TimeDelta::microseconds(1);
    assert_eq!(live(&store, last_moment).await, [5]);
    assert_eq!(live(&store, now + TimeDelta::days(30)).await, [0i64; 0], "the end itself is too late");
}

/// `extend` moves the end later, never earlier.
pub async fn extend_never_shortens(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let session = given_session(&store, 1, &user, now).await;
    let mut repos = read(&store).await;
    repos.sessions().extend(session.id, now + TimeDelta::days(1)).await.unwrap();
    assert_eq!(found(&store, session.id).await.unwrap().expires_at, session.expires_at);
    repos.sessions().extend(session.id, now + TimeDelta::days(60)).await.unwrap();
    assert_eq!(found(&store, session.id).await.unwrap().expires_at, now + TimeDelta::days(60));
}

/// `extend` does not touch a session that has ended.
pub async fn extend_spares_ended_sessions(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let session = given_session(&store, 1, &user, now).await;
    let mut repos = read(&store).await;
    repos.sessions().end(session.id, builder::ended(EndReason::Logout, now)).await.unwrap();
    repos.sessions().extend(session.id, now + TimeDelta::days(60)).await.unwrap();
    assert_eq!(found(&store, session.id).await.unwrap().expires_at, session.expires_at);
}

/// When a second factor was proved, or that none was, comes with the session wherever it is read, and no
/// use of the session changes it.
pub async fn the_time_of_the_second_factor_stays(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let (mut proved, mut bare) = (builder::session(1, &user, now), builder::session(2, &user, now));
    proved.authentication.second_factor_at = Some(now - TimeDelta::microseconds(3));
    let later = now + TimeDelta::minutes(1);
    for session in [&mut proved, &mut bare] {
        let mut tx = begin(&store).await;
        tx.sessions().insert(session, &builder::generation(session.id, 0, now)).await.unwrap();
        session.last_used_at = later;
        session.expires_at = now + TimeDelta::days(60);
        assert!(tx.sessions().rotate(session.id, &builder::generation(session.id, 1, now)).await.unwrap());
        tx.sessions().touch(session.id, later).await.unwrap();
        tx.sessions().extend(session.id, session.expires_at).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found(&store, session.id).await.as_ref(), Some(&*session));
        let first = builder::generation(session.id, 0, now).digest;
        let presented = read(&store).await.sessions().presented(&first).await.unwrap().unwrap();
        assert_eq!(&presented.session, session);
    }
    let live = vec![bare, proved];
    assert_eq!(read(&store).await.sessions().live_of(user.id, now).await.unwrap(), live);
    let mut tx = begin(&store).await;
    let locked = tx.users().lock_with_live_sessions(user.id, now).await.unwrap();
    assert_eq!(locked, Some((user, live)));
    tx.commit().await.unwrap();
}

/// `step_up` replaces what was proved and nothing else, for every way there is.
pub async fn step_up_replaces_what_was_proved(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let mut session = given_session(&store, 1, &user, now).await;
    let other = given_session(&store, 2, &user, now).await;
    for (minute, second) in (1..).zip(AuthMethod::ALL) {
        let methods = vec![AuthMethod::Password, second];
        let (at, proved_at) = (now + TimeDelta::minutes(minute), now + TimeDelta::seconds(minute));
        session.authentication = Authentication { at, methods, second_factor_at: Some(proved_at) };
        let mut tx = begin(&store).await;
        assert!(tx.sessions().step_up(session.id, &session.authentication).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(found(&store, session.id).await.as_ref(), Some(&session));
    }
    let token = builder::generation(session.id, 0, now).digest;
    let mut repos = read(&store).await;
    assert_eq!(repos.sessions().presented(&token).await.unwrap().unwrap().session, session);
    assert_eq!(found(&store, other.id).await, Some(other));
}

/// `step_up` replaces when a second factor was proved apart from when the first was; `None` stays `None`.
pub async fn step_up_replaces_the_time_of_the_second_factor(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let mut session = given_session(&store, 1, &user, now).await;
    let (earlier, later) = (now - TimeDelta::minutes(1), now + TimeDelta::microseconds(1));
    for second_factor_at in [None, Some(later), Some(earlier), None] {
        session.authentication.second_factor_at = second_factor_at;
        assert!(read(&store).await.sessions().step_up(session.id, &session.authentication).await.unwrap());
        assert_eq!(found(&store, session.id).await.as_ref(), Some(&session));
    }
}

/// `step_up` says that a session has ended, or is none, and changes nothing.
pub async fn step_up_spares_ended_sessions(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let mut session = given_session(&store, 1, &user, now).await;
    let methods = vec![AuthMethod::Password, AuthMethod::Totp];
    let proved = Authentication { at: now, methods, second_factor_at: Some(now) };
    let ended = builder::ended(EndReason::Logout, now);
    let mut tx = begin(&store).await;
    assert!(!tx.sessions().step_up(SessionId::from_i64(404), &proved).await.unwrap());
    assert!(tx.sessions().end(session.id, ended).await.unwrap());
    assert!(!tx.sessions().step_up(session.id, &proved).await.unwrap());
    tx.commit().await.unwrap();
    session.ended = Some(ended);
    assert_eq!(found(&store, session.id).await, Some(session));
}

/// `touch` notes the last use and nothing else.
pub async fn touch_notes_the_last_use(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let mut session = given_session(&store, 1, &user, now).await;
    session.last_used_at = now + TimeDelta::minutes(2);
    read(&store).await.sessions().touch(session.id, session.last_used_at).await.unwrap();
    assert_eq!(found(&store, session.id).await, Some(session));
}

/// `purge` deletes sessions that ended or expired before the moment, with their tokens.
pub async fn purge_deletes_ended_and_expired_with_their_tokens(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let ended_early = given_session(&store, 1, &user, now).await;
    let ended_late = given_session(&store, 2, &user, now).await;
    let expired = given_session(&store, 3, &user, now - TimeDelta::days(40)).await;
    let live = given_session(&store, 4, &user, now).await;
    let mut repos = read(&store).await;
    let second = TimeDelta::seconds(1);
    repos.sessions().end(ended_early.id, builder::ended(EndReason::Logout, now - second)).await.unwrap();
    repos.sessions().end(ended_late.id, builder::ended(EndReason::Logout, now)).await.unwrap();
    assert_eq!(repos.sessions().purge(now, 10).await.unwrap(), 2);
    for (session, stays) in [(ended_early, false), (ended_late, true), (expired, false), (live, true)] {
        assert_eq!(found(&store, session.id).await.is_some(), stays);
        let token = builder::generation(session.id, 0, now).digest;
        assert_eq!(repos.sessions().presented(&token).await.unwrap().is_some(), stays);
    }
}

/// `purge` deletes no more than asked: it runs next to the traffic.
pub async fn purge_respects_its_limit(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    for number in 1..=5 {
        given_session(&store, number, &user, now - TimeDelta::days(40)).await;
    }
    let mut repos = read(&store).await;
    for expected in [2, 2, 1, 0] {
        assert_eq!(repos.sessions().purge(now, 2).await.unwrap(), expected);
    }
}
