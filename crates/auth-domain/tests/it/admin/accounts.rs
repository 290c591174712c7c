//! Accounts made, switched off, removed and brought back.

use auth_domain::{
    audit::AuditEvent,
    client::Client,
    factor::FactorKind,
    port::Store as _,
    tenant::TenantId,
    token::LinkPurpose,
    usecase::{Action, Actor, AdminError, Login, LoginError, NewAccount, PasswordLogin, RoleChange, Target},
    user::{Password, Role, Roles, UserStatus},
};
use auth_testkit::{builder, fake::NoticeKind};

use super::{ADA, EVE, GIVEN, House, admitted, target};
use crate::second_factor::{Ada, client};

fn newcomer(is_temporary: bool) -> NewAccount {
    NewAccount {
        tenant: TenantId::default(),
        email: builder::email("New@Example.com"),
        password: admitted(GIVEN),
        full_name: None,
        roles: Roles::default().with(Role::Manager),
        is_temporary,
    }
}

pub(super) async fn sign_in(login: &Login, email: &str, password: &str) -> Result<bool, LoginError> {
    let request = PasswordLogin {
        email: builder::email(email),
        password: Password::new(password.to_owned()),
        ..Ada::login(None)
    };
    login.with_password(&request).await.map(|signed_in| signed_in.user.must_change_password())
}

#[tokio::test]
async fn an_account_is_made_and_its_owner_proves_the_address() {
    let house = House::new().await;
    let (caller, client) = (house.caller(EVE).await, client());
    let actor = Actor::Person { caller: &caller, client: &client };
    let user = house.admin().create(actor, &newcomer(false)).await.expect("an account");
    assert_eq!((user.roles.names(), user.email_verified), (vec!["manager"], false));
    house.test.engine.delivery.run(10).await.expect("mail");
    let kinds: Vec<NoticeKind> = house.test.mailer.sent().iter().map(|letter| letter.kind).collect();
    assert_eq!(kinds, [NoticeKind::VerifyEmail], "the password goes another way");
    let made = house.audited(AuditEvent::UserCreated).await.remove(0);
    assert_eq!((made.actor, made.subject), (Some(caller.user.id), Some(user.id)));
    let refused = sign_in(&house.test.engine.login, "new@example.com", GIVEN).await;
    assert!(matches!(refused, Err(LoginError::EmailNotVerified)), "{refused:?}");
}

#[tokio::test]
async fn a_temporary_password_is_mailed_and_lets_in_until_it_is_changed() {
    let house = House::new().await;
    let user = house.admin().create(Actor::Operator, &newcomer(true)).await.expect("an account");
    assert!(user.must_change_password());
    house.test.engine.delivery.run(10).await.expect("mail");
    let sent = house.test.mailer.sent();
    assert_eq!((sent.len(), sent[0].kind), (1, NoticeKind::TemporaryPassword));
    assert_eq!(sent[0].password.as_deref(), Some(GIVEN));
    assert_eq!(sent[0].to.as_str(), "new@example.com");
    let must_change = sign_in(&house.test.engine.login, "new@example.com", GIVEN).await.expect("a login");
    assert!(must_change);
}

#[tokio::test]
async fn a_taken_address_is_refused_and_a_removed_one_is_named() {
    let house = House::new().await;
    let taken = NewAccount { email: house.user(ADA).await.email, ..newcomer(false) };
    let refused = house.admin().create(Actor::Operator, &taken).await;
    assert!(matches!(refused, Err(AdminError::EmailTaken)), "{refused:?}");
    house.admin().delete(Actor::Operator, &target(ADA)).await.expect("gone");
    let refused = house.admin().create(Actor::Operator, &taken).await;
    let Err(AdminError::EmailDeleted { user, deleted_at }) = refused else { panic!("{refused:?}") };
    assert_eq!((user.as_i64(), deleted_at), (ADA, house.now()));
    assert_eq!(house.audited(AuditEvent::UserCreated).await, []);
}

#[tokio::test]
async fn whoever_is_switched_off_is_out_at_once() {
    for status in [UserStatus::Inactive, UserStatus::Suspended, UserStatus::Pending, UserStatus::Deleted] {
        let house = House::new().await;
        let ada = house.user(ADA).await;
        let now = house.now();
        let mut repos = house.store.read().await.expect("a store");
        for (number, purpose) in (1..).zip(LinkPurpose::ALL) {
            repos.links().replace(&builder::link(number, purpose, &ada, now)).await.expect("a link");
        }
        assert_eq!(house.live_sessions(ADA).await, 1);
        let before = if status == UserStatus::Deleted {
            house.admin().delete(Actor::Operator, &target(ADA)).await.expect("gone");
            UserStatus::Active
        } else {
            let why = Some("a reason");
            house.admin().change_status(Actor::Operator, &target(ADA), status, why).await.expect("off").before
        };
        assert_eq!((before, house.user(ADA).await.status), (UserStatus::Active, status));
        assert_eq!(house.live_sessions(ADA).await, 0, "{status}");
        for (number, purpose) in (1..).zip(LinkPurpose::ALL) {
            let digest = builder::link(number, purpose, &ada, now).digest;
            assert_eq!(
                repos.links().find(&digest, now).await.expect("an answer"),
                None,
                "{status} {purpose:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_change_of_state_tells_from_what_to_what_and_why() {
    let house = House::new().await;
    let change = |status, why| {
        let house = &house;
        async move { house.admin().change_status(Actor::Operator, &target(ADA), status, why).await }
    };
    change(UserStatus::Suspended, Some("too loud")).await.expect("off");
    assert_eq!(change(UserStatus::Active, None).await.expect("on").before, UserStatus::Suspended);
    let entries = house.audited(AuditEvent::StatusChanged).await;
    let details = |number: usize| {
        let details = &entries[number].details;
        details.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(details(1), "from=active to=suspended reason=too loud");
    assert_eq!(details(0), "from=suspended to=active");
    assert_eq!(house.live_sessions(ADA).await, 0, "sessions do not come back");
}

#[tokio::test]
async fn a_removed_account_can_only_be_brought_back() {
    let house = House::new().await;
    let by_address =
        Target::Address { tenant: TenantId::default(), email: house.user(ADA).await.email.clone() };
    house.admin().delete(Actor::Operator, &by_address).await.expect("gone");
    for action in [
        Action::Delete,
        Action::ChangeStatus,
        Action::ChangeRoles,
        Action::ResetPassword,
        Action::Unlock,
        Action::ResetFactors,
        Action::ReadSessions,
        Action::EndSessions,
        Action::ReadDevices,
        Action::ForgetDevices,
    ] {
        assert_eq!(house.tries(EVE, action, ADA).await, "not_found", "{action:?}");
    }
    assert_eq!(house.tries(EVE, Action::Show, ADA).await, "done");
    let back = house.admin().reactivate(Actor::Operator, &by_address).await.expect("back");
    assert_eq!(back.status, UserStatus::Active);
    assert_eq!(house.tries(EVE, Action::Reactivate, ADA).await, "not_deleted");
    let events = [AuditEvent::UserDeleted, AuditEvent::UserReactivated];
    for event in events {
        assert_eq!(house.audited(event).await.len(), 1, "{event}");
    }
}

#[tokio::test]
async fn who_lost_their_second_factors_is_without_them() {
    let house = House::new().await;
    let mut ada = house.user(ADA).await;
    ada.factors.totp = true;
    ada.factors.email = true;
    let mut tx = house.store.begin().await.expect("a transaction");
    tx.users().lock(ada.id).await.expect("a row");
    tx.users().save(&ada).await.expect("a store").expect("its own address");
    let codes = [auth_domain::secret::Digest::of(b"one"), auth_domain::secret::Digest::of(b"two")];
    tx.factors().replace_recovery_codes(ada.id, &codes, house.now()).await.expect("codes");
    tx.commit().await.expect("a commit");
    let (user, had) = house.admin().reset_factors(Actor::Operator, &target(ADA)).await.expect("it is done");
    assert_eq!(had, [FactorKind::Totp, FactorKind::Email]);
    assert!(!user.factors.is_demanded() && !house.user(ADA).await.factors.is_demanded());
    let mut repos = house.store.read().await.expect("a store");
    assert_eq!(repos.factors().recovery_codes_left(ada.id).await.expect("an answer"), 0);
    assert_eq!(house.live_sessions(ADA).await, 0);
    house.test.engine.delivery.run(10).await.expect("mail");
    assert_eq!(house.test.mailer.sent().len(), 2, "one for each");
    assert_eq!(house.audited(AuditEvent::FactorsReset).await.len(), 1);
}

#[tokio::test]
async fn roles_of_a_closed_tenant_are_no_concern() {
    let house = House::new().await;
    let elsewhere = Target::Address {
        tenant: TenantId::parse("other").expect("a name"),
        email: house.user(ADA).await.email.clone(),
    };
    let (caller, client) = (house.caller(EVE).await, Client::default());
    let actor = Actor::Person { caller: &caller, client: &client };
    let refused = house.admin().change_roles(actor, &elsewhere, RoleChange::default()).await;
    assert!(matches!(refused, Err(AdminError::NotFound { id: None, .. })), "{refused:?}");
}
