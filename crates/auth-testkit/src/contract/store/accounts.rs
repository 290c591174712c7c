//! Duties of `UserRepo` and `SessionRepo` towards those who administer accounts.

use auth_domain::{
    factor::SmsFactor,
    id::{SessionId, UserId},
    port::{Recent, RecentSince, StoreError, UserCounts, UserFilter},
    session::EndReason,
    tenant::TenantId,
    user::{Email, FullName, Role, User, UserSearch, UserStatus},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::{CALLERS, Subject, begin, given_session, given_user, race, read, retried};
use crate::builder;

async fn given(store: &Subject, number: i64, change: impl FnOnce(&mut User)) -> User {
    let mut user = builder::user(number, builder::noon());
    change(&mut user);
    read(store).await.users().insert(&user).await.unwrap().unwrap();
    user
}

fn other() -> TenantId {
    TenantId::parse("other").unwrap()
}

fn of_tenant(tenant: TenantId) -> UserFilter {
    UserFilter { tenant: Some(tenant), ..UserFilter::default() }
}

fn ids(users: &[User]) -> Vec<i64> {
    users.iter().map(|user| user.id.as_i64()).collect()
}

async fn listed(store: &Subject, filter: &UserFilter) -> Vec<i64> {
    ids(&read(store).await.users().page(filter, None, 100).await.unwrap())
}

async fn found(store: &Subject, text: &str) -> Vec<i64> {
    let search = UserSearch::parse(text).unwrap();
    let here = UserFilter { search: search.clone(), ..of_tenant(TenantId::default()) };
    let everywhere = UserFilter { search, ..UserFilter::default() };
    let found = listed(store, &here).await;
    assert_eq!(listed(store, &everywhere).await, found, "{text}");
    found
}

/// Pages follow each other in the order of ids, whole, whatever the filter.
pub async fn pages_join_without_gap_or_overlap(store: Subject) {
    for number in [5, 3, 9, 1, 7] {
        given(&store, number, |_| ()).await;
    }
    let search = UserSearch::parse("user").unwrap();
    for filter in [
        UserFilter::default(),
        of_tenant(TenantId::default()),
        UserFilter { statuses: vec![UserStatus::Active], ..UserFilter::default() },
        UserFilter { search, ..UserFilter::default() },
    ] {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = read(&store).await.users().page(&filter, after, 2).await.unwrap();
            assert!(page.len() <= 2);
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            all.extend(ids(&page));
        }
        assert_eq!(all, [1, 3, 5, 7, 9], "{filter:?}");
    }
    // The position need not be an account's.
    let behind = read(&store).await.users().page(&UserFilter::default(), Some(UserId::from_i64(4)), 2).await;
    assert_eq!(ids(&behind.unwrap()), [5, 7]);
}

/// An account is on one page, whoever is added meanwhile.
pub async fn pages_neither_skip_nor_repeat_while_accounts_are_added(store: Subject) {
    for number in 1..=20 {
        given(&store, number, |_| ()).await;
    }
    let filter = of_tenant(TenantId::default());
    let (mut all, mut after) = (Vec::new(), None);
    for added in 1_000..1_010 {
        let page = read(&store).await.users().page(&filter, after, 3).await.unwrap();
        after = page.last().map(|user| user.id).or(after);
        all.extend(ids(&page));
        given(&store, added, |_| ()).await;
    }
    assert_eq!(all[..20], (1..=20).collect::<Vec<_>>());
    assert!(all.is_sorted_by(|first, second| first < second), "{all:?}");
}

/// Each filter narrows, and several narrow together.
pub async fn filters_narrow(store: Subject) {
    for (number, status) in (1..).zip(UserStatus::ALL) {
        given(&store, number, |user| user.status = status).await;
    }
    given(&store, 10, |user| user.tenant = other()).await;
    given(&store, 11, |user| user.roles = user.roles.with(Role::Superuser)).await;
    given(&store, 12, |user| {
        user.tenant = other();
        user.status = UserStatus::Suspended;
    })
    .await;
    let statuses =
        |statuses: &[UserStatus]| UserFilter { statuses: statuses.to_vec(), ..UserFilter::default() };
    assert_eq!(listed(&store, &UserFilter::default()).await, [1, 2, 3, 4, 5, 10, 11, 12]);
    assert_eq!(listed(&store, &of_tenant(TenantId::default())).await, [1, 2, 3, 4, 5, 11]);
    assert_eq!(listed(&store, &of_tenant(TenantId::parse("nobody").unwrap())).await, [0; 0]);
    assert_eq!(listed(&store, &statuses(&[UserStatus::Suspended])).await, [3, 12]);
    assert_eq!(listed(&store, &statuses(&[UserStatus::Active, UserStatus::Deleted])).await, [1, 5, 10, 11]);
    assert_eq!(
        listed(&store, &UserFilter { without_superusers: true, ..UserFilter::default() }).await,
        [1, 2, 3, 4, 5, 10, 12]
    );
    let suspended = statuses(&[UserStatus::Suspended, UserStatus::Inactive]);
    let here = UserFilter { tenant: Some(TenantId::default()), ..suspended };
    assert_eq!(listed(&store, &here).await, [2, 3]);
    let search = UserSearch::parse("user3").unwrap();
    assert_eq!(listed(&store, &UserFilter { search, ..here }).await, [3]);
}

/// A search finds what an address or a name begins with, in any case, and nothing from their middle.
pub async fn a_search_finds_beginnings(store: Subject) {
    let names = ["Ada Lovelace", "Grace Hopper", "Élise", "ada"];
    for (number, name) in (1..).zip(names) {
        given(&store, number, |user| user.full_name = Some(FullName::parse(name).unwrap())).await;
    }
    given(&store, 5, |user| {
        user.full_name = None;
        user.email = Email::parse("Grace@Example.org").unwrap();
    })
    .await;
    for (text, expected) in [
        ("ADA", &[1, 4][..]),
        ("ada l", &[1]),
        ("grace", &[2, 5]),
        ("GRACE@EXAMPLE.ORG", &[5]),
        ("user", &[1, 2, 3, 4]),
        ("user1@", &[1]),
        ("Élise", &[3]),
        ("lovelace", &[]),
        ("example", &[]),
        ("zzz", &[]),
    ] {
        assert_eq!(found(&store, text).await, expected, "{text}");
    }
}

/// What patterns are made of stands for itself, and no text is too odd or too long to be looked for.
pub async fn a_search_is_no_pattern(store: Subject) {
    let names = ["100% Ada", "1000 Ada", "a_b", "axb", r"a\b", "it's", "it\"s", "*x", "(x"];
    for (number, name) in (1..).zip(names) {
        given(&store, number, |user| user.full_name = Some(FullName::parse(name).unwrap())).await;
    }
    for (text, expected) in [
        ("100%", &[1][..]),
        ("100", &[1, 2]),
        ("%", &[]),
        ("_", &[]),
        ("a_b", &[3]),
        (r"a\", &[5]),
        ("it'", &[6]),
        ("it\"", &[7]),
        ("*", &[8]),
        ("(", &[9]),
        ("' OR 1=1 --", &[]),
        ("\u{ffff}", &[]),
        ("\u{10ffff}", &[]),
    ] {
        assert_eq!(found(&store, text).await, expected, "{text}");
    }
    assert_eq!(found(&store, &"😀".repeat(UserSearch::MAX_CHARS)).await, [0; 0]);
}

/// Counts tell tenants apart, and states, and what is recent.
pub async fn counts_tell_what_there_is(store: Subject) {
    let now = builder::noon();
    let since = RecentSince { day: now - TimeDelta::days(1), week: now - TimeDelta::days(7) };
    assert_eq!(read(&store).await.users().counts(None, since).await.unwrap(), []);
    let made = |user: &mut User, days| user.created_at = now - TimeDelta::days(days);
    given(&store, 1, |user| user.factors.totp = true).await;
    given(&store, 2, |user| {
        made(user, 6);
        user.factors.email = true;
        user.last_login_at = Some(now);
    })
    .await;
    given(&store, 3, |user| {
        made(user, 8);
        user.last_login_at = Some(since.week);
        user.email_verified = false;
        // Switched on, but no number is proved: no login demands it.
        user.factors.sms = SmsFactor { enabled: true, number: None, pending: Some(builder::phone(1)) };
        user.status = UserStatus::Inactive;
    })
    .await;
    given(&store, 4, |user| {
        user.factors.sms = SmsFactor { enabled: true, number: Some(builder::phone(1)), pending: None };
        user.status = UserStatus::Suspended;
    })
    .await;
    given(&store, 5, |user| user.status = UserStatus::Pending).await;
    given(&store, 6, |user| {
        user.factors.totp = true;
        user.last_login_at = Some(now);
        user.status = UserStatus::Deleted;
    })
    .await;
    given(&store, 7, |user| user.tenant = TenantId::parse("a-tenant").unwrap()).await;
    let first = UserCounts {
        tenant: TenantId::default(),
        active: 2,
        inactive: 1,
        suspended: 1,
        pending: 1,
        deleted: 1,
        verified: 4,
        with_second_factor: 3,
        registered: Recent { day: 3, week: 4 },
        signed_in: Recent { day: 1, week: 2 },
    };
    let counts = read(&store).await.users().counts(Some(TenantId::default()), since).await.unwrap();
    assert_eq!(counts, std::slice::from_ref(&first));
    let all = read(&store).await.users().counts(None, since).await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].tenant.as_str(), all[0].active), ("a-tenant", 1));
    assert_eq!(all[1], first);
}

/// Only those who are in use count as superusers, in whatever tenant.
pub async fn lock_superusers_gives_the_active_ones(store: Subject) {
    let superuser = |user: &mut User| user.roles = user.roles.with(Role::Superuser);
    given(&store, 3, superuser).await;
    given(&store, 1, |user| {
        superuser(user);
        user.tenant = other();
    })
    .await;
    given(&store, 2, |user| user.roles = user.roles.with(Role::ApplicationAdmin)).await;
    given(&store, 4, |user| {
        superuser(user);
        user.status = UserStatus::Inactive;
    })
    .await;
    let mut tx = begin(&store).await;
    assert_eq!(ids(&tx.users().lock_superusers().await.unwrap()), [1, 3]);
    tx.commit().await.unwrap();
}

async fn demote_unless_last(store: &Subject, id: UserId) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let superusers = tx.users().lock_superusers().await?;
    if superusers.len() < 2 || !superusers.iter().any(|user| user.id == id) {
        tx.rollback().await?;
        return Ok(false);
    }
    let mut user = tx.users().lock(id).await?.expect("it was inserted");
    user.roles.superuser = false;
    tx.users().save(&user).await?.expect("the address stays");
    tx.commit().await?;
    Ok(true)
}

/// However many superusers are demoted at the same moment, the last one sees that it is the last.
pub async fn parallel_demotions_leave_one_superuser(store: Subject) {
    for number in 1..=i64::from(CALLERS) {
        given(&store, number, |user| user.roles = user.roles.with(Role::Superuser)).await;
    }
    let demoted = race(|caller| {
        let (store, id) = (store.clone(), UserId::from_i64(i64::from(caller) + 1));
        async move { retried(|| demote_unless_last(&store, id)).await }
    })
    .await;
    assert_eq!(demoted.iter().filter(|&&demoted| demoted).count(), CALLERS as usize - 1);
    let mut tx = begin(&store).await;
    assert_eq!(tx.users().lock_superusers().await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

async fn sessions_of(store: &Subject, user: &User, limit: u32) -> Vec<i64> {
    let sessions = read(store).await.sessions().all_of(user.id, limit).await.unwrap();
    sessions.iter().map(|session| session.id.as_i64()).collect()
}

async fn given_ended(store: &Subject, number: i64, user: &User, at: DateTime<Utc>) {
    given_session(store, number, user, builder::noon()).await;
    let ended = builder::ended(EndReason::Revoked, at);
    assert!(read(store).await.sessions().end(SessionId::from_i64(number), ended).await.unwrap());
}

/// Those that have not ended come first, the newest first; then the others, by their end.
pub async fn all_of_lists_open_and_ended_sessions(store: Subject) {
    let now = builder::noon();
    let (user, stranger) = (given_user(&store, 1, now).await, given_user(&store, 2, now).await);
    given_session(&store, 1, &user, now).await;
    given_session(&store, 2, &user, now + TimeDelta::hours(1)).await;
    given_session(&store, 3, &stranger, now).await;
    given_ended(&store, 4, &user, now + TimeDelta::hours(3)).await;
    given_ended(&store, 5, &user, now + TimeDelta::hours(2)).await;
    given_session(&store, 6, &user, now - TimeDelta::days(90)).await; // expired, never ended
    assert_eq!(sessions_of(&store, &user, 10).await, [2, 1, 6, 4, 5]);
    for limit in 0..5 {
        assert_eq!(sessions_of(&store, &user, limit).await, [2, 1, 6, 4, 5][..limit as usize], "{limit}");
    }
    let ended = read(&store).await.sessions().all_of(user.id, 10).await.unwrap().remove(3);
    assert_eq!(ended.ended, Some(builder::ended(EndReason::Revoked, now + TimeDelta::hours(3))));
}

/// A session lives that has neither ended nor expired.
pub async fn count_live_counts_what_lives(store: Subject) {
    let now = builder::noon();
    let user = given_user(&store, 1, now).await;
    let there = given(&store, 2, |user| user.tenant = other()).await;
    given_session(&store, 1, &user, now).await;
    given_session(&store, 2, &user, now - TimeDelta::days(90)).await;
    given_ended(&store, 3, &user, now).await;
    given_session(&store, 4, &there, now).await;
    given_session(&store, 5, &there, now).await;
    for (tenant, expected) in [(None, 3), (Some(TenantId::default()), 1), (Some(other()), 2)] {
        let live = read(&store).await.sessions().count_live(tenant.clone(), now).await.unwrap();
        assert_eq!(live, expected, "{tenant:?}");
    }
}
