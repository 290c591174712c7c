//! Lists, the log and the numbers.

use auth_domain::{
    audit::AuditEvent,
    id::UserId,
    tenant::TenantId,
    usecase::{Action, Actor, AdminError, AuditQuery, LoginError, UserQuery},
    user::{UserSearch, UserStatus},
};

use super::{ADA, ADMIN, BOB, EVE, House, MANAGER, STRANGER, accounts::sign_in, target};
use crate::second_factor::client;

async fn listed(house: &House, who: i64, query: &UserQuery) -> Vec<i64> {
    let (caller, client) = (house.caller(who).await, client());
    let actor = Actor::Person { caller: &caller, client: &client };
    let page = house.admin().list(actor, query, 100, None).await.expect("a page");
    assert_eq!(page.next, None);
    page.items.iter().map(|listed| listed.user.id.as_i64()).collect()
}

#[tokio::test]
async fn administrators_see_their_tenant_and_superusers_see_superusers() {
    let house = House::new().await;
    let all = UserQuery::default();
    assert_eq!(listed(&house, EVE, &all).await, [EVE, ADMIN, ADA, MANAGER, BOB]);
    assert_eq!(listed(&house, ADMIN, &all).await, [ADMIN, ADA, MANAGER]);
    assert_eq!(listed(&house, STRANGER, &all).await, [STRANGER]);
    let elsewhere = UserQuery { tenant: Some(TenantId::default()), ..all.clone() };
    assert_eq!(listed(&house, STRANGER, &elsewhere).await, [STRANGER], "a person sees no other tenant");
    let search = UserSearch::parse("USER3").expect("a search");
    assert_eq!(listed(&house, EVE, &UserQuery { search, ..all.clone() }).await, [ADA]);
    house.admin().delete(Actor::Operator, &target(ADA)).await.expect("gone");
    assert_eq!(listed(&house, ADMIN, &all).await, [ADMIN, MANAGER], "who was removed is left out");
    let deleted = UserQuery { statuses: vec![UserStatus::Deleted], ..all };
    assert_eq!(listed(&house, ADMIN, &deleted).await, [ADA], "unless asked for");
}

#[tokio::test]
async fn ordinary_people_read_nothing() {
    let house = House::new().await;
    let client = client();
    for who in [ADA, MANAGER] {
        let caller = house.caller(who).await;
        let actor = Actor::Person { caller: &caller, client: &client };
        let admin = house.admin();
        let list = admin.list(actor, &UserQuery::default(), 10, None).await.map(drop);
        let log = admin.audit(actor, &AuditQuery::default(), 10, None).await.map(drop);
        let numbers = admin.stats(actor).await.map(drop);
        for refused in [list, log, numbers] {
            assert!(matches!(refused, Err(AdminError::NotAllowed)), "{refused:?}");
        }
    }
    assert_eq!(house.audited(AuditEvent::AuthzDenied).await.len(), 6);
    let caller = house.caller(ADMIN).await;
    let actor = Actor::Person { caller: &caller, client: &client };
    let log = house.admin().audit(actor, &AuditQuery::default(), 10, None).await.map(drop);
    assert!(matches!(log, Err(AdminError::NotAllowed)), "{log:?}");
}

#[tokio::test]
async fn cursors_lead_on_and_only_where_they_came_from() {
    let house = House::new().await;
    let (caller, client) = (house.caller(EVE).await, client());
    let actor = Actor::Person { caller: &caller, client: &client };
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page =
            house.admin().list(actor, &UserQuery::default(), 2, cursor.as_deref()).await.expect("a page");
        seen.extend(page.items.iter().map(|listed| listed.user.id.as_i64()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [EVE, ADMIN, ADA, MANAGER, BOB]);
    let first = house.admin().list(actor, &UserQuery::default(), 2, None).await.expect("a page");
    let good = first.next.expect("more");
    let stranger = house.caller(STRANGER).await;
    let other = Actor::Person { caller: &stranger, client: &client };
    let mut bent = good.clone().into_bytes();
    bent[0] ^= 1;
    let bent = String::from_utf8(bent).expect("still text");
    for (actor, cursor) in
        [(other, good.as_str()), (actor, bent.as_str()), (actor, ""), (actor, "AAAA"), (actor, "!")]
    {
        let refused = house.admin().list(actor, &UserQuery::default(), 2, Some(cursor)).await;
        assert!(matches!(refused, Err(AdminError::BadCursor)), "{cursor}: {refused:?}");
    }
    let log = house.admin().audit(actor, &AuditQuery::default(), 2, Some(&good)).await;
    assert!(matches!(log, Err(AdminError::BadCursor)), "of another list: {log:?}");
}

#[tokio::test]
async fn the_log_is_the_tenants_own() {
    let house = House::new().await;
    house.tries(STRANGER, Action::Unlock, STRANGER).await;
    house.tries(EVE, Action::Unlock, ADA).await;
    let (caller, client) = (house.caller(EVE).await, client());
    let actor = Actor::Person { caller: &caller, client: &client };
    let page = house.admin().audit(actor, &AuditQuery::default(), 10, None).await.expect("a page");
    assert!(page.items.iter().all(|entry| entry.tenant == TenantId::default()), "{page:?}");
    let query = AuditQuery {
        event: Some(AuditEvent::LanesCleared),
        user: Some(UserId::from_i64(ADA)),
        ..AuditQuery::default()
    };
    let page = house.admin().audit(actor, &query, 10, None).await.expect("a page");
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].actor, Some(caller.user.id));
    assert_eq!(house.audited(AuditEvent::AuditRead).await.len(), 2, "who reads is read about");
    let later = AuditQuery { since: Some(house.now() + chrono::TimeDelta::days(1)), ..query };
    assert_eq!(house.admin().audit(actor, &later, 10, None).await.expect("a page").items, []);
}

#[tokio::test]
async fn the_list_tells_who_is_locked() {
    let house = House::new().await;
    let given = super::hand_out(false);
    house.admin().reset_password(Actor::Operator, &target(ADA), &given).await.expect("a password");
    for _ in 0..5 {
        let refused = sign_in(&house.test.engine.login, "user30@example.com", "wrong").await;
        assert!(matches!(refused, Err(LoginError::BadCredentials)), "{refused:?}");
    }
    let page = house.admin().list(Actor::Operator, &UserQuery::default(), 10, None).await.expect("a page");
    let failures = |number: i64| {
        let listed = page.items.iter().find(|listed| listed.user.id.as_i64() == number).expect("listed");
        listed.passwords.state.map_or(0, |state| state.failures)
    };
    assert_eq!((failures(ADA), failures(EVE)), (5, 0));
}

#[tokio::test]
async fn numbers_are_those_of_the_tenant() {
    let house = House::new().await;
    let (caller, client) = (house.caller(STRANGER).await, client());
    let stats =
        house.admin().stats(Actor::Person { caller: &caller, client: &client }).await.expect("numbers");
    assert_eq!((stats.users.len(), stats.users[0].active, stats.live_sessions), (1, 1, 1));
    let stats = house.admin().stats(Actor::Operator).await.expect("numbers");
    assert_eq!((stats.users.len(), stats.live_sessions), (2, 6));
    assert_eq!((stats.users[0].active, stats.users[0].registered.day), (5, 5));
}

#[tokio::test]
async fn an_account_is_shown_with_all_there_is_to_it() {
    let house = House::new().await;
    house.admin().end_sessions(Actor::Operator, &target(ADA)).await.expect("ended");
    let view = house.admin().show(Actor::Operator, &target(ADA)).await.expect("a view");
    assert_eq!((view.user.id.as_i64(), view.sessions.len(), view.recovery_codes), (ADA, 1, 0));
    assert!(view.sessions[0].ended.is_some());
    assert_eq!(view.passwords.state, None);
    assert_eq!(house.audited(AuditEvent::UserShown).await.len(), 1);
    assert_eq!(house.audited(AuditEvent::SessionsEnded).await.len(), 1);
}
