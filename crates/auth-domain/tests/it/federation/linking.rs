//! Which account somebody gets into for whom the pool vouches.

use auth_domain::{
    audit::AuditEvent,
    guard::lockout::LockPolicy,
    port::Store as _,
    tenant::TenantId,
    token::AuthMethod,
    usecase::{
        Actor, FactorChange, LinkIdentity, LinkIdentityError, LoginError, Policy, ProviderLoginError,
        RoleChange, Target, UnlinkIdentityError,
    },
    user::{Password, Role, UserStatus},
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::{HERE, THERE, World, ada, client, email, is_bad_credentials, login, reason};

#[tokio::test]
async fn a_new_person_gets_a_proved_account_without_a_password() {
    let world = World::new().await;
    let signed_in = world.through_pool().await;
    let user = &signed_in.user;
    assert!(user.email_verified && user.is_active() && user.credential.is_none());
    assert_eq!(signed_in.session.authentication.methods, [AuthMethod::Cognito]);
    let [link] = world.links(user.id).await.try_into().expect("one link");
    assert_eq!(link.key.subject(), "sub-ada");
    assert_eq!(world.log(AuditEvent::IdentityLinked).await.len(), 1);
    assert_eq!(world.told().await, [], "nobody is told of what they just did");
    // The next login finds it again.
    let again = world.through_pool().await;
    assert_eq!((again.user.id, world.links(user.id).await.len()), (user.id, 1));
    // No password of any kind opens it.
    for password in [THERE, HERE, ""] {
        assert!(matches!(world.try_native(password).await, Err(LoginError::BadCredentials)), "{password}");
    }
}

#[tokio::test]
async fn a_proved_account_of_the_address_is_linked_and_its_owner_told() {
    let world = World::new().await;
    let before = world.register_proved(&ada()).await;
    let session = world.try_native(HERE).await.expect("a session");
    let signed_in = world.through_pool().await;
    assert_eq!(signed_in.user.id, before.id);
    assert_eq!(world.told().await, [NoticeKind::IdentityLinked]);
    assert_eq!(world.log(AuditEvent::IdentityLinked).await.len(), 1);
    // What was there before goes on.
    world.caller(&session).await;
    world.try_native(HERE).await.expect("the password still works");
}

#[tokio::test]
async fn whoever_waited_in_an_unproved_account_is_turned_out() {
    let world = World::new().await;
    let before = world.register(&ada()).await;
    world.deliver().await;
    let token = world.test.mailer.token(NoticeKind::VerifyEmail, &ada()).expect("a link");
    world.test.mailer.clear();
    let signed_in = world.through_pool().await;
    assert_eq!(signed_in.user.id, before.id);
    assert!(signed_in.user.email_verified && signed_in.user.credential.is_none());
    assert!(matches!(world.try_native(HERE).await, Err(LoginError::BadCredentials)));
    assert!(world.test.engine.accounts.verify_email(&token, &client()).await.is_err(), "its link is dead");
    assert_eq!(world.told().await, [NoticeKind::AccountClaimed]);
    assert_eq!(world.live(before.id).await.len(), 1);
}

/// CG-02: whoever owns the pool, or a mailbox, does not become an operator here by that.
#[tokio::test]
async fn an_account_with_a_role_is_linked_on_purpose_only() {
    for role in [Role::Superuser, Role::ApplicationAdmin, Role::Manager] {
        let world = World::new().await;
        let user = world.register_proved(&ada()).await;
        let (admin, change) = (&world.test.engine.admin, RoleChange::of(role, true));
        admin.change_roles(Actor::Operator, &Target::Id(user.id), change).await.expect("a role");
        is_bad_credentials(&world.try_pool(&ada(), THERE).await);
        let [entry] = world.log(AuditEvent::IdentityRefused).await.try_into().expect("one entry");
        assert_eq!((reason(&entry), entry.subject), (Some("account_has_role"), Some(user.id)));
        assert_eq!(world.links(user.id).await, [], "nothing is linked");
        assert!(world.told().await.iter().all(|kind| *kind != NoticeKind::IdentityLinked));

        // With proof of both it is, and then the pool opens it.
        let caller = world.caller(&world.try_native(HERE).await.expect("a session")).await;
        let federation = &world.test.engine.federation;
        federation.link(&caller, &link("ada@example.com", THERE)).await.expect("a link");
        assert_eq!(world.through_pool().await.user.id, user.id);
    }
}

/// Nor by an account that waits with a role for its owner's proof.
#[tokio::test]
async fn an_unproved_account_with_a_role_is_not_taken_over() {
    let world = World::new().await;
    let mut user = world.register(&ada()).await;
    user.roles = user.roles.with(Role::Manager);
    let mut tx = world.store.begin().await.unwrap();
    tx.users().save(&user).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    is_bad_credentials(&world.try_pool(&ada(), THERE).await);
    let user = world.user(&ada()).await.expect("the account");
    assert!(!user.email_verified && user.credential.is_some(), "it is as it was");
}

#[tokio::test]
async fn an_address_the_pool_does_not_vouch_for_opens_nothing() {
    let world = World::new().await;
    world.pool.change("sub-ada", |person| person.verified = false);
    for registered in [false, true] {
        if registered {
            world.register_proved(&ada()).await;
        }
        let outcome = world.try_pool(&ada(), THERE).await;
        let refused = matches!(outcome, Err(ProviderLoginError::Login(LoginError::EmailNotVerified)));
        assert!(refused, "{outcome:?}");
        let user = world.user(&ada()).await;
        assert_eq!(user.is_some(), registered, "nothing is made");
        if let Some(user) = user {
            assert_eq!(world.links(user.id).await, [], "nothing is linked");
        }
    }
    assert_eq!(world.log(AuditEvent::IdentityRefused).await.len(), 2);
}

#[tokio::test]
async fn a_link_is_kept_by_subject_whatever_becomes_of_the_address() {
    let world = World::new().await;
    let first = world.through_pool().await;
    world.register_proved(&email("eve@example.com")).await;
    // Ada takes the address of another account at the pool, and does not even prove it.
    world.pool.change("sub-ada", |person| {
        person.email = email("eve@example.com");
        person.verified = false;
    });
    let again = world.try_pool(&email("eve@example.com"), THERE).await.expect("her own account");
    assert_eq!((again.user.id, again.user.email), (first.user.id, ada()));
    // Whoever has her old address at the pool now is somebody else.
    world.pool.add("sub-other", "ada@example.com", "other words");
    is_bad_credentials(&world.try_pool(&ada(), "other words").await);
    let [entry] = world.log(AuditEvent::IdentityRefused).await.try_into().expect("one entry");
    assert_eq!((reason(&entry), entry.subject), (Some("linked_to_another"), Some(first.user.id)));
}

#[tokio::test]
async fn an_account_that_may_not_be_used_stays_closed() {
    let world = World::new().await;
    let user = world.through_pool().await.user;
    for status in [UserStatus::Inactive, UserStatus::Suspended, UserStatus::Deleted] {
        let mut tx = world.store.begin().await.unwrap();
        let mut user = tx.users().lock(user.id).await.unwrap().unwrap();
        user.status = status;
        tx.users().save(&user).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        is_bad_credentials(&world.try_pool(&ada(), THERE).await);
    }
    let failed = world.log(AuditEvent::LoginFailed).await;
    assert!(failed.iter().all(|entry| reason(entry) == Some("account_not_active")), "{failed:?}");
}

#[tokio::test]
async fn an_identity_opens_its_account_in_its_tenant_only() {
    let world = World::new().await;
    world.through_pool().await;
    let other = TenantId::parse("other").unwrap();
    let elsewhere = auth_domain::usecase::PasswordLogin { tenant: other, ..login(&ada(), THERE) };
    is_bad_credentials(&world.test.engine.login.with_provider(&elsewhere).await);
    let [entry] = world.log(AuditEvent::IdentityRefused).await.try_into().expect("one entry");
    assert_eq!(reason(&entry), Some("other_tenant"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_first_logins_make_one_account_and_one_link() {
    // Fifty at once look like guessing before the first of them succeeds; that is not the point here.
    let lock = LockPolicy { threshold: 1000, ..LockPolicy::default() };
    let world = World::with(Policy { lock, max_sessions: 100, ..Policy::default() }).await;
    let mut logins = JoinSet::new();
    for _ in 0..50 {
        let engine = world.test.engine.clone();
        logins.spawn(async move { engine.login.with_provider(&login(&ada(), THERE)).await });
    }
    let outcomes = logins.join_all().await;
    let owners: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("a session").user.id).collect();
    assert!(owners.iter().all(|owner| *owner == owners[0]), "{owners:?}");
    assert_eq!(world.links(owners[0]).await.len(), 1);
    assert_eq!(world.log(AuditEvent::Registered).await.len(), 1);
}

fn link(address: &str, password: &str) -> LinkIdentity {
    LinkIdentity { email: email(address), password: Password::new(password.to_owned()), client: client() }
}

#[tokio::test]
async fn linking_on_purpose_takes_proof_of_both() {
    let world = World::new().await;
    let federation = world.test.engine.federation.clone();
    world.register_proved(&email("eve@example.com")).await;
    let signed_in = world.test.engine.login.with_password(&login(&email("eve@example.com"), HERE)).await;
    let eve = world.caller(&signed_in.expect("a session")).await;
    let wrong = federation.link(&eve, &link("ada@example.com", "guess")).await;
    assert!(matches!(wrong, Err(LinkIdentityError::WrongCredentials)), "{wrong:?}");
    federation.link(&eve, &link("ada@example.com", THERE)).await.expect("a link");
    assert_eq!(world.told().await, [NoticeKind::IdentityLinked]);
    // From now on Ada's identity at the pool opens this account, and no other.
    assert_eq!(world.through_pool().await.user.id, eve.user.id);
    federation.link(&eve, &link("ada@example.com", THERE)).await.expect("linking again is fine");
    world.pool.add("sub-2", "two@example.com", "second words");
    let second = federation.link(&eve, &link("two@example.com", "second words")).await;
    assert!(matches!(second, Err(LinkIdentityError::LinkedToAnother)), "{second:?}");

    world.test.clock.advance(TimeDelta::minutes(11));
    let late = federation.link(&eve, &link("ada@example.com", THERE)).await;
    assert!(matches!(late, Err(LinkIdentityError::RecentLoginRequired)), "{late:?}");
}

#[tokio::test]
async fn unlinking_takes_a_password_and_leaves_one_way_in() {
    let world = World::new().await;
    let federation = world.test.engine.federation.clone();
    let change = |password: &str| FactorChange {
        proof: auth_domain::usecase::ChangeProof::Password(Password::new(password.to_owned())),
        client: client(),
        ..FactorChange::default()
    };
    let bare = world.caller(&world.through_pool().await).await;
    let refused = federation.unlink(&bare, &change(THERE)).await;
    assert!(matches!(refused, Err(UnlinkIdentityError::NoPassword)), "{refused:?}");

    let world = World::new().await;
    let federation = world.test.engine.federation.clone();
    world.register_proved(&ada()).await;
    let through_pool = world.through_pool().await;
    let native = world.caller(&world.try_native(HERE).await.expect("a session")).await;
    world.told().await;
    world.test.mailer.clear();
    let refused = federation.unlink(&native, &change("guess")).await;
    assert!(matches!(refused, Err(UnlinkIdentityError::Proof(_))), "{refused:?}");
    federation.unlink(&native, &change(HERE)).await.expect("no link any more");
    assert_eq!(world.told().await, [NoticeKind::IdentityUnlinked]);
    assert_eq!(world.log(AuditEvent::IdentityUnlinked).await.len(), 1);
    let left = world.live(native.user.id).await;
    assert!(left.iter().all(|session| session.id != through_pool.session.id), "what the pool opened ended");
    assert!(left.iter().any(|session| Some(session.id) == native.session.as_ref().map(|s| s.id)));
    let again = federation.unlink(&native, &change(HERE)).await;
    assert!(matches!(again, Err(UnlinkIdentityError::NotLinked)), "{again:?}");
}
