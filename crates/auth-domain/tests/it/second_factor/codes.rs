//! Codes that are sent, and what they meet on the way.

use auth_domain::{
    factor::FactorKind,
    tenant::TenantId,
    token::AuthMethod,
    usecase::{FactorError, LoginError, Policy, SendCode, SendCodeError},
    user::Password,
};
use auth_testkit::fake::{NoticeKind, SmsFailure};
use chrono::TimeDelta;

use super::{Ada, PASSWORD, ada as address, client, number, without_proof};

async fn with_number() -> Ada {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.caller(&ada.enter().await).await;
    ada.prove_number(&caller, &without_proof()).await;
    ada
}

async fn with_mail() -> Ada {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.caller(&ada.enter().await).await;
    ada.test.engine.factors.enable_email(&caller, &without_proof()).await.expect("codes by mail");
    ada
}

fn request(password: &str) -> SendCode {
    SendCode {
        tenant: TenantId::default(),
        email: address(),
        password: Password::new(password.to_owned()),
        device_token: None,
        client: client(),
    }
}

#[tokio::test]
async fn the_login_sends_the_text_message_by_itself() {
    let ada = with_number().await;
    let required = ada.challenged().await;
    let text = ada.test.sms.last_to(&number()).expect("a message").text;
    assert!(text.starts_with("Your login code is: ") && text.contains("5 minutes"), "{text}");
    let code = ada.test.sms.code(&number()).expect("a code");
    let signed_in = ada.answer(&required, &code).await.expect("a session");
    assert_eq!(signed_in.session.authentication.methods, [AuthMethod::Password, AuthMethod::Sms]);
    assert!(matches!(ada.try_login(Some(&code)).await, Err(LoginError::WrongCode)), "used");
}

#[tokio::test]
async fn the_newest_code_wins_and_lives_five_minutes() {
    let ada = with_number().await;
    ada.challenged().await;
    let older = ada.test.sms.code(&number()).expect("a code");
    ada.challenged().await;
    let newer = ada.test.sms.code(&number()).expect("a code");
    assert_ne!(older, newer);
    assert!(matches!(ada.try_login(Some(&older)).await, Err(LoginError::WrongCode)));
    ada.test.clock.advance(TimeDelta::minutes(5));
    assert!(matches!(ada.try_login(Some(&newer)).await, Err(LoginError::WrongCode)));
}

#[tokio::test]
async fn a_setup_code_does_not_log_in() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.caller(&ada.enter().await).await;
    ada.prove_number(&caller, &without_proof()).await;
    let caller = ada.again(&caller).await;
    ada.test.engine.factors.send_sms(&caller, &client()).await.expect("a message");
    let code = ada.test.sms.code(&number()).expect("a code");
    assert!(matches!(ada.try_login(Some(&code)).await, Err(LoginError::WrongCode)));
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_leaves_the_other_ways_open() {
    for failure in [SmsFailure::Unavailable, SmsFailure::Throttled, SmsFailure::OptedOut] {
        let ada = with_number().await;
        ada.test.sms.fail(1, failure);
        let required = ada.challenged().await;
        assert_eq!((required.phone, required.trouble.len()), (None, 1), "{failure:?}");
        assert!(required.token.is_some());
    }
}

#[tokio::test]
async fn login_codes_come_by_mail_when_asked_for() {
    let ada = with_mail().await;
    let required = ada.challenged().await;
    assert_eq!(
        (required.factors.clone(), required.email.as_deref()),
        (vec![FactorKind::Email], Some("ad*@example.com"))
    );
    assert_eq!(ada.letters(NoticeKind::LoginCode).await, 0, "the contract has clients ask");

    let sent_to = ada.test.engine.login.send_email_code(&request(PASSWORD)).await.expect("a letter");
    assert_eq!((sent_to, ada.letters(NoticeKind::LoginCode).await), (address(), 1));
    let code = ada.test.mailer.code(NoticeKind::LoginCode, &address()).expect("a code");
    let signed_in = ada.answer(&required, &code).await.expect("a session");
    assert_eq!(signed_in.session.authentication.methods, [AuthMethod::Password, AuthMethod::Email]);
}

#[tokio::test]
async fn codes_are_sent_only_for_the_right_password_and_an_enrolled_factor() {
    let ada = with_mail().await;
    let login = &ada.test.engine.login;
    let wrong = login.send_email_code(&request("wrong")).await;
    assert!(matches!(wrong, Err(SendCodeError::Login(LoginError::BadCredentials))), "{wrong:?}");
    let other = login.send_sms_code(&request(PASSWORD)).await;
    assert!(
        matches!(&other, Err(SendCodeError::NotEnrolled(has)) if *has == [FactorKind::Email]),
        "{other:?}"
    );
    assert_eq!(ada.test.sms.attempts(), 0);
}

#[tokio::test]
async fn asking_for_links_does_not_use_up_the_mail_of_codes() {
    let ada = with_mail().await;
    for _ in 0..20 {
        let forgot = ada.test.engine.recovery.forgot(&TenantId::default(), &address(), &client()).await;
        forgot.expect("an answer");
    }
    ada.test.engine.login.send_email_code(&request(PASSWORD)).await.expect("a letter");
    assert_eq!(ada.letters(NoticeKind::LoginCode).await, 1);
}

#[tokio::test]
async fn a_store_of_codes_that_is_away_locks_out_only_who_guesses() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    let caller = ada.caller(&ada.try_login(Some(&app.shows(&ada))).await.expect("a session")).await;
    ada.prove_number(&caller, &without_proof()).await;
    ada.test.codes.set_broken(true);
    // The app's code was compared, so these count.
    for _ in 0..5 {
        let outcome = ada.try_login(Some("000000")).await;
        assert!(matches!(outcome, Err(LoginError::Fault(_))), "{outcome:?}");
    }
    assert!(matches!(ada.try_login(Some("000000")).await, Err(LoginError::Locked(_))));
    ada.test.clock.advance(TimeDelta::minutes(1));
    ada.try_login(Some(&app.shows(&ada))).await.expect("apps need no store of codes");

    let ada = with_number().await;
    ada.test.codes.set_broken(true);
    for _ in 0..10 {
        let outcome = ada.try_login(Some("000000")).await;
        assert!(matches!(outcome, Err(LoginError::Fault(_))), "nothing was compared: {outcome:?}");
    }
}

#[tokio::test]
async fn a_number_is_proved_by_the_code_sent_to_it() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.caller(&ada.enter().await).await;
    let factors = &ada.test.engine.factors;
    let early = factors.verify_sms(&caller, &"000000".to_owned().into(), &without_proof()).await;
    assert!(matches!(early, Err(FactorError::NotSetUp)), "{early:?}");
    factors.set_up_sms(&caller, &number(), &without_proof()).await.expect("a message");
    let caller = ada.again(&caller).await;
    assert!(caller.user.factors.sms.enabled && !caller.user.factors.is_demanded());
    ada.enter().await;

    let wrong = factors.verify_sms(&caller, &"000000".to_owned().into(), &without_proof()).await;
    assert!(matches!(wrong, Err(FactorError::WrongCode)), "{wrong:?}");
    let code = ada.test.sms.code(&number()).expect("a code").into();
    factors.verify_sms(&caller, &code, &without_proof()).await.expect("a proved number");
    let used = factors.verify_sms(&ada.again(&caller).await, &code, &without_proof()).await;
    assert!(matches!(used, Err(FactorError::NoCode)), "{used:?}");
    assert_eq!(ada.letters(NoticeKind::FactorEnabled(FactorKind::Sms)).await, 1);
    ada.challenged().await;
}

#[tokio::test]
async fn numbers_abroad_get_nothing() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.caller(&ada.enter().await).await;
    let abroad = auth_domain::user::PhoneNumber::parse("+447400123456").expect("a number");
    let refused = ada.test.engine.factors.set_up_sms(&caller, &abroad, &without_proof()).await;
    assert!(matches!(refused, Err(FactorError::Refused(_))), "{refused:?}");
    assert_eq!(ada.test.sms.attempts(), 0);
    assert!(!ada.again(&caller).await.user.factors.sms.enabled);
}
