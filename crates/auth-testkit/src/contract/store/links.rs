//! Duties of `LinkRepo`.

use auth_domain::{
    secret::Digest,
    token::{Link, LinkPurpose},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, given_user, race, read};
use crate::builder;

async fn given_link(store: &Subject, number: u32, purpose: LinkPurpose, now: DateTime<Utc>) -> Link {
    let link = builder::link(number, purpose, &builder::user(1, now), now);
    read(store).await.links().replace(&link).await.unwrap();
    link
}

async fn found(store: &Subject, link: &Link, now: DateTime<Utc>) -> bool {
    read(store).await.links().find(&link.digest, now).await.unwrap().is_some()
}

/// What was stored is found, with every field, for every purpose.
pub async fn replace_then_find(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    for (number, purpose) in (1..).zip(LinkPurpose::ALL) {
        let mut link = builder::link(number, purpose, &user, now);
        link.email = builder::email("new+address@bücher.example.org");
        link.created_at = now - TimeDelta::microseconds(1);
        let mut tx = begin(&store).await;
        tx.links().replace(&link).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(read(&store).await.links().find(&link.digest, now).await.unwrap(), Some(link));
    }
}

/// Looking at a link does not use it up.
pub async fn find_does_not_use_up(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let link = given_link(&store, 1, LinkPurpose::ResetPassword, now).await;
    for _ in 0..3 {
        assert!(found(&store, &link, now).await);
    }
    assert_eq!(read(&store).await.links().consume(&link.digest, now).await.unwrap(), Some(link));
}

/// A new link removes the unused ones of its user and purpose.
pub async fn the_newest_wins(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let old = given_link(&store, 1, LinkPurpose::ResetPassword, now).await;
    let new = given_link(&store, 2, LinkPurpose::ResetPassword, now).await;
    assert!(!found(&store, &old, now).await);
    assert!(found(&store, &new, now).await);
    assert_eq!(read(&store).await.links().consume(&old.digest, now).await.unwrap(), None);
}

/// It removes no others.
pub async fn the_newest_spares_other_purposes_and_users(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let other = given_user(&store, 2, now).await;
    let verify = given_link(&store, 1, LinkPurpose::VerifyEmail, now).await;
    let foreign = builder::link(2, LinkPurpose::ResetPassword, &other, now);
    read(&store).await.links().replace(&foreign).await.unwrap();
    given_link(&store, 3, LinkPurpose::ResetPassword, now).await;
    assert!(found(&store, &verify, now).await);
    assert!(found(&store, &foreign, now).await);
}

/// Also of parallel replacements one link is left.
pub async fn parallel_replacements_leave_one(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    race(|caller| {
        let (store, link) = (store.clone(), builder::link(caller, LinkPurpose::ResetPassword, &user, now));
        async move {
            super::retried(|| async {
                let mut tx = store.begin().await?;
                tx.links().replace(&link).await?;
                tx.commit().await
            })
            .await;
        }
    })
    .await;
    let mut left = 0;
    for caller in 0..CALLERS {
        left += u32::from(
            found(&store, &builder::link(caller, LinkPurpose::ResetPassword, &user, now), now).await,
        );
    }
    assert_eq!(left, 1);
}

/// A link works once.
pub async fn consume_happens_once(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let link = given_link(&store, 1, LinkPurpose::VerifyEmail, now).await;
    let mut tx = begin(&store).await;
    assert_eq!(tx.links().consume(&link.digest, now).await.unwrap(), Some(link.clone()));
    assert_eq!(tx.links().consume(&link.digest, now).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert!(!found(&store, &link, now).await);
    assert_eq!(read(&store).await.links().consume(&link.digest, now).await.unwrap(), None);
}

/// Of any number of parallel calls exactly one gets the link.
pub async fn parallel_consumption_happens_once(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let link = given_link(&store, 1, LinkPurpose::ResetPassword, now).await;
    let outcomes = race(|caller| {
        let (store, digest) = (store.clone(), link.digest);
        async move {
            if caller % 2 == 0 {
                return read(&store).await.links().consume(&digest, now).await.unwrap();
            }
            super::retried(|| async {
                let mut tx = store.begin().await?;
                let link = tx.links().consume(&digest, now).await?;
                tx.commit().await?;
                Ok(link)
            })
            .await
        }
    })
    .await;
    assert_eq!(outcomes.into_iter().flatten().collect::<Vec<_>>(), [link]);
}

/// From its end on a link does not exist.
pub async fn expired_is_none(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let link = given_link(&store, 1, LinkPurpose::ResetPassword, now).await;
    let mut repos = read(&store).await;
    assert_eq!(repos.links().find(&link.digest, link.expires_at).await.unwrap(), None);
    assert_eq!(repos.links().consume(&link.digest, link.expires_at).await.unwrap(), None);
    let last_moment = link.expires_at - TimeDelta::microseconds(1);
    assert_eq!(repos.links().consume(&link.digest, last_moment).await.unwrap(), Some(link));
}

/// A digest nobody made is `None`.
pub async fn unknown_is_none(store: Subject) {
    let now = builder::noon();
    let mut tx = begin(&store).await;
    let digest = Digest::of(b"unknown");
    assert_eq!(tx.links().find(&digest, now).await.unwrap(), None);
    assert_eq!(tx.links().consume(&digest, now).await.unwrap(), None);
    tx.commit().await.unwrap();
}

/// A link consumed in a transaction that was discarded is unused.
pub async fn a_discarded_consumption_did_not_happen(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let link = given_link(&store, 1, LinkPurpose::ResetPassword, now).await;
    let mut tx = begin(&store).await;
    assert!(tx.links().consume(&link.digest, now).await.unwrap().is_some());
    drop(tx);
    assert!(read(&store).await.links().consume(&link.digest, now).await.unwrap().is_some());
}

/// `withdraw` removes the unused links of one purpose.
pub async fn withdraw_removes_one_purpose(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let other = given_user(&store, 2, now).await;
    let reset = given_link(&store, 1, LinkPurpose::ResetPassword, now).await;
    let verify = given_link(&store, 2, LinkPurpose::VerifyEmail, now).await;
    let foreign = builder::link(3, LinkPurpose::ResetPassword, &other, now);
    let mut repos = read(&store).await;
    repos.links().replace(&foreign).await.unwrap();
    repos.links().withdraw(user.id, LinkPurpose::ResetPassword).await.unwrap();
    assert!(!found(&store, &reset, now).await);
    assert!(found(&store, &verify, now).await);
    assert!(found(&store, &foreign, now).await);
}

/// `purge` deletes what was used or expired before the moment, and nothing else.
pub async fn purge_deletes_used_and_expired(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    let used = given_link(&store, 1, LinkPurpose::VerifyEmail, now).await;
    let expired = given_link(&store, 2, LinkPurpose::ChangeEmail, now - TimeDelta::days(2)).await;
    let usable = given_link(&store, 3, LinkPurpose::ResetPassword, now).await;
    let mut repos = read(&store).await;
    repos.links().consume(&used.digest, now).await.unwrap().unwrap();
    assert_eq!(repos.links().purge(expired.expires_at, 10).await.unwrap(), 0, "before means before");
    assert_eq!(repos.links().purge(now, 10).await.unwrap(), 1);
    assert_eq!(repos.links().purge(now + TimeDelta::microseconds(1), 10).await.unwrap(), 1);
    assert!(found(&store, &usable, now).await);
}

/// `purge` deletes no more than asked.
pub async fn purge_respects_its_limit(store: Subject) {
    let now = builder::noon();
    given_user(&store, 1, now).await;
    for (number, purpose) in (1..=3).zip(LinkPurpose::ALL) {
        given_link(&store, number, purpose, now - TimeDelta::days(2)).await;
    }
    let mut repos = read(&store).await;
    for expected in [2, 1, 0] {
        assert_eq!(repos.links().purge(now, 2).await.unwrap(), expected);
    }
}
