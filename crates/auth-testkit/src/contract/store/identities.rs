//! Duties of `IdentityRepo`.

use auth_domain::{
    id::{IdentityId, UserId},
    port::{DueChecks, ExistingLink, IdentityKey, StoreError},
    secret::{Digest, Sealed},
    user::{LinkedCounts, LinkedIdentity, User},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, given_user, race, read, retried};
use crate::builder;

async fn given_identity(store: &Subject, number: i64, now: DateTime<Utc>) -> LinkedIdentity {
    let user = given_user(store, number, now).await.id;
    let identity = builder::identity(number, user, now);
    read(store).await.identities().link(&identity).await.unwrap().unwrap();
    identity
}

async fn found(store: &Subject, identity: &LinkedIdentity) -> Option<LinkedIdentity> {
    read(store).await.identities().by_key(&identity.key).await.unwrap()
}

/// A subject of another provider.
fn elsewhere(subject: &str) -> IdentityKey {
    builder::identity_key("https://elsewhere.example.com", subject)
}

fn due(checked_before: DateTime<Utc>, now: DateTime<Utc>, limit: u32) -> DueChecks {
    DueChecks { checked_before, now, leased_until: now + TimeDelta::seconds(30), limit }
}

async fn leased(store: &Subject, due: DueChecks) -> Vec<i64> {
    let key = builder::identity(1, UserId::from_i64(1), builder::noon()).key;
    let leased = read(store).await.identities().lease_due(key.issuer(), due).await.unwrap();
    leased.iter().map(|identity| identity.id.as_i64()).collect()
}

/// A link is found with every field, by its subject and by its account.
pub async fn every_field_survives(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let first = LinkedIdentity {
        proved_at: now + TimeDelta::microseconds(1),
        checked_at: now + TimeDelta::microseconds(2),
        migrated: Some(Digest::of(b"another hash")),
        ..builder::identity(1, user, now)
    };
    let key = elsewhere("subject-1");
    let id = IdentityId::from_i64(9_007_199_254_740_991);
    let bare = LinkedIdentity { id, key, grant: None, ..builder::identity(2, user, now) };
    for identity in [&first, &bare] {
        let mut tx = begin(&store).await;
        tx.identities().link(identity).await.unwrap().unwrap();
        let seen = tx.identities().by_key(&identity.key).await.unwrap();
        assert_eq!(seen.as_ref(), Some(identity), "seen within its transaction");
        tx.commit().await.unwrap();
        assert_eq!(found(&store, identity).await.as_ref(), Some(identity));
    }
    assert_eq!(read(&store).await.identities().of_user(user).await.unwrap(), [first, bare]);
}

/// A subject nobody is linked with is `None`; so is one of another provider.
pub async fn unknown_is_none(store: Subject) {
    let now = builder::noon();
    let identity = given_identity(&store, 1, now).await;
    let nobody = builder::identity_key(identity.key.issuer(), "nobody");
    let subject = LinkedIdentity { key: nobody, ..identity.clone() };
    let issuer = LinkedIdentity { key: elsewhere(identity.key.subject()), ..identity };
    assert_eq!((found(&store, &subject).await, found(&store, &issuer).await), (None, None));
    assert_eq!(read(&store).await.identities().of_user(UserId::from_i64(2)).await.unwrap(), []);
}

/// The same subject is not linked to a second account, and the transaction goes on.
pub async fn an_identity_opens_one_account(store: Subject) {
    let now = builder::noon();
    let identity = given_identity(&store, 1, now).await;
    let other = given_user(&store, 2, now).await.id;
    let second = LinkedIdentity { id: IdentityId::from_i64(2), user: other, ..identity.clone() };
    let mut tx = begin(&store).await;
    assert_eq!(tx.identities().link(&second).await.unwrap(), Err(ExistingLink));
    assert!(tx.users().by_id(other).await.unwrap().is_some(), "the transaction is usable");
    tx.commit().await.unwrap();
    assert_eq!(found(&store, &identity).await, Some(identity));
}

/// A second subject of the same provider is not linked to the account; one of another provider is.
pub async fn an_account_has_one_identity_of_a_provider(store: Subject) {
    let now = builder::noon();
    let identity = given_identity(&store, 1, now).await;
    let second = builder::identity(2, identity.user, now);
    let mut tx = begin(&store).await;
    assert_eq!(tx.identities().link(&second).await.unwrap(), Err(ExistingLink));
    let elsewhere = LinkedIdentity { key: elsewhere("subject-2"), ..second.clone() };
    tx.identities().link(&elsewhere).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(found(&store, &second).await, None);
}

/// An id that is taken is a conflict, so that the use case takes another one.
pub async fn a_clash_of_ids_is_a_conflict(store: Subject) {
    let now = builder::noon();
    let identity = given_identity(&store, 1, now).await;
    let other = given_user(&store, 2, now).await.id;
    let clash = LinkedIdentity { id: identity.id, ..builder::identity(2, other, now) };
    let outcome = read(&store).await.identities().link(&clash).await;
    assert!(matches!(outcome, Err(StoreError::Conflict)), "{outcome:?}");
}

/// 50 first logins of one person make one account and one link, and all of them find it.
pub async fn parallel_first_logins_make_one_account_and_one_link(store: Subject) {
    let now = builder::noon();
    let owners = race(|caller| {
        let store = store.clone();
        let number = i64::from(caller) + 1;
        async move { retried(|| first_login(&store, number, now)).await }
    })
    .await;
    assert_eq!(owners.len(), CALLERS as usize);
    assert!(owners.iter().all(|owner| *owner == owners[0]), "{owners:?}");
    let links = read(&store).await.identities().of_user(owners[0]).await.unwrap();
    assert_eq!(links.len(), 1);
}

/// As the use case does it: found, or made with its account; a lost race is run again.
async fn first_login(store: &Subject, number: i64, now: DateTime<Utc>) -> Result<UserId, StoreError> {
    let mut tx = store.begin().await?;
    let user = User { email: builder::email("ada@example.com"), ..builder::user(number, now) };
    let link = builder::identity(1, user.id, now);
    let link = LinkedIdentity { id: IdentityId::from_i64(number), ..link };
    if let Some(known) = tx.identities().by_key(&link.key).await? {
        tx.commit().await?;
        return Ok(known.user);
    }
    if tx.users().insert(&user).await?.is_err() || tx.identities().link(&link).await?.is_err() {
        tx.rollback().await?;
        return Err(StoreError::Conflict);
    }
    tx.commit().await?;
    Ok(user.id)
}

/// Times, grant and migrated password are written back, nothing else; of a link that is gone it says so.
pub async fn save_writes_everything_but_the_key_back(store: Subject) {
    let now = builder::noon();
    let identity = given_identity(&store, 1, now).await;
    let later = LinkedIdentity {
        proved_at: now + TimeDelta::hours(1),
        checked_at: now + TimeDelta::hours(2),
        grant: Some(Sealed::from_bytes(b"another".to_vec())),
        migrated: Some(Digest::of(b"a hash")),
        ..identity.clone()
    };
    let without = LinkedIdentity { grant: None, migrated: None, ..later.clone() };
    for changed in [later, without] {
        assert!(read(&store).await.identities().save(&changed).await.unwrap());
        assert_eq!(found(&store, &changed).await, Some(changed));
    }
    let gone = builder::identity(2, identity.user, now);
    assert!(!read(&store).await.identities().save(&gone).await.unwrap());
}

/// An unlinked identity is gone, once, and may be linked again.
pub async fn unlink_removes(store: Subject) {
    let now = builder::noon();
    let identity = given_identity(&store, 1, now).await;
    let other = given_identity(&store, 2, now).await;
    let mut repos = read(&store).await;
    assert!(repos.identities().unlink(identity.id).await.unwrap());
    assert!(!repos.identities().unlink(identity.id).await.unwrap());
    assert_eq!(found(&store, &identity).await, None);
    assert_eq!(found(&store, &other).await, Some(other));
    repos.identities().link(&identity).await.unwrap().unwrap();
}

/// What is rolled back did not happen.
pub async fn a_discarded_link_does_not_exist(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await.id;
    let identity = builder::identity(1, user, now);
    let mut tx = begin(&store).await;
    tx.identities().link(&identity).await.unwrap().unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(found(&store, &identity).await, None);
}

/// Leases go to those that were checked longest ago, up to the limit: neither to those checked since, nor
/// to those without a grant, nor to those of another provider.
pub async fn lease_due_gives_the_longest_unchecked_first(store: Subject) {
    let now = builder::noon();
    let minutes = |count| now - TimeDelta::minutes(count);
    for (number, checked_at) in [(1, minutes(20)), (2, minutes(40)), (3, minutes(30)), (4, minutes(5))] {
        let identity = given_identity(&store, number, now).await;
        let checked = LinkedIdentity { checked_at, ..identity };
        assert!(read(&store).await.identities().save(&checked).await.unwrap());
    }
    let ungranted = given_identity(&store, 5, minutes(60)).await;
    let ungranted = LinkedIdentity { grant: None, ..ungranted };
    assert!(read(&store).await.identities().save(&ungranted).await.unwrap());
    let user = given_user(&store, 6, now).await.id;
    let elsewhere = LinkedIdentity { key: elsewhere("6"), ..builder::identity(6, user, minutes(60)) };
    read(&store).await.identities().link(&elsewhere).await.unwrap().unwrap();
    assert_eq!(leased(&store, due(minutes(15), now, 2)).await, [2, 3]);
    assert_eq!(leased(&store, due(minutes(15), now, 2)).await, [1]);
    assert_eq!(leased(&store, due(minutes(15), now, 2)).await, [0; 0]);
}

/// A lease keeps others away until it runs out or the link is saved.
pub async fn a_leased_link_comes_back_when_its_lease_runs_out(store: Subject) {
    let now = builder::noon();
    let identity = given_identity(&store, 1, now).await;
    let later = now + TimeDelta::minutes(1);
    assert_eq!(leased(&store, due(later, now, 10)).await, [1]);
    assert_eq!(leased(&store, due(later, now + TimeDelta::seconds(29), 10)).await, [0; 0]);
    assert_eq!(leased(&store, due(later, now + TimeDelta::seconds(30), 10)).await, [1]);
    assert!(read(&store).await.identities().save(&identity).await.unwrap());
    assert_eq!(leased(&store, due(later, now + TimeDelta::seconds(31), 10)).await, [1]);
}

/// No link is leased to two callers at once.
pub async fn parallel_leases_share_nothing(store: Subject) {
    let now = builder::noon();
    for number in 1..=20 {
        given_identity(&store, number, now).await;
    }
    let later = now + TimeDelta::minutes(1);
    let shares = race(|_| {
        let store = store.clone();
        async move { leased(&store, due(later, now, 3)).await }
    })
    .await;
    let mut all: Vec<i64> = shares.into_iter().flatten().collect();
    let handed_out = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), handed_out, "some link was leased twice");
}

/// The counts tell how many links there are, and how many of their accounts have a password.
pub async fn counts_tell_who_has_a_password(store: Subject) {
    let now = builder::noon();
    let mut users = Vec::new();
    for number in 1..=3 {
        let identity = given_identity(&store, number, now).await;
        let proved_at = now + TimeDelta::minutes(number);
        assert!(
            read(&store)
                .await
                .identities()
                .save(&LinkedIdentity { proved_at, ..identity.clone() })
                .await
                .unwrap()
        );
        users.push(identity.user);
    }
    let mut tx = begin(&store).await;
    let mut second = tx.users().lock(users[1]).await.unwrap().unwrap();
    second.credential = None;
    tx.users().save(&second).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let key = builder::identity(1, users[0], now).key;
    let counts = read(&store).await.identities().counts(key.issuer()).await.unwrap();
    let minute = |count| Some(now + TimeDelta::minutes(count));
    let expected = LinkedCounts {
        linked: 3,
        with_password: 2,
        last_proved_at: minute(3),
        last_proved_without_password_at: minute(2),
    };
    assert_eq!(counts, expected);
    let elsewhere = read(&store).await.identities().counts(elsewhere("1").issuer()).await.unwrap();
    assert_eq!(elsewhere, LinkedCounts::default());
}
