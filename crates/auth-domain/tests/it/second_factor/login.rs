//! Logins of accounts that demand a second factor.

use auth_domain::{
    factor::{DeviceTraits, FactorKind},
    token::AuthMethod,
    usecase::{ChallengeLoginError, LoginError, Policy},
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;

use super::{Ada, number, without_proof};

/// Past the code of the activation, which is spent.
fn next_code(ada: &Ada) {
    ada.test.clock.advance(TimeDelta::seconds(60));
}

#[tokio::test]
async fn an_app_completes_the_login_with_the_password_or_after_it() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    next_code(&ada);
    let required = ada.challenged().await;
    assert_eq!(required.factors, [FactorKind::Totp]);
    assert_eq!((required.phone.as_deref(), required.email.as_deref()), (None, None));

    let after = ada.answer(&required, &app.shows(&ada)).await.expect("a session");
    assert_eq!(after.session.authentication.methods, [AuthMethod::Password, AuthMethod::Totp]);
    next_code(&ada);
    let along = ada.try_login(Some(&app.shows(&ada))).await.expect("a session");
    assert_eq!(along.session.authentication.methods, [AuthMethod::Password, AuthMethod::Totp]);
}

#[tokio::test]
async fn a_code_is_good_once_and_ends_those_before_it() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    let activation = app.shows(&ada);
    assert!(matches!(ada.try_login(Some(&activation)).await, Err(LoginError::WrongCode)));
    next_code(&ada);
    let (before, present) = (app.shows_at(&ada, -30), app.shows(&ada));
    ada.try_login(Some(&present)).await.expect("a session");
    for spent in [present, before] {
        assert!(matches!(ada.try_login(Some(&spent)).await, Err(LoginError::WrongCode)));
    }
}

#[tokio::test]
async fn a_clock_may_be_off_by_one_step() {
    for (seconds, accepted) in
        [(-90, false), (-60, false), (-30, true), (0, true), (30, true), (60, false), (90, false)]
    {
        let (ada, app, _) = Ada::with_app(Policy::default()).await;
        ada.test.clock.advance(TimeDelta::minutes(10));
        let outcome = ada.try_login(Some(&app.shows_at(&ada, seconds))).await;
        assert_eq!(outcome.is_ok(), accepted, "{seconds} s: {outcome:?}");
    }
}

#[tokio::test]
async fn a_token_is_good_once() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    next_code(&ada);
    let required = ada.challenged().await;
    ada.answer(&required, &app.shows(&ada)).await.expect("a session");
    next_code(&ada);
    let again = ada.answer(&required, &app.shows(&ada)).await;
    assert!(matches!(again, Err(ChallengeLoginError::InvalidToken)), "{again:?}");
}

#[tokio::test]
async fn a_token_lives_five_minutes() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    let required = ada.challenged().await;
    ada.test.clock.advance(TimeDelta::minutes(5));
    let late = ada.answer(&required, &app.shows(&ada)).await;
    assert!(matches!(late, Err(ChallengeLoginError::InvalidToken)), "{late:?}");
}

#[tokio::test]
async fn with_several_factors_any_completes_the_login() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    next_code(&ada);
    let caller = ada.caller(&ada.try_login(Some(&app.shows(&ada))).await.expect("a session")).await;
    ada.prove_number(&caller, &without_proof()).await;
    let caller = ada.again(&caller).await;
    ada.test.engine.factors.enable_email(&caller, &without_proof()).await.expect("codes by mail");

    let required = ada.challenged().await;
    assert_eq!(required.factors, FactorKind::ALL);
    assert_eq!(required.phone.as_deref(), Some("***-***-0123"));
    assert_eq!(required.email.as_deref(), Some("ad*@example.com"));
    let code = ada.test.sms.code(&number()).expect("a text message");
    let by_sms = ada.answer(&required, &code).await.expect("a session");
    assert_eq!(by_sms.session.authentication.methods, [AuthMethod::Password, AuthMethod::Sms]);

    ada.test.engine.factors.revoke_devices(&caller, &super::client()).await.expect("no known device");
    let required = ada.challenged().await;
    next_code(&ada);
    let by_app = ada.answer(&required, &app.shows(&ada)).await.expect("a session");
    assert_eq!(by_app.session.authentication.methods, [AuthMethod::Password, AuthMethod::Totp]);
}

#[tokio::test]
async fn a_device_does_without_for_five_minutes() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    next_code(&ada);
    ada.try_login(Some(&app.shows(&ada))).await.expect("a session");

    let again = ada.try_login(None).await.expect("the device is known");
    assert_eq!(again.session.authentication.methods, [AuthMethod::Password, AuthMethod::Totp]);
    let wrong = ada.try_login(Some("000000")).await;
    assert!(matches!(wrong, Err(LoginError::WrongCode)), "a wrong code is refused all the same");
    let mut elsewhere = Ada::login(None);
    elsewhere.device = DeviceTraits { accept_language: "de".to_owned(), ..DeviceTraits::default() };
    let other = ada.test.engine.login.with_password(&elsewhere).await;
    assert!(matches!(other, Err(LoginError::SecondFactorRequired(_))), "{other:?}");

    ada.test.clock.advance(TimeDelta::minutes(5));
    ada.challenged().await;
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_and_its_owner_hears_of_it() {
    let (ada, _, codes) = Ada::with_app(Policy::default()).await;
    let code = codes.iter().next().expect("a code").expose_secret().to_owned();
    let signed_in = ada.try_login(Some(&code.to_lowercase())).await.expect("a session");
    assert_eq!(signed_in.session.authentication.methods, [AuthMethod::Password, AuthMethod::RecoveryCode]);
    assert_eq!(ada.letters(NoticeKind::RecoveryCodeUsed).await, 1);
    let caller = ada.caller(&signed_in).await;
    let left = ada.test.engine.factors.status(&caller).await.expect("a status").recovery_codes_left;
    assert_eq!(left, 9);
    assert!(matches!(ada.try_login(Some(&code)).await, Err(LoginError::WrongCode)));
}

#[tokio::test]
async fn success_after_failure_is_told() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    next_code(&ada);
    ada.try_login(Some(&app.shows(&ada))).await.expect("a session");
    assert_eq!(ada.letters(NoticeKind::SignInAfterFailures).await, 0);
    assert!(ada.try_login(Some("000000")).await.is_err());
    next_code(&ada);
    ada.try_login(Some(&app.shows(&ada))).await.expect("a session");
    assert_eq!(ada.letters(NoticeKind::SignInAfterFailures).await, 1);
}
