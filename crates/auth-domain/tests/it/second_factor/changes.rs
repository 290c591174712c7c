//! Changes of the second factors: who may, and what follows.

use auth_domain::{
    factor::{FactorKind, MfaPolicy},
    usecase::{
        ChangeEmail, ChangeEmailError, ChangePassword, ChangePasswordError, FactorChange, FactorError, Policy,
    },
    user::{Email, Password, password::PasswordPolicy},
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;

use super::{Ada, PASSWORD, client, number, with_code, with_password, without_proof};

#[tokio::test]
async fn a_new_secret_waits_until_it_is_proved() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    let caller = ada.caller(&ada.try_login(Some(&app.shows(&ada))).await.expect("a session")).await;
    let factors = &ada.test.engine.factors;
    let new = super::App(factors.set_up_totp(&caller, &without_proof()).await.expect("a secret").secret);
    ada.test.clock.advance(TimeDelta::minutes(6));
    ada.try_login(Some(&app.shows(&ada))).await.expect("the old app works on");
    assert!(ada.try_login(Some(&new.shows(&ada))).await.is_err(), "the new one does not yet");

    let code = new.shows(&ada).into();
    factors.activate_totp(&caller, &code, &without_proof()).await.expect("recovery codes");
    ada.test.clock.advance(TimeDelta::minutes(6));
    ada.try_login(Some(&new.shows(&ada))).await.expect("the new app");
    assert!(ada.try_login(Some(&app.shows(&ada))).await.is_err(), "the old one is gone");
}

#[tokio::test]
async fn a_secret_waits_ten_minutes() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.caller(&ada.enter().await).await;
    let factors = &ada.test.engine.factors;
    let none = factors.activate_totp(&caller, &"000000".to_owned().into(), &without_proof()).await;
    assert!(matches!(none, Err(FactorError::NotSetUp)), "{none:?}");
    let app = super::App(factors.set_up_totp(&caller, &without_proof()).await.expect("a secret").secret);
    let wrong = factors.activate_totp(&caller, &"00000".to_owned().into(), &without_proof()).await;
    assert!(matches!(wrong, Err(FactorError::WrongCode)), "{wrong:?}");
    ada.test.clock.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let late = factors.activate_totp(&caller, &app.shows(&ada).into(), &without_proof()).await;
    assert!(matches!(late, Err(FactorError::NotSetUp)), "{late:?}");
}

#[tokio::test]
async fn a_session_without_a_second_factor_changes_none() {
    let ada = Ada::registered(Policy::default()).await;
    let old = ada.caller(&ada.enter().await).await;
    let enrolling = ada.caller(&ada.enter().await).await;
    let (app, _) = ada.activate(&enrolling, &without_proof()).await;
    let factors = &ada.test.engine.factors;
    let old = ada.again(&old).await;
    for outcome in [
        factors.disable_totp(&old, &without_proof()).await.err(),
        factors.set_up_totp(&old, &without_proof()).await.err(),
        factors.set_up_sms(&old, &number(), &without_proof()).await.err(),
        factors.enable_email(&old, &without_proof()).await.err(),
        factors.regenerate_recovery_codes(&old, &without_proof()).await.err(),
    ] {
        assert!(matches!(outcome, Some(FactorError::RecentLoginRequired)), "{outcome:?}");
    }
    let wrong = factors.disable_totp(&old, &with_code("000000")).await;
    assert!(matches!(wrong, Err(FactorError::WrongCode)), "{wrong:?}");
    ada.test.clock.advance(TimeDelta::minutes(1));
    let code = app.shows(&ada);
    factors.regenerate_recovery_codes(&old, &with_code(&code)).await.expect("a code is a proof");
    let again = factors.disable_totp(&old, &with_code(&code)).await;
    assert!(matches!(again, Err(FactorError::WrongCode)), "but only once: {again:?}");
    let password = factors.disable_totp(&old, &with_password()).await;
    assert!(matches!(password, Err(FactorError::RecentLoginRequired)), "no proof of its own: {password:?}");
    ada.test.clock.advance(TimeDelta::minutes(1));
    let new = ada.caller(&ada.try_login(Some(&app.shows(&ada))).await.expect("a session")).await;
    ada.test.clock.advance(TimeDelta::minutes(11));
    factors.disable_totp(&new, &with_password()).await.expect("where a factor was proved it is");
    ada.enter().await;
}

#[tokio::test]
async fn enrolling_a_factor_is_no_fresh_login() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.caller(&ada.enter().await).await;
    ada.test.clock.advance(TimeDelta::minutes(11));
    ada.activate(&caller, &without_proof()).await;
    let other = PasswordPolicy::default().admit(Password::new("other words at dusk".to_owned()));
    let change = ChangePassword { current: None, new: other.expect("a password"), client: client() };
    let refused = ada.test.engine.passwords.change(&ada.again(&caller).await, &change).await;
    assert!(matches!(refused, Err(ChangePasswordError::RecentLoginRequired)), "{refused:?}");
}

#[tokio::test]
async fn a_device_that_does_without_proves_nothing_anew() {
    let mfa = MfaPolicy { device_bypass: TimeDelta::days(1), ..MfaPolicy::default() };
    let (ada, app, _) = Ada::with_app(Policy { mfa, ..Policy::default() }).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    ada.try_login(Some(&app.shows(&ada))).await.expect("a session");
    let factors = &ada.test.engine.factors;
    let soon = ada.caller(&ada.enter().await).await;
    factors.enable_email(&soon, &without_proof()).await.expect("the code was a moment ago");
    let (ada, app, _) = Ada::with_app(Policy { mfa, ..Policy::default() }).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    ada.try_login(Some(&app.shows(&ada))).await.expect("a session");
    ada.test.clock.advance(TimeDelta::minutes(11));
    let late = ada.caller(&ada.enter().await).await;
    let refused = ada.test.engine.factors.enable_email(&late, &without_proof()).await;
    assert!(matches!(refused, Err(FactorError::RecentLoginRequired)), "{refused:?}");
}

#[tokio::test]
async fn another_address_takes_as_much_as_another_factor() {
    let ada = Ada::registered(Policy::default()).await;
    let old = ada.caller(&ada.enter().await).await;
    let enrolling = ada.caller(&ada.enter().await).await;
    ada.activate(&enrolling, &without_proof()).await;
    let request = ChangeEmail {
        new_email: Email::parse("thief@example.com").expect("an address"),
        password: Password::new(PASSWORD.to_owned()),
        client: client(),
    };
    let accounts = &ada.test.engine.accounts;
    let refused = accounts.request_email_change(&ada.again(&old).await, &request).await;
    assert!(matches!(refused, Err(ChangeEmailError::RecentLoginRequired)), "{refused:?}");
    accounts.request_email_change(&ada.again(&enrolling).await, &request).await.expect("a link");
}

#[tokio::test]
async fn a_request_that_was_overtaken_needs_a_proof() {
    let ada = Ada::registered(Policy::default()).await;
    let thief = ada.caller(&ada.enter().await).await;
    let owner = ada.caller(&ada.enter().await).await;
    ada.activate(&owner, &without_proof()).await;
    // The thief's caller is as the request found it, before the owner was done.
    let factors = &ada.test.engine.factors;
    for outcome in [
        factors.set_up_sms(&thief, &number(), &without_proof()).await.err(),
        factors.enable_email(&thief, &without_proof()).await.err(),
        factors.set_up_totp(&thief, &without_proof()).await.err(),
    ] {
        assert!(matches!(outcome, Some(FactorError::RecentLoginRequired)), "{outcome:?}");
    }
    assert!(ada.again(&thief).await.user.factors.sms.pending.is_none());
}

#[tokio::test]
async fn the_session_that_enrolled_may_go_on_for_a_while() {
    let ada = Ada::registered(Policy::default()).await;
    let caller = ada.caller(&ada.enter().await).await;
    ada.activate(&caller, &without_proof()).await;
    let caller = ada.again(&caller).await;
    ada.test.engine.factors.enable_email(&caller, &without_proof()).await.expect("it proved a factor");
    ada.test.clock.advance(TimeDelta::minutes(11));
    let late = ada.test.engine.factors.disable_email(&ada.again(&caller).await, &without_proof()).await;
    assert!(matches!(late, Err(FactorError::RecentLoginRequired)), "{late:?}");
}

#[tokio::test]
async fn changes_are_told_and_end_other_sessions_on_request() {
    let ada = Ada::registered(Policy::default()).await;
    let (other, mine) = (ada.caller(&ada.enter().await).await, ada.caller(&ada.enter().await).await);
    let change = FactorChange { end_other_sessions: true, ..without_proof() };
    ada.activate(&mine, &change).await;
    assert!(ada.again(&other).await.session.expect("a session").ended.is_some());
    assert!(ada.again(&mine).await.session.expect("a session").ended.is_none());
    assert_eq!(ada.letters(NoticeKind::FactorEnabled(FactorKind::Totp)).await, 1);
    ada.test.engine.factors.disable_totp(&ada.again(&mine).await, &without_proof()).await.expect("off");
    assert_eq!(ada.letters(NoticeKind::FactorDisabled(FactorKind::Totp)).await, 1);
}

#[tokio::test]
async fn the_last_factor_stays_only_where_one_is_demanded() {
    let mfa = MfaPolicy { required: true, ..MfaPolicy::default() };
    let (ada, _, codes) = Ada::with_app(Policy { mfa, ..Policy::default() }).await;
    let code = codes.iter().next().expect("a code").expose_secret().to_owned();
    let caller = ada.caller(&ada.try_login(Some(&code)).await.expect("a session")).await;
    let factors = &ada.test.engine.factors;
    let last = factors.disable_totp(&caller, &without_proof()).await;
    assert!(matches!(last, Err(FactorError::LastFactor)), "{last:?}");
    factors.enable_email(&caller, &without_proof()).await.expect("another factor");
    factors.disable_totp(&ada.again(&caller).await, &without_proof()).await.expect("not the last any more");
}

#[tokio::test]
async fn new_recovery_codes_end_the_old_ones_and_the_last_factor_ends_all() {
    let (ada, _, old) = Ada::with_app(Policy::default()).await;
    let mut old = old.iter().map(|code| code.expose_secret().to_owned());
    let caller = ada.caller(&ada.try_login(old.next().as_deref()).await.expect("a session")).await;
    let factors = &ada.test.engine.factors;
    let new = factors.regenerate_recovery_codes(&caller, &without_proof()).await.expect("codes");
    assert_eq!(ada.letters(NoticeKind::RecoveryCodesReplaced).await, 1);
    assert!(ada.try_login(old.next().as_deref()).await.is_err());
    let first = new.iter().next().map(|code| code.expose_secret().to_owned());
    ada.try_login(first.as_deref()).await.expect("a session");

    factors.disable_totp(&caller, &without_proof()).await.expect("off");
    let status = factors.status(&ada.again(&caller).await).await.expect("a status");
    assert_eq!(status.recovery_codes_left, 0);
    let none = factors.regenerate_recovery_codes(&ada.again(&caller).await, &with_password()).await;
    assert!(matches!(none, Err(FactorError::NotSetUp)), "{none:?}");
}

#[tokio::test]
async fn revoked_devices_prove_their_factor_again() {
    let (ada, app, _) = Ada::with_app(Policy::default()).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    let caller = ada.caller(&ada.try_login(Some(&app.shows(&ada))).await.expect("a session")).await;
    let factors = &ada.test.engine.factors;
    assert_eq!(factors.devices(&caller).await.expect("a list").len(), 1);
    assert_eq!(factors.revoke_devices(&caller, &client()).await.expect("a count"), 1);
    assert!(factors.devices(&caller).await.expect("a list").is_empty());
    ada.challenged().await;
}
