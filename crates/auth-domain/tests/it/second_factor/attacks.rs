//! What somebody who knows the password, or holds a session, tries next.

use auth_domain::{
    factor::TimeStep,
    port::{Clock as _, PendingTotp, Store as _},
    tenant::TenantId,
    usecase::{
        ChallengeLoginError, ChangePassword, FactorError, LoginError, PasswordLogin, Policy, ResetPassword,
    },
    user::{Email, Password, password::PasswordPolicy},
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;

use super::{Ada, PASSWORD, ada as address, client, number, without_proof};

#[tokio::test]
async fn guessing_stops_at_five_however_it_is_done() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    for _ in 0..2 {
        let required = ada.challenged().await;
        let wrong = ada.answer(&required, "000000").await;
        assert!(matches!(wrong, Err(ChallengeLoginError::WrongCode)), "{wrong:?}");
    }
    for _ in 0..3 {
        assert!(matches!(ada.try_login(Some("000000")).await, Err(LoginError::WrongCode)));
    }
    let right = app.shows(&ada);
    assert!(matches!(ada.try_login(Some(&right)).await, Err(LoginError::Locked(_))));
    assert!(matches!(ada.try_login(None).await, Err(LoginError::Locked(_))), "nor a new challenge");
    let guess = "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA";
    assert!(matches!(ada.try_login(Some(guess)).await, Err(LoginError::Locked(_))));
    assert_eq!(ada.letters(NoticeKind::AccountLocked).await, 1);
    ada.test.clock.advance(TimeDelta::seconds(30));
    ada.try_login(Some(&app.shows(&ada))).await.expect("a session after the wait");
}

#[tokio::test]
async fn a_recovery_code_gets_the_owner_in_while_others_guess() {
    let (ada, _, codes) = Ada::with_app(Policy::default()).await;
    for _ in 0..5 {
        assert!(ada.try_login(Some("000000")).await.is_err());
    }
    assert!(matches!(ada.try_login(None).await, Err(LoginError::Locked(_))));
    let code = codes.iter().next().expect("a code").expose_secret().to_owned();
    ada.try_login(Some(&code)).await.expect("a session");
    assert_eq!(ada.letters(NoticeKind::SignInAfterFailures).await, 1);
}

#[tokio::test]
async fn where_accounts_are_hidden_a_stranger_cannot_tell_a_taken_address() {
    let policy = Policy { hide_existing_accounts: true, ..Policy::default() };
    let ada = Ada::registered(policy).await;
    ada.try_sign_up("free@example.com").await;
    ada.try_sign_up("ada@example.com").await;
    let outcomes = async |email: &str| {
        let mut seen = Vec::new();
        for _ in 0..7 {
            let login = PasswordLogin {
                email: Email::parse(email).expect("an address"),
                password: Password::new("my own words here".to_owned()),
                ..Ada::login(None)
            };
            seen.push(match ada.test.engine.login.with_password(&login).await {
                Err(LoginError::BadCredentials) => "no",
                Err(LoginError::Locked(_)) => "locked",
                _ => "other",
            });
        }
        seen
    };
    assert_eq!(outcomes("free@example.com").await, outcomes("ada@example.com").await);
}

#[tokio::test]
async fn neither_the_password_nor_a_reset_forgets_wrong_codes() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    for _ in 0..4 {
        assert!(matches!(ada.try_login(Some("000000")).await, Err(LoginError::WrongCode)));
        ada.challenged().await;
    }
    ada.test.engine.recovery.forgot(&TenantId::default(), &address(), &client()).await.expect("an answer");
    ada.letters(NoticeKind::ResetPassword).await;
    let token = ada.test.mailer.token(NoticeKind::ResetPassword, &address()).expect("a link");
    let same = PasswordPolicy::default().admit(Password::new(PASSWORD.to_owned())).expect("a password");
    let reset = ResetPassword { token, new_password: same, client: client() };
    ada.test.engine.recovery.reset(&reset).await.expect("a reset");
    assert!(matches!(ada.try_login(Some("000000")).await, Err(LoginError::WrongCode)));
    ada.test.clock.advance(TimeDelta::seconds(29));
    assert!(matches!(ada.try_login(Some(&app.shows(&ada))).await, Err(LoginError::Locked(_))));
}

#[tokio::test]
async fn a_challenge_dies_with_the_password_and_with_its_tries() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    let caller = ada.caller(&ada.try_login(Some(&app.shows(&ada))).await.expect("a session")).await;
    ada.test.engine.factors.revoke_devices(&caller, &client()).await.expect("no known device");
    let required = ada.challenged().await;
    let other = PasswordPolicy::default().admit(Password::new("other words at dusk".to_owned()));
    let change = ChangePassword { current: None, new: other.expect("a password"), client: client() };
    ada.test.engine.passwords.change(&caller, &change).await.expect("a new password");
    ada.test.clock.advance(TimeDelta::minutes(1));
    let outdated = ada.answer(&required, &app.shows(&ada)).await;
    assert!(matches!(outdated, Err(ChallengeLoginError::InvalidToken)), "{outdated:?}");

    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    let required = ada.challenged().await;
    for _ in 0..5 {
        assert!(matches!(ada.answer(&required, "000000").await, Err(ChallengeLoginError::WrongCode)));
    }
    ada.test.clock.advance(TimeDelta::seconds(60));
    let spent = ada.answer(&required, &app.shows(&ada)).await;
    assert!(matches!(spent, Err(ChallengeLoginError::InvalidToken)), "{spent:?}");
}

#[tokio::test]
async fn a_challenge_is_no_bearer_and_no_other_tenants() {
    let (ada, _, _) = Ada::with_app(Policy::default()).await;
    let required = ada.challenged().await;
    let token = required.token.as_ref().expect("a token").expose_secret();
    assert!(ada.test.engine.bearer.authenticate(token, &TenantId::default()).await.is_err());
    assert!(ada.test.engine.sessions.refresh(&TenantId::default(), token, &client()).await.is_err());
    let login = auth_domain::usecase::ChallengeLogin {
        tenant: TenantId::parse("other").expect("a tenant"),
        token: token.to_owned().into(),
        code: "000000".to_owned().into(),
        device: auth_domain::factor::DeviceTraits::default(),
        device_token: None,
        client: client(),
    };
    let elsewhere = ada.test.engine.login.with_challenge(&login).await;
    assert!(matches!(elsewhere, Err(ChallengeLoginError::InvalidToken)), "{elsewhere:?}");
}

#[tokio::test]
async fn what_a_thief_began_before_the_factor_does_not_become_one() {
    let ada = Ada::registered(Policy::default()).await;
    let thief = ada.caller(&ada.enter().await).await;
    let factors = &ada.test.engine.factors;
    let app = super::App(factors.set_up_totp(&thief, &without_proof()).await.expect("a secret").secret);
    ada.test.clock.advance(TimeDelta::seconds(1));
    let owner = ada.caller(&ada.enter().await).await;
    ada.prove_number(&owner, &without_proof()).await;
    let thief = ada.again(&thief).await;
    let late = factors.activate_totp(&thief, &app.shows(&ada).into(), &without_proof()).await;
    assert!(matches!(late, Err(FactorError::RecentLoginRequired)), "{late:?}");

    let ada = Ada::registered(Policy::default()).await;
    let factors = &ada.test.engine.factors;
    let thief = ada.caller(&ada.enter().await).await;
    factors.set_up_sms(&thief, &number(), &without_proof()).await.expect("a message");
    let code = ada.test.sms.code(&number()).expect("a code").into();
    let owner = ada.caller(&ada.enter().await).await;
    ada.activate(&owner, &without_proof()).await;
    let late = factors.verify_sms(&ada.again(&thief).await, &code, &without_proof()).await;
    assert!(matches!(late, Err(FactorError::NotSetUp)), "{late:?}");
}

#[tokio::test]
async fn a_secret_moved_to_another_row_opens_for_nobody() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    let mut repos = ada.store.read().await.expect("a store");
    let owner = repos.users().by_email(&TenantId::default(), &address()).await.expect("a store");
    let stored = repos.factors().totp(owner.expect("Ada").id).await.expect("a store");
    drop(repos);

    let bob = ada.caller(&ada.sign_up("bob@example.com").await).await;
    ada.activate(&bob, &without_proof()).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    // Somebody who writes into the database puts Ada's secret to work for Bob.
    let pending =
        PendingTotp { secret: stored.secret.expect("a sealed secret"), since: ada.test.clock.now() };
    let mut repos = ada.store.read().await.expect("a store");
    repos.factors().put_pending_totp(bob.user.id, &pending).await.expect("a store");
    let step = TimeStep::from_i64(1);
    assert!(repos.factors().activate_totp(bob.user.id, &pending, step).await.expect("a store"));
    drop(repos);
    let code = app.shows(&ada);
    let login = PasswordLogin { email: bob.user.email.clone(), ..Ada::login(Some(&code)) };
    let moved = ada.test.engine.login.with_password(&login).await;
    assert!(matches!(moved, Err(LoginError::WrongCode)), "{moved:?}");
    ada.try_login(Some(&code)).await.expect("it is Ada's");
}
