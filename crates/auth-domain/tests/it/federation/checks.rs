//! Whether the pool still stands by somebody, and signing out there.

use auth_domain::{
    audit::AuditEvent,
    port::{ProviderCode, ProviderSignUp},
    tenant::TenantId,
    usecase::{BearerError, Logout, Policy, RecheckReport, ResetAtProvider, SignUpError, SignedIn},
    user::Password,
};
use chrono::TimeDelta;

use super::{THERE, World, ada, client, email, pool::CODE};

async fn recheck(world: &World) -> RecheckReport {
    world.test.engine.federation.recheck(10).await.expect("the store works")
}

async fn is_alive(world: &World, signed_in: &SignedIn) -> bool {
    let token = signed_in.access.expose_secret();
    match world.test.engine.bearer.authenticate(token, &TenantId::default()).await {
        Ok(_) => true,
        Err(BearerError::SessionEnded) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_is_disabled_at_the_pool_is_signed_out_at_the_next_check() {
    let world = World::new().await;
    let user = world.register_proved(&ada()).await;
    let native = world.try_native(super::HERE).await.expect("a session");
    let signed_in = world.through_pool().await;
    assert_eq!(recheck(&world).await.checked, 0, "it was asked a moment ago");
    world.pool.change("sub-ada", |person| person.enabled = false);
    world.test.clock.advance(TimeDelta::minutes(16));
    let report = recheck(&world).await;
    assert_eq!((report.checked, report.revoked), (1, 1));
    assert!(!is_alive(&world, &signed_in).await);
    assert!(is_alive(&world, &native).await, "what the pool did not open goes on");
    let [entry] = world.log(AuditEvent::IdentityRevoked).await.try_into().expect("one entry");
    assert_eq!(entry.subject, Some(user.id));
    assert!(world.links(user.id).await[0].grant.is_none(), "there is nothing to ask with any more");
    world.test.clock.advance(TimeDelta::minutes(16));
    assert_eq!(recheck(&world).await.checked, 0);
}

#[tokio::test]
async fn a_pool_that_is_away_ends_nothing_and_is_asked_again() {
    let world = World::new().await;
    world.pool.add("sub-two", "two@example.com", THERE);
    let ada = world.through_pool().await;
    let two = world.try_pool(&email("two@example.com"), THERE).await.expect("a session");
    world.test.clock.advance(TimeDelta::minutes(16));
    world.pool.set_away(true);
    let (before, report) = (world.pool.calls(), recheck(&world).await);
    assert!(report.away.is_some() && report.revoked == 0, "{report:?}");
    assert_eq!(world.pool.calls() - before, 1, "the second one is not even asked about");
    assert!(is_alive(&world, &ada).await && is_alive(&world, &two).await);
    world.pool.set_away(false);
    let report = recheck(&world).await;
    assert_eq!((report.checked, report.revoked), (2, 0), "both at once: nothing was counted as a check");
    assert_eq!(recheck(&world).await.checked, 0);
}

#[tokio::test]
async fn what_nobody_needs_to_be_asked_about_is_forgotten() {
    let world = World::new().await;
    let signed_in = world.through_pool().await;
    let logout = |signed_in: &SignedIn| Logout {
        tenant: TenantId::default(),
        refresh_token: Some(signed_in.refresh.expose_secret().to_owned()),
        identity: None,
        everywhere: false,
        client: client(),
    };
    world.test.engine.sessions.logout(&logout(&signed_in)).await.expect("signed out");
    assert!(world.links(signed_in.user.id).await[0].grant.is_some());
    world.test.clock.advance(TimeDelta::minutes(16));
    let before = world.pool.calls();
    assert_eq!(recheck(&world).await.forgotten, 1);
    assert_eq!(world.pool.calls(), before, "the pool is not asked about nobody");
    assert!(world.links(signed_in.user.id).await[0].grant.is_none());
}

#[tokio::test]
async fn signing_out_at_the_pool_ends_the_session_here_whatever_the_pool_does() {
    let world = World::new().await;
    for away in [false, true] {
        let signed_in = world.through_pool().await;
        let other = world.through_pool().await;
        world.pool.set_away(away);
        let logout = Logout {
            tenant: TenantId::default(),
            refresh_token: Some(signed_in.refresh.expose_secret().to_owned()),
            identity: None,
            everywhere: false,
            client: client(),
        };
        let there = world.test.engine.federation.logout(&logout).await.expect("signed out here");
        assert_eq!(there.is_err(), away);
        world.pool.set_away(false);
        assert!(!is_alive(&world, &signed_in).await);
        // The other device is found out by the next check, if the pool heard of it.
        world.test.clock.advance(TimeDelta::minutes(16));
        recheck(&world).await;
        assert_eq!(is_alive(&world, &other).await, away);
        world.pool.change("sub-ada", |person| person.enabled = true);
    }
}

#[tokio::test]
async fn a_token_of_an_ended_session_signs_nobody_out_at_the_pool() {
    let world = World::new().await;
    let (ended, living) = (world.through_pool().await, world.through_pool().await);
    let logout = Logout {
        tenant: TenantId::default(),
        refresh_token: Some(ended.refresh.expose_secret().to_owned()),
        identity: None,
        everywhere: false,
        client: client(),
    };
    world.test.engine.sessions.logout(&logout).await.expect("signed out");
    let before = world.pool.calls();
    world.test.engine.federation.logout(&logout).await.expect("an answer").expect("nothing to do there");
    assert_eq!(world.pool.calls(), before);
    assert!(is_alive(&world, &living).await);
}

#[tokio::test]
async fn where_accounts_are_hidden_a_taken_address_registers_like_a_free_one() {
    for hide_existing_accounts in [false, true] {
        let world = World::with(Policy { hide_existing_accounts, ..Policy::default() }).await;
        let account = ProviderSignUp {
            email: ada(),
            password: Password::new(THERE.to_owned()),
            full_name: None,
            phone: None,
        };
        let made = world.test.engine.federation.sign_up(&account).await;
        if !hide_existing_accounts {
            assert!(matches!(made, Err(SignUpError::EmailTaken)), "{made:?}");
            continue;
        }
        let made = made.expect("an account that is none");
        assert!(!made.confirmed);
        assert_eq!(made.delivery.expect("a code").destination, "a***@e***");
        let subject = made.key.subject();
        assert_eq!(subject.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{subject}");
        assert_ne!(subject, "sub-ada");
    }
}

#[tokio::test]
async fn another_password_at_the_pool_ends_what_the_old_one_opened() {
    let world = World::new().await;
    let signed_in = world.through_pool().await;
    let reset = |code: &str| ResetAtProvider {
        tenant: TenantId::default(),
        email: ada(),
        code: ProviderCode::new(code.to_owned()),
        new_password: Password::new("another one".to_owned()),
        client: client(),
    };
    let federation = &world.test.engine.federation;
    assert!(federation.reset_password(&reset("000000")).await.is_err());
    assert!(is_alive(&world, &signed_in).await);
    federation.reset_password(&reset(CODE)).await.expect("another password");
    assert!(!is_alive(&world, &signed_in).await);
    world.try_pool(&ada(), "another one").await.expect("a session");
}

#[tokio::test]
async fn asking_for_a_code_tells_nobody_who_has_an_account() {
    let world = World::new().await;
    let (federation, tenant) = (&world.test.engine.federation, TenantId::default());
    for address in [ada(), email("nobody@example.com")] {
        for _ in 0..3 {
            federation.forgot_password(&tenant, &address, &client()).await.expect("one answer for all");
            federation.resend_code(&tenant, &address).await.expect("one answer for all");
        }
    }
    // Beyond the quota of an address the pool is not asked to send any more.
    let before = world.pool.calls();
    for _ in 0..20 {
        federation.forgot_password(&tenant, &ada(), &client()).await.expect("the same answer");
    }
    assert_eq!(world.pool.calls() - before, 4);
    world.pool.set_away(true);
    assert!(federation.resend_code(&tenant, &email("new@example.com")).await.is_err());
}
