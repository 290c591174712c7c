//! Duties of `ApiKeyRepo`.

use auth_domain::{
    api_key::{ApiKey, KeyOwner},
    id::ApiKeyId,
    port::StoreError,
    secret::Digest,
    tenant::TenantId,
    user::UserStatus,
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, at_the_latest_from_commit, begin, given_user, race, read};
use crate::builder;

async fn given_key(store: &Subject, key: ApiKey) -> ApiKey {
    let mut tx = begin(store).await;
    tx.api_keys().insert(&key).await.unwrap();
    tx.commit().await.unwrap();
    key
}

async fn found(store: &Subject, key: &ApiKey) -> Option<ApiKey> {
    read(store).await.api_keys().with_person(&key.digest).await.unwrap().map(|(key, _)| key)
}

async fn listed(store: &Subject, owner: &KeyOwner) -> Vec<i64> {
    let keys = read(store).await.api_keys().list(owner).await.unwrap();
    keys.iter().map(|key| key.id.as_i64()).collect()
}

fn acme() -> TenantId {
    TenantId::parse("acme").expect("the name of a tenant")
}

/// A key is found with every field by its digest, a personal one with its account.
pub async fn every_field_survives(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let old = ApiKey {
        last_used_at: Some(now + TimeDelta::microseconds(1)),
        revoked_at: Some(now + TimeDelta::microseconds(2)),
        ..builder::personal_key(9_007_199_254_740_991, user.id, now)
    };
    for (key, person) in [(old, Some(user)), (builder::service_key(2, now), None)] {
        let mut tx = begin(&store).await;
        tx.api_keys().insert(&key).await.unwrap();
        let seen = tx.api_keys().with_person(&key.digest).await.unwrap();
        assert_eq!(seen, Some((key.clone(), person.clone())), "seen within its transaction");
        tx.commit().await.unwrap();
        let seen = read(&store).await.api_keys().with_person(&key.digest).await.unwrap();
        assert_eq!(seen, Some((key, person)));
    }
}

/// A digest of no key is `None`.
pub async fn unknown_is_none(store: Subject) {
    given_key(&store, builder::service_key(1, builder::noon())).await;
    let other = builder::service_key(2, builder::noon());
    assert_eq!(found(&store, &other).await, None);
}

/// The account comes as it is, also when it may not be used.
pub async fn the_account_is_the_present_one(store: Subject) {
    let now = builder::noon();
    let mut user = given_user(&store, 1, now).await;
    let key = given_key(&store, builder::personal_key(1, user.id, now)).await;
    user.status = UserStatus::Suspended;
    read(&store).await.users().save(&user).await.unwrap().unwrap();
    let (_, person) = read(&store).await.api_keys().with_person(&key.digest).await.unwrap().unwrap();
    assert_eq!(person, Some(user));
}

/// Two keys of one id, or of one digest, are a conflict, which a new try with new chance may solve.
pub async fn a_clash_is_a_conflict(store: Subject) {
    let now = builder::noon();
    let key = given_key(&store, builder::service_key(1, now)).await;
    let id = ApiKey { digest: Digest::of(b"another"), ..key.clone() };
    let digest = ApiKey { id: ApiKeyId::from_i64(2), ..key.clone() };
    for clash in [id, digest] {
        let mut tx = begin(&store).await;
        let outcome = tx.api_keys().insert(&clash).await;
        let error = at_the_latest_from_commit(tx, outcome).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict), "{error:?}");
    }
    assert_eq!(found(&store, &key).await, Some(key));
}

/// A person's keys are theirs alone; those of a tenant are the ones of its services. Newest first.
pub async fn list_keeps_owners_apart(store: Subject) {
    let now = builder::noon();
    let (ada, eve) = (given_user(&store, 1, now).await, given_user(&store, 2, now).await);
    for number in [1, 2] {
        given_key(&store, builder::personal_key(number, ada.id, now)).await;
        given_key(&store, builder::service_key(10 + number, now)).await;
    }
    given_key(&store, builder::personal_key(3, eve.id, now)).await;
    given_key(&store, ApiKey { tenant: acme(), ..builder::service_key(20, now) }).await;
    assert_eq!(listed(&store, &KeyOwner::Person(ada.id)).await, [2, 1]);
    assert_eq!(listed(&store, &KeyOwner::Person(eve.id)).await, [3]);
    assert_eq!(listed(&store, &KeyOwner::Tenant(ada.tenant)).await, [12, 11]);
    assert_eq!(listed(&store, &KeyOwner::Tenant(acme())).await, [20]);
}

/// A key is revoked by its owner, once, and stays in the list.
pub async fn revoke_gives_the_key_once(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let later = now + TimeDelta::minutes(1);
    for key in [builder::personal_key(1, user.id, now), builder::service_key(2, now)] {
        let key = given_key(&store, key).await;
        let revoked = ApiKey { revoked_at: Some(later), ..key.clone() };
        let mut repos = read(&store).await;
        let first = repos.api_keys().revoke(&key.owner(), key.id, later).await.unwrap();
        assert_eq!(first.as_ref(), Some(&revoked));
        let again = repos.api_keys().revoke(&key.owner(), key.id, later + TimeDelta::hours(1)).await.unwrap();
        drop(repos);
        assert_eq!((again, found(&store, &key).await), (None, Some(revoked)));
        assert_eq!(listed(&store, &key.owner()).await, [key.id.as_i64()]);
    }
}

/// Nobody revokes a key of somebody else: neither another person, nor a tenant one of a person, nor a
/// person one of the tenant, nor another tenant.
pub async fn others_keys_are_not_revoked(store: Subject) {
    let now = builder::noon();
    let (ada, eve) = (given_user(&store, 1, now).await, given_user(&store, 2, now).await);
    let personal = given_key(&store, builder::personal_key(1, ada.id, now)).await;
    let service = given_key(&store, builder::service_key(2, now)).await;
    for (owner, key) in [
        (KeyOwner::Person(eve.id), &personal),
        (KeyOwner::Tenant(ada.tenant), &personal),
        (KeyOwner::Person(ada.id), &service),
        (KeyOwner::Tenant(acme()), &service),
    ] {
        let revoked = read(&store).await.api_keys().revoke(&owner, key.id, now).await.unwrap();
        assert_eq!((revoked, found(&store, key).await.as_ref()), (None, Some(key)), "{owner:?}");
    }
}

/// Of parallel calls one revokes the key, and whoever looks after that finds it revoked, while uses of it
/// are noted next to it.
pub async fn parallel_revocation_happens_once(store: Subject) {
    let now = builder::noon();
    let key = given_key(&store, builder::service_key(1, now)).await;
    let outcomes = race(|caller| {
        let (store, key) = (store.clone(), key.clone());
        async move {
            let mut repos = read(&store).await;
            let at = now + TimeDelta::seconds(i64::from(caller));
            repos.api_keys().touch(key.id, at).await.unwrap();
            let revoked = repos.api_keys().revoke(&key.owner(), key.id, at).await.unwrap();
            let seen = repos.api_keys().with_person(&key.digest).await.unwrap().unwrap().0;
            assert!(seen.revoked_at.is_some(), "revoked, and good again");
            revoked.is_some()
        }
    })
    .await;
    assert_eq!(outcomes.len(), CALLERS as usize);
    assert_eq!(outcomes.into_iter().filter(|won| *won).count(), 1);
}

/// All keys of a person end at once; those of others and of services do not, whoever made them.
pub async fn revoke_all_spares_others_and_services(store: Subject) {
    let now = builder::noon();
    let (ada, eve) = (given_user(&store, 1, now).await, given_user(&store, 2, now).await);
    for key in [
        builder::personal_key(1, ada.id, now),
        builder::personal_key(2, ada.id, now),
        ApiKey { revoked_at: Some(now), ..builder::personal_key(3, ada.id, now) },
        builder::personal_key(4, eve.id, now),
        ApiKey { made_by: ada.id, ..builder::service_key(5, now) },
    ] {
        given_key(&store, key).await;
    }
    let later = now + TimeDelta::minutes(1);
    assert_eq!(read(&store).await.api_keys().revoke_all(ada.id, later).await.unwrap(), 2);
    let mut ends = Vec::new();
    for owner in [KeyOwner::Person(ada.id), KeyOwner::Person(eve.id), KeyOwner::Tenant(ada.tenant)] {
        let keys = read(&store).await.api_keys().list(&owner).await.unwrap();
        ends.extend(keys.into_iter().map(|key| (key.id.as_i64(), key.revoked_at)));
    }
    assert_eq!(ends, [(3, Some(now)), (2, Some(later)), (1, Some(later)), (4, None), (5, None)]);
}

/// The last use is noted, and never goes back.
pub async fn touch_never_goes_back(store: Subject) {
    let now = builder::noon();
    let key = given_key(&store, builder::service_key(1, now)).await;
    for (at, noted) in [(5, 5), (4, 5), (6, 6)] {
        let at = now + TimeDelta::minutes(at);
        read(&store).await.api_keys().touch(key.id, at).await.unwrap();
        let last_used_at = Some(now + TimeDelta::minutes(noted));
        assert_eq!(found(&store, &key).await, Some(ApiKey { last_used_at, ..key.clone() }));
    }
}

/// What is rolled back did not happen.
pub async fn a_discarded_change_did_not_happen(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let key = given_key(&store, builder::personal_key(1, user.id, now)).await;
    let never = builder::personal_key(2, user.id, now);
    let mut tx = begin(&store).await;
    tx.api_keys().insert(&never).await.unwrap();
    tx.api_keys().revoke_all(user.id, now).await.unwrap();
    tx.api_keys().touch(key.id, now).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!((found(&store, &never).await, found(&store, &key).await), (None, Some(key)));
}

async fn given_dead_and_living(store: &Subject, now: DateTime<Utc>) -> ApiKey {
    for number in 1..=3 {
        let revoked_at = Some(now + TimeDelta::hours(number));
        given_key(store, ApiKey { revoked_at, ..builder::service_key(number, now) }).await;
        let expires_at = now + TimeDelta::hours(number);
        given_key(store, ApiKey { expires_at, ..builder::service_key(10 + number, now) }).await;
    }
    given_key(store, builder::service_key(20, now)).await
}

/// Keys that died before the time are deleted, younger dead ones and living ones are not.
pub async fn purge_deletes_the_dead(store: Subject) {
    let now = builder::noon();
    let living = given_dead_and_living(&store, now).await;
    let before = now + TimeDelta::hours(3);
    assert_eq!(read(&store).await.api_keys().purge(before, 100).await.unwrap(), 4);
    assert_eq!(listed(&store, &living.owner()).await, [20, 13, 3]);
}

/// No more than asked for are deleted at once.
pub async fn purge_respects_its_limit(store: Subject) {
    let now = builder::noon();
    given_dead_and_living(&store, now).await;
    let before = now + TimeDelta::days(1);
    for deleted in [4, 2, 0] {
        assert_eq!(read(&store).await.api_keys().purge(before, 4).await.unwrap(), deleted);
    }
}
