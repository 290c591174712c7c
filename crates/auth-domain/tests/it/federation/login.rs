//! Signing in through the pool: the lock rule, challenges, and the factors of the account here.

use auth_domain::{
    audit::AuditEvent,
    port::{Clock as _, ProviderChallengeKind},
    tenant::TenantId,
    token::AuthMethod,
    usecase::{
        BearerError, ChallengeLogin, ChallengeLoginError, FactorChange, Fault, LoginError, ProviderLoginError,
    },
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;
use secrecy::SecretString;

use super::{HERE, THERE, World, ada, client, is_bad_credentials, pool::CODE, reason};

#[tokio::test]
async fn wrong_passwords_count_in_one_lane_with_those_of_this_server() {
    let world = World::new().await;
    world.register_proved(&ada()).await;
    for _ in 0..2 {
        assert!(matches!(world.try_native("guess").await, Err(LoginError::BadCredentials)));
    }
    for _ in 0..3 {
        is_bad_credentials(&world.try_pool(&ada(), "guess").await);
    }
    let asked = world.pool.calls();
    let locked = world.try_pool(&ada(), THERE).await;
    assert!(matches!(locked, Err(ProviderLoginError::Login(LoginError::Locked(_)))), "{locked:?}");
    assert!(matches!(world.try_native(HERE).await, Err(LoginError::Locked(_))));
    assert_eq!(world.pool.calls(), asked, "the pool is not asked while the address waits");
    assert_eq!(world.told().await, [NoticeKind::AccountLocked]);
    world.test.clock.advance(TimeDelta::seconds(31));
    world.through_pool().await;
    is_bad_credentials(&world.try_pool(&ada(), "guess").await);
    assert!(world.try_native(HERE).await.is_ok(), "success begins the count anew");
}

#[tokio::test]
async fn unknown_disabled_and_wrong_are_one_answer() {
    let world = World::new().await;
    is_bad_credentials(&world.try_pool(&super::email("nobody@example.com"), THERE).await);
    is_bad_credentials(&world.try_pool(&ada(), "guess").await);
    world.pool.change("sub-ada", |person| person.enabled = false);
    is_bad_credentials(&world.try_pool(&ada(), THERE).await);
    let failed = world.log(AuditEvent::LoginFailed).await;
    let reasons: Vec<_> = failed.iter().rev().map(reason).collect();
    assert_eq!(reasons, [Some("wrong_password"), Some("wrong_password"), Some("provider_disabled")]);
    world.pool.change("sub-ada", |person| {
        person.enabled = true;
        person.confirmed = false;
    });
    let outcome = world.try_pool(&ada(), THERE).await;
    assert!(matches!(outcome, Err(ProviderLoginError::Login(LoginError::EmailNotVerified))), "{outcome:?}");
    assert!(world.user(&ada()).await.is_none());
}

#[tokio::test]
async fn a_pool_that_is_away_counts_nothing_and_keeps_nobody_else_out() {
    let world = World::new().await;
    world.register_proved(&ada()).await;
    world.pool.set_away(true);
    for _ in 0..20 {
        let outcome = world.try_pool(&ada(), THERE).await;
        assert!(matches!(outcome, Err(ProviderLoginError::Fault(Fault::Provider(_)))), "{outcome:?}");
    }
    world.try_native(HERE).await.expect("accounts of this server do not need the pool");
    world.pool.set_away(false);
    world.through_pool().await;
}

#[tokio::test]
async fn a_challenge_of_the_pool_is_answered_with_its_token() {
    for (kind, method) in [
        (ProviderChallengeKind::SmsMfa, AuthMethod::Sms),
        (ProviderChallengeKind::SoftwareTokenMfa, AuthMethod::Totp),
    ] {
        let world = World::new().await;
        world.pool.change("sub-ada", |person| person.challenge = Some(kind));
        let token = world.challenged().await;
        assert!(world.user(&ada()).await.is_none(), "nothing is made before the pool is content");
        let missing = world.answer(&token, None, Some("another password")).await;
        assert!(matches!(missing, Err(ProviderLoginError::MissingAnswer(asked)) if asked == kind));
        let wrong = world.answer(&token, Some("000000"), None).await;
        assert!(matches!(wrong, Err(ProviderLoginError::Login(LoginError::WrongCode))), "{wrong:?}");
        let signed_in = world.answer(&token, Some(CODE), None).await.expect("a session");
        let proved = &signed_in.session.authentication;
        assert_eq!(
            (&proved.methods[..], proved.second_factor_at),
            (&[AuthMethod::Cognito, method][..], None)
        );
        let again = world.answer(&token, Some(CODE), None).await;
        assert!(matches!(again, Err(ProviderLoginError::InvalidToken)), "{again:?}");
    }
}

#[tokio::test]
async fn a_temporary_password_is_replaced_on_the_way() {
    let world = World::new().await;
    let kind = ProviderChallengeKind::NewPasswordRequired;
    world.pool.change("sub-ada", |person| person.challenge = Some(kind));
    let token = world.challenged().await;
    let weak = world.answer(&token, None, Some("short")).await;
    assert!(matches!(&weak, Err(ProviderLoginError::WeakPassword { reason }) if reason == "too short"));
    let signed_in = world.answer(&token, None, Some("long enough now")).await.expect("a session");
    assert_eq!(signed_in.session.authentication.methods, [AuthMethod::Cognito]);
    world.try_pool(&ada(), "long enough now").await.expect("a session");
}

#[tokio::test]
async fn a_challenge_has_five_tries_and_five_minutes_and_its_guesses_lock() {
    let kind = ProviderChallengeKind::SoftwareTokenMfa;
    let world = World::new().await;
    world.pool.change("sub-ada", |person| person.challenge = Some(kind));
    let token = world.challenged().await;
    world.test.clock.advance(TimeDelta::minutes(5));
    let late = world.answer(&token, Some(CODE), None).await;
    assert!(matches!(late, Err(ProviderLoginError::InvalidToken)), "{late:?}");

    let token = world.challenged().await;
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        outcomes.push(world.answer(&token, Some("000000"), None).await);
    }
    let wrong = |outcome: &_| matches!(outcome, Err(ProviderLoginError::Login(LoginError::WrongCode)));
    // The two logins count beside the codes: five of them in all.
    assert_eq!(outcomes.iter().filter(|outcome| wrong(outcome)).count(), 3, "{outcomes:?}");
    assert!(matches!(outcomes[3], Err(ProviderLoginError::Login(LoginError::Locked(_)))));
    assert!(matches!(outcomes[5], Err(ProviderLoginError::InvalidToken)), "{outcomes:?}");
}

#[tokio::test]
async fn the_token_of_one_login_is_worth_nothing_in_the_other() {
    let world = World::new().await;
    world.pool.change("sub-ada", |person| person.challenge = Some(ProviderChallengeKind::SmsMfa));
    let token = world.challenged().await;
    let native = ChallengeLogin {
        tenant: TenantId::default(),
        token: SecretString::from(token),
        code: SecretString::from(CODE),
        device: auth_domain::factor::DeviceTraits::default(),
        device_token: None,
        client: client(),
    };
    let refused = world.test.engine.login.with_challenge(&native).await;
    assert!(matches!(refused, Err(ChallengeLoginError::InvalidToken)), "{refused:?}");

    // The other way round: the account here has a factor of its own.
    let world = World::new().await;
    let token = factor_here(&world).await;
    let refused = world.answer(&token, Some(CODE), None).await;
    assert!(matches!(refused, Err(ProviderLoginError::InvalidToken)), "{refused:?}");
}

/// Gives the account codes by mail and begins a login through the pool; gives the token.
async fn factor_here(world: &World) -> String {
    let caller = world.caller(&world.through_pool().await).await;
    let change = FactorChange { client: client(), ..FactorChange::default() };
    world.test.engine.factors.enable_email(&caller, &change).await.expect("a factor");
    world.deliver().await;
    match world.try_pool(&ada(), THERE).await {
        Err(ProviderLoginError::Login(LoginError::SecondFactorRequired(asked))) => {
            asked.token.expect("a token").expose_secret().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_factors_of_the_account_here_are_demanded_all_the_same() {
    let world = World::new().await;
    let token = factor_here(&world).await;
    // Mailed at once: there is no password here to ask for it with.
    world.deliver().await;
    let code = world.test.mailer.code(NoticeKind::LoginCode, &ada()).expect("a code");
    let login = ChallengeLogin {
        tenant: TenantId::default(),
        token: SecretString::from(token),
        code: SecretString::from(code),
        device: auth_domain::factor::DeviceTraits::default(),
        device_token: None,
        client: client(),
    };
    let signed_in = world.test.engine.login.with_challenge(&login).await.expect("a session");
    let proved = signed_in.session.authentication;
    assert_eq!(proved.methods, [AuthMethod::Cognito, AuthMethod::Email]);
    assert_eq!(proved.second_factor_at, Some(world.test.clock.now()));
}

#[tokio::test]
async fn a_token_of_the_pool_opens_the_linked_account_without_a_session() {
    let world = World::new().await;
    let (bearer, tenant) = (world.test.engine.bearer.clone(), TenantId::default());
    let unlinked = bearer.authenticate("pool:sub-ada", &tenant).await;
    assert!(matches!(unlinked, Err(BearerError::UserNotFound)), "{unlinked:?}");
    let user = world.through_pool().await.user;
    let caller = bearer.authenticate("pool:sub-ada", &tenant).await.expect("somebody who may act");
    assert_eq!((caller.user.id, caller.session.is_none()), (user.id, true));
    let other = TenantId::parse("other").unwrap();
    assert!(matches!(bearer.authenticate("pool:sub-ada", &other).await, Err(BearerError::WrongTenant)));
    assert!(matches!(bearer.authenticate("garbage", &tenant).await, Err(BearerError::Rejected(_))));
    // What takes a session or a recent login is not for such a caller.
    let recovered = world.test.engine.sessions.recover(&caller, &client()).await.expect("the store works");
    assert!(recovered.is_none());
    let app = world.test.engine.federation.set_up_app(&caller).await;
    assert!(app.is_err(), "{app:?}");
    world.pool.set_away(true);
    let away = bearer.authenticate("pool:sub-ada", &tenant).await;
    assert!(matches!(away, Err(BearerError::Fault(Fault::Provider(_)))), "{away:?}");
}

#[tokio::test]
async fn people_see_which_provider_it_was_and_not_why_it_refused() {
    let world = World::new().await;
    let caller = world.caller(&world.through_pool().await).await;
    is_bad_credentials(&world.try_pool(&ada(), "guess").await);
    let page = world.test.engine.activity.of(&caller.user, 50, None).await.expect("a page");
    let shown = |event: AuditEvent| {
        let entry = page.items.iter().find(|entry| entry.event == event).expect("an entry");
        entry.details.clone()
    };
    let provider = [("provider".to_owned(), "cognito".to_owned())];
    assert_eq!(shown(AuditEvent::Registered), provider);
    assert_eq!(shown(AuditEvent::LoginFailed), provider, "no reason");
    assert_eq!(shown(AuditEvent::IdentityLinked), [], "no id of the link");
}
