//! Duties of `UserRepo`.

use auth_domain::{
    id::UserId,
    port::{ExistingAccount, StoreError},
    session::EndReason,
    tenant::TenantId,
    user::{Credential, PasswordHash, Role, Roles, User, UserStatus},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, given_session, given_user, race, read, retried};
use crate::builder;

async fn found(store: &Subject, id: UserId) -> Option<User> {
    read(store).await.users().by_id(id).await.unwrap()
}

/// What was inserted is found by its id and by its address.
pub async fn insert_then_find(store: Subject) {
    let user = given_user(&store, 1, builder::noon()).await;
    assert_eq!(found(&store, user.id).await.as_ref(), Some(&user));
    let by_email = read(&store).await.users().by_email(&user.tenant, &user.email).await.unwrap();
    assert_eq!(by_email, Some(user));
}

fn unusual(now: DateTime<Utc>) -> User {
    let mut user = builder::user(9_007_199_254_740_991, now);
    user.tenant = TenantId::parse("web_2-x").unwrap();
    user.email = builder::email("ÄÖ+tag@bücher.example.org");
    user.email_verified = false;
    user.full_name = Some(auth_domain::user::FullName::parse("Zoë 'Q' \"DROP\" 😀\n").unwrap());
    user.roles = Roles::default().with(Role::Superuser).with(Role::Manager);
    user.credential = Some(Credential::temporary(PasswordHash::new("$2b$12$x"), now + TimeDelta::days(1)));
    user.last_login_at = Some(now - TimeDelta::microseconds(1));
    user.updated_at = now + TimeDelta::microseconds(123_456);
    user
}

/// Nothing is lost or changed on the way in and out, for every state and role.
pub async fn every_field_survives(store: Subject) {
    let now = builder::noon();
    let mut users = vec![unusual(now)];
    for (number, status) in (10..).zip(UserStatus::ALL) {
        let mut user = builder::user(number, now);
        user.status = status;
        users.push(user);
    }
    for (number, role) in (20..).zip(Role::ALL) {
        let mut user = builder::user(number, now);
        user.roles = Roles::default().with(role);
        users.push(user);
    }
    for user in users {
        let mut tx = begin(&store).await;
        tx.users().insert(&user).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found(&store, user.id).await, Some(user));
    }
}

/// An account may have no password and no name.
pub async fn an_account_without_password_survives(store: Subject) {
    let mut user = builder::user(1, builder::noon());
    user.credential = None;
    user.full_name = None;
    read(&store).await.users().insert(&user).await.unwrap().unwrap();
    assert_eq!(found(&store, user.id).await, Some(user));
}

/// An id or address without an account is `None`, not an error.
pub async fn unknown_is_none(store: Subject) {
    let nobody = builder::user(1, builder::noon());
    let mut tx = begin(&store).await;
    assert_eq!(tx.users().by_id(nobody.id).await.unwrap(), None);
    assert_eq!(tx.users().lock(nobody.id).await.unwrap(), None);
    assert_eq!(tx.users().by_email(&nobody.tenant, &nobody.email).await.unwrap(), None);
    tx.commit().await.unwrap();
}

/// Two tenants may have one address each.
pub async fn the_address_is_unique_within_its_tenant_only(store: Subject) {
    let now = builder::noon();
    let here = given_user(&store, 1, now).await;
    let mut there = builder::user(2, now);
    there.tenant = TenantId::parse("other").unwrap();
    there.email = here.email.clone();
    let mut repos = read(&store).await;
    repos.users().insert(&there).await.unwrap().unwrap();
    let found = repos.users().by_email(&there.tenant, &here.email).await.unwrap();
    assert_eq!(found.map(|user| user.id), Some(there.id));
    let found = repos.users().by_email(&here.tenant, &here.email).await.unwrap();
    assert_eq!(found.map(|user| user.id), Some(here.id));
}

fn same_address(number: i64, as_user: &User, now: DateTime<Utc>) -> User {
    let mut user = builder::user(number, now);
    user.email = as_user.email.clone();
    user
}

/// `ExistingAccount` leaves the transaction usable.
pub async fn duplicate_email_leaves_the_transaction_usable(store: Subject) {
    let now = builder::noon();
    let first = given_user(&store, 1, now).await;
    let mut tx = begin(&store).await;
    let second = same_address(2, &first, now);
    assert_eq!(tx.users().insert(&second).await.unwrap(), Err(ExistingAccount));
    tx.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(read(&store).await.outbox().depth().await.unwrap(), 1);
}

/// `ExistingAccount` leaves the store unchanged.
pub async fn duplicate_email_changes_nothing(store: Subject) {
    let now = builder::noon();
    let first = given_user(&store, 1, now).await;
    let mut second = same_address(2, &first, now);
    second.full_name = None;
    let mut repos = read(&store).await;
    assert_eq!(repos.users().insert(&second).await.unwrap(), Err(ExistingAccount));
    assert_eq!(found(&store, second.id).await, None);
    assert_eq!(found(&store, first.id).await, Some(first));
}

/// Parallel inserts of one address make one account.
pub async fn parallel_inserts_of_one_address_make_one_account(store: Subject) {
    let now = builder::noon();
    let address = builder::user(0, now);
    let outcomes = race(|caller| {
        let (store, user) = (store.clone(), same_address(i64::from(caller) + 100, &address, now));
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                let outcome = tx.users().insert(&user).await?;
                tx.commit().await?;
                Ok(outcome.map(|()| user.id))
            })
            .await
        }
    })
    .await;
    let winners: Vec<UserId> = outcomes.into_iter().filter_map(Result::ok).collect();
    assert_eq!(winners.len(), 1);
    for caller in 0..CALLERS {
        let id = UserId::from_i64(i64::from(caller) + 100);
        assert_eq!(found(&store, id).await.is_some(), winners == [id]);
    }
}

/// A clash of ids is `Conflict`: the use case runs again with another id.
pub async fn a_clash_of_ids_is_a_conflict(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let mut other = builder::user(1, now);
    other.email = builder::email("other@example.com");
    let mut tx = begin(&store).await;
    assert!(matches!(tx.users().insert(&other).await, Err(StoreError::Conflict)));
    drop(tx);
    assert!(matches!(read(&store).await.users().insert(&other).await, Err(StoreError::Conflict)));
}

/// `save` replaces every field but the id, also with nothing.
pub async fn save_writes_every_field_back(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let mut changed = unusual(now + TimeDelta::hours(1));
    changed.id = user.id;
    changed.tenant = user.tenant.clone();
    changed.created_at = user.created_at;
    let mut bare = changed.clone();
    bare.credential = None;
    bare.full_name = None;
    bare.last_login_at = None;
    for version in [changed, bare] {
        let mut tx = begin(&store).await;
        assert!(tx.users().lock(user.id).await.unwrap().is_some());
        tx.users().save(&version).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found(&store, user.id).await, Some(version));
    }
}

/// An address that belongs to another account is `ExistingAccount`, with the transaction usable.
pub async fn save_to_a_taken_address_leaves_the_transaction_usable(store: Subject) {
    let now = builder::noon();
    let first = given_user(&store, 1, now).await;
    let second = given_user(&store, 2, now).await;
    let mut tx = begin(&store).await;
    let mut moved = tx.users().lock(second.id).await.unwrap().unwrap();
    moved.move_to(first.email.clone(), now);
    assert_eq!(tx.users().save(&moved).await.unwrap(), Err(ExistingAccount));
    tx.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(found(&store, second.id).await, Some(second));
    assert_eq!(read(&store).await.outbox().depth().await.unwrap(), 1);
}

/// The address is unique against `save` too.
pub async fn parallel_moves_to_one_address_move_one_account(store: Subject) {
    let now = builder::noon();
    for number in 0..CALLERS {
        given_user(&store, i64::from(number), now).await;
    }
    let target = builder::email("target@example.com");
    let outcomes = race(|caller| {
        let (store, target) = (store.clone(), target.clone());
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                let user = tx.users().lock(UserId::from_i64(i64::from(caller))).await?;
                let mut user = user.expect("it was inserted");
                user.move_to(target.clone(), now);
                let outcome = tx.users().save(&user).await?;
                tx.commit().await?;
                Ok(outcome)
            })
            .await
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

/// A locked account does not change before the transaction ends: no update is lost.
pub async fn a_locked_account_does_not_change(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    race(|_| {
        let store = store.clone();
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                let mut user = tx.users().lock(UserId::from_i64(1)).await?.expect("it was inserted");
                tokio::task::yield_now().await;
                user.updated_at += TimeDelta::seconds(1);
                tx.users().save(&user).await?.expect("the address stays");
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    let expected = user.updated_at + TimeDelta::seconds(i64::from(CALLERS));
    assert_eq!(found(&store, user.id).await.unwrap().updated_at, expected);
}

/// The account comes with its live sessions, as `live_of` lists them; without an account there is
/// nothing.
pub async fn lock_with_live_sessions_gives_both(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let other = given_user(&store, 2, now).await;
    for (number, age) in [(1, 3), (2, 1), (3, 40)] {
        given_session(&store, number, &user, now - TimeDelta::days(age)).await;
    }
    given_session(&store, 4, &other, now).await;
    let mut tx = begin(&store).await;
    let live = tx.sessions().live_of(user.id, now).await.unwrap();
    assert_eq!(live.iter().map(|session| session.id.as_i64()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(tx.users().lock_with_live_sessions(user.id, now).await.unwrap(), Some((user, live)));
    assert_eq!(tx.users().lock_with_live_sessions(UserId::from_i64(404), now).await.unwrap(), None);
    tx.commit().await.unwrap();
}

/// It locks as `lock` does, and the sessions are those of the moment the account was locked: logins
/// side by side never have more than they may.
pub async fn lock_with_live_sessions_locks(store: Subject) {
    const MOST: usize = 3;
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    race(|caller| {
        let (store, user) = (store.clone(), user.clone());
        async move {
            retried(|| async {
                let mut tx = store.begin().await?;
                let locked = tx.users().lock_with_live_sessions(user.id, now).await?;
                let (mut locked, live) = locked.expect("it was inserted");
                assert!(live.len() <= MOST, "{} sessions live", live.len());
                tokio::task::yield_now().await;
                if live.len() == MOST {
                    let ended = builder::ended(EndReason::Evicted, now);
                    assert!(tx.sessions().end(live[MOST - 1].id, ended).await?, "it lived");
                }
                let session = builder::session(i64::from(caller) + 1, &user, now);
                tx.sessions().insert(&session, &builder::generation(session.id, 0, now)).await?;
                locked.updated_at += TimeDelta::seconds(1);
                tx.users().save(&locked).await?.expect("the address stays");
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    let live = read(&store).await.sessions().live_of(user.id, now).await.unwrap();
    assert_eq!(live.len(), MOST);
    let expected = user.updated_at + TimeDelta::seconds(i64::from(CALLERS));
    assert_eq!(found(&store, user.id).await.unwrap().updated_at, expected);
}
