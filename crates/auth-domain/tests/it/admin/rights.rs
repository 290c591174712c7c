//! Who may do what to whom.

use auth_domain::{
    audit::AuditEvent,
    id::{SessionId, UserId},
    port::Store as _,
    usecase::{
        Action, Actor, AdminError, CloseAccount, CloseAccountError, NewAccount, Policy, Power, RoleChange,
    },
    user::{Password, Role, Roles, UserStatus},
};
use auth_testkit::builder;

use super::{
    ADA, ADMIN, BOB, EVE, GIVEN, House, MANAGER, STRANGER, act, admitted, outcome, target, with_second_factor,
};
use crate::second_factor::client;

/// What is done to one account.
const ACTIONS: [Action; 12] = [
    Action::Show,
    Action::Delete,
    Action::Reactivate,
    Action::ChangeStatus,
    Action::ChangeRoles,
    Action::ResetPassword,
    Action::Unlock,
    Action::ResetFactors,
    Action::ReadSessions,
    Action::EndSessions,
    Action::ReadDevices,
    Action::ForgetDevices,
];

/// Every action by everybody to everybody, against the rule written down once more.
#[tokio::test]
async fn everybody_may_do_to_everybody_what_the_rules_say() {
    for action in ACTIONS {
        for who in [ADA, MANAGER, ADMIN, EVE, STRANGER] {
            for whom in [ADA, MANAGER, ADMIN, EVE, BOB, STRANGER, 12345] {
                let house = House::new().await;
                let did = house.tries(who, action, whom).await;
                assert_eq!(did, expected(who, action, whom), "{who} {action:?} {whom}");
            }
        }
    }
}

fn expected(who: i64, action: Action, whom: i64) -> &'static str {
    let su_only = !matches!(
        action,
        Action::Delete
            | Action::Reactivate
            | Action::ChangeRoles
            | Action::ResetPassword
            | Action::Unlock
            | Action::ReadSessions
    );
    match who {
        ADA | MANAGER => return "not_allowed",
        ADMIN if su_only => return "not_allowed",
        _ => {}
    }
    let own_tenant = if who == STRANGER { whom == STRANGER } else { whom != STRANGER };
    if !own_tenant || whom == 12345 {
        return "not_found";
    }
    if who == ADMIN && [EVE, BOB].contains(&whom) {
        return if action == Action::ReadSessions { "not_found" } else { "of_superuser" };
    }
    let own = matches!(
        action,
        Action::Delete
            | Action::ChangeStatus
            | Action::ChangeRoles
            | Action::ResetPassword
            | Action::ResetFactors
    );
    match action {
        _ if who == whom && own => "own_account",
        Action::Reactivate => "not_deleted",
        _ => "done",
    }
}

#[tokio::test]
async fn an_operator_does_everything_in_every_tenant() {
    for action in ACTIONS {
        for whom in [ADA, EVE, STRANGER] {
            let house = House::new().await;
            let did = outcome(&act(house.admin(), Actor::Operator, action, &target(whom)).await);
            let expected = if action == Action::Reactivate { "not_deleted" } else { "done" };
            assert_eq!(did, expected, "{action:?} {whom}");
        }
    }
}

/// AZ-10: refusals leave who tried what on whom, and nothing else.
#[tokio::test]
async fn what_is_refused_is_noted_and_changes_nothing() {
    let house = House::new().await;
    let before = house.user(EVE).await;
    for (who, whom, reason) in [
        (ADMIN, EVE, "of_superuser"),
        (ADA, EVE, "not_allowed"),
        (EVE, EVE, "own_account"),
        (STRANGER, EVE, "not_found"),
    ] {
        assert_eq!(house.tries(who, Action::Delete, whom).await, reason);
        let noted = house.audited(AuditEvent::AuthzDenied).await.remove(0);
        assert_eq!((noted.actor, noted.subject), (Some(UserId::from_i64(who)), Some(UserId::from_i64(whom))));
        assert_eq!(noted.tenant, house.user(who).await.tenant, "of the actor, not of the victim");
        assert_eq!(noted.session.map(SessionId::as_i64), Some(who));
        for detail in [("reason", reason), ("action", "delete")] {
            assert!(noted.details.contains(&(detail.0.to_owned(), detail.1.to_owned())), "{noted:?}");
        }
    }
    assert_eq!(house.user(EVE).await, before);
    assert_eq!(house.audited(AuditEvent::UserDeleted).await, []);
}

/// AZ-04: the rights are those of the transaction that acts, whatever the door saw.
#[tokio::test]
async fn roles_count_as_they_are_when_somebody_acts() {
    let house = House::new().await;
    let (stale, client) = (house.caller(BOB).await, client());
    house.admin().change_roles(Actor::Operator, &target(BOB), none()).await.expect("a change");
    let actor = Actor::Person { caller: &stale, client: &client };
    for action in ACTIONS {
        let did = outcome(&act(house.admin(), actor, action, &target(ADA)).await);
        assert_eq!(did, "not_allowed", "{action:?}");
    }
    let disabled = house.caller(ADMIN).await;
    house.admin().delete(Actor::Operator, &target(ADMIN)).await.expect("a change");
    let actor = Actor::Person { caller: &disabled, client: &client };
    assert_eq!(outcome(&house.admin().unlock(actor, &target(ADA)).await), "not_allowed");
}

const fn none() -> RoleChange {
    RoleChange { superuser: Some(false), application_admin: Some(false), manager: Some(false) }
}

#[tokio::test]
async fn nobody_grants_more_than_they_have() {
    let house = House::new().await;
    let (caller, client) = (house.caller(ADMIN).await, client());
    let actor = Actor::Person { caller: &caller, client: &client };
    let superuser = RoleChange { superuser: Some(true), ..RoleChange::default() };
    let refused = house.admin().change_roles(actor, &target(ADA), superuser).await;
    assert!(matches!(refused, Err(AdminError::NotAllowed)), "{refused:?}");
    let both = RoleChange { superuser: Some(true), manager: Some(true), application_admin: None };
    let refused = house.admin().change_roles(actor, &target(ADA), both).await;
    assert!(matches!(refused, Err(AdminError::NotAllowed)), "{refused:?}");
    assert_eq!(house.user(ADA).await.roles, Roles::default(), "nor half of it");
    for roles in
        [Roles::default().with(Role::Superuser), Roles::default().with(Role::Superuser).with(Role::Manager)]
    {
        let refused = house.admin().create(actor, &account("default", roles)).await;
        assert!(matches!(refused, Err(AdminError::NotAllowed)), "{refused:?}");
    }
    let elsewhere = house.admin().create(actor, &account("other", Roles::default())).await;
    assert!(matches!(elsewhere, Err(AdminError::NotAllowed)), "{elsewhere:?}");

    let granted = RoleChange { application_admin: Some(true), manager: Some(true), superuser: Some(false) };
    let user = house.admin().change_roles(actor, &target(ADA), granted).await.expect("a change");
    assert_eq!(user.roles.names(), ["application_admin", "manager"]);
    assert_eq!(house.user(ADA).await.roles, user.roles);
    assert_eq!(house.audited(AuditEvent::RoleGranted).await.len(), 2);
    house.admin().change_roles(actor, &target(ADA), none()).await.expect("a change");
    assert_eq!(house.audited(AuditEvent::RoleTaken).await.len(), 2);
    house.admin().change_roles(actor, &target(ADA), none()).await.expect("nothing to change");
    assert_eq!(house.audited(AuditEvent::RoleTaken).await.len(), 2, "what stays is no event");
}

fn account(tenant: &str, roles: Roles) -> NewAccount {
    NewAccount {
        tenant: auth_domain::tenant::TenantId::parse(tenant).expect("a name"),
        email: builder::email("new@example.com"),
        password: admitted(GIVEN),
        full_name: None,
        roles,
        is_temporary: false,
    }
}

/// AZ-09: the last active superuser stays, whoever wants them away and however.
#[tokio::test]
async fn the_last_superuser_stays() {
    let house = House::new().await;
    for whom in [BOB, STRANGER] {
        house.admin().delete(Actor::Operator, &target(whom)).await.expect("there are others");
    }
    for action in [Action::Delete, Action::ChangeStatus] {
        let did = act(house.admin(), Actor::Operator, action, &target(EVE)).await;
        assert_eq!(outcome(&did), "last_superuser", "{action:?}");
    }
    let demoted = house.admin().change_roles(Actor::Operator, &target(EVE), none()).await;
    assert_eq!(outcome(&demoted), "last_superuser");
    assert_eq!(house.live_sessions(EVE).await, 1, "nor is anything lost by trying");
    assert!(house.user(EVE).await.roles.superuser);
    // One that is switched off is none.
    house.admin().reactivate(Actor::Operator, &target(BOB)).await.expect("it is back");
    house
        .admin()
        .change_status(Actor::Operator, &target(BOB), UserStatus::Inactive, None)
        .await
        .expect("off");
    let did = act(house.admin(), Actor::Operator, Action::Delete, &target(EVE)).await;
    assert_eq!(outcome(&did), "last_superuser");
    house.admin().change_status(Actor::Operator, &target(BOB), UserStatus::Active, None).await.expect("on");
    house.admin().delete(Actor::Operator, &target(EVE)).await.expect("there is another one");
}

#[tokio::test]
async fn the_last_superuser_does_not_close_their_own_account() {
    let house = House::new().await;
    house.admin().reset_password(Actor::Operator, &target(EVE), &super::hand_out(false)).await.expect("one");
    for whom in [BOB, STRANGER] {
        house.admin().delete(Actor::Operator, &target(whom)).await.expect("there are others");
    }
    let close = CloseAccount { password: Password::new(GIVEN.to_owned()), client: client() };
    let caller = house.caller(EVE).await;
    let refused = house.test.engine.accounts.close(&caller, &close).await;
    assert!(matches!(refused, Err(CloseAccountError::LastSuperuser)), "{refused:?}");
    assert!(house.user(EVE).await.is_active());
    house.admin().reactivate(Actor::Operator, &target(BOB)).await.expect("it is back");
    house.test.engine.accounts.close(&caller, &close).await.expect("there is another one");
    assert!(!house.user(EVE).await.is_active());
}

/// AZ-05: where it is asked for, no power without a second factor in the session.
#[tokio::test]
async fn administration_can_ask_for_a_second_factor() {
    let house = House::with(Policy { admin_requires_second_factor: true, ..Policy::default() }).await;
    let (caller, client) = (house.caller(EVE).await, client());
    let refused = house.admin().check(&caller, Power::ApplicationAdmin);
    assert!(matches!(refused, Err(AdminError::SecondFactorRequired)), "{refused:?}");
    assert_eq!(house.tries(EVE, Action::Unlock, ADA).await, "second_factor_required");
    let nobody = house.caller(ADA).await;
    let refused = house.admin().check(&nobody, Power::ApplicationAdmin);
    assert!(matches!(refused, Err(AdminError::NotAllowed)), "who has no power needs none: {refused:?}");

    let caller = with_second_factor(caller);
    house.admin().check(&caller, Power::Superuser).expect("a second factor");
    let actor = Actor::Person { caller: &caller, client: &client };
    house.admin().unlock(actor, &target(ADA)).await.expect("a second factor");
    house.admin().unlock(Actor::Operator, &target(ADA)).await.expect("an operator needs none");
    let sister = auth_domain::usecase::Caller { session: None, ..caller };
    let refused = house.admin().check(&sister, Power::ApplicationAdmin);
    assert!(
        matches!(refused, Err(AdminError::SecondFactorRequired)),
        "a token without a session: {refused:?}"
    );
}

/// Two superusers remove each other at the same moment, again and again: one stays each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_remove_each_other_one_stays() {
    let house = std::sync::Arc::new(House::new().await);
    house.admin().delete(Actor::Operator, &target(STRANGER)).await.expect("there are others");
    for round in 0..20 {
        let pairs = (0..50).map(|number| if number % 2 == 0 { (EVE, BOB) } else { (BOB, EVE) });
        let mut tasks = tokio::task::JoinSet::new();
        for (who, whom) in pairs {
            let (house, caller) = (house.clone(), house.caller(who).await);
            tasks.spawn(async move {
                let actor = Actor::Person { caller: &caller, client: &client() };
                house.admin().delete(actor, &target(whom)).await.is_ok()
            });
        }
        let removed = tasks.join_all().await.into_iter().filter(|removed| *removed).count();
        assert_eq!(removed, 1, "round {round}");
        let mut tx = house.store.begin().await.expect("a transaction");
        let left = tx.users().lock_superusers().await.expect("an answer");
        tx.rollback().await.expect("an end");
        assert_eq!(left.len(), 1, "round {round}");
        let gone = if left[0].id.as_i64() == EVE { BOB } else { EVE };
        house.admin().reactivate(Actor::Operator, &target(gone)).await.expect("back for the next round");
    }
}
