//! Devices that are counted for themselves.

use auth_domain::{
    audit::AuditEvent,
    tenant::TenantId,
    usecase::{
        ChangePassword, CloseAccount, Fault, LoginError, PasswordLogin, Policy, SendCode, SendCodeError,
    },
    user::{Email, Password, password::PasswordPolicy},
};
use chrono::TimeDelta;

use super::{invented, login, of_nobody, strict, token_of};
use crate::second_factor::{Ada, PASSWORD, ada as address, client, without_proof};

#[tokio::test]
async fn a_device_keeps_its_token_and_is_known_for_longer_by_each_login() {
    let ada = Ada::registered(Policy::default()).await;
    let token = token_of(&ada.enter_with(None).await.expect("a session"));
    ada.test.clock.advance(TimeDelta::days(80));
    let again = token_of(&ada.enter_with(Some(&token)).await.expect("a session"));
    assert_eq!(again.expose_secret(), token.expose_secret());
    let devices = ada.devices().await;
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].expires_at, ada.now() + TimeDelta::days(90));
    assert_eq!(devices[0].digest, token.digest(), "stored as its digest");
    // Too long ago, it is replaced.
    ada.test.clock.advance(TimeDelta::days(90));
    let other = token_of(&ada.enter_with(Some(&token)).await.expect("a session"));
    assert_ne!(other.expose_secret(), token.expose_secret());
    assert_eq!(ada.devices().await.len(), 1, "the old one is known no more");
}

#[tokio::test]
async fn the_owner_gets_in_while_a_stranger_fails() {
    let ada = Ada::registered(Policy::default()).await;
    let token = token_of(&ada.enter_with(None).await.expect("a session"));
    for round in 0..20 {
        let wrong = login("wrong", None);
        ada.refused(&wrong, if round == 0 { 5 } else { 1 }).await;
        assert!(ada.is_locked(&login(PASSWORD, None)).await);
        ada.enter_with(Some(&token)).await.expect("a session");
        // What the owner does opens nothing for the stranger.
        assert!(ada.is_locked(&wrong).await, "{round}");
        ada.test.clock.advance(TimeDelta::minutes(15));
    }
}

#[tokio::test]
async fn ten_failures_make_a_device_a_stranger() {
    let ada = Ada::registered(Policy::default()).await;
    let token = token_of(&ada.enter_with(None).await.expect("a session"));
    let wrong = login("wrong", Some(&token));
    ada.refused(&wrong, 9).await;
    assert_eq!(ada.devices().await.len(), 1);
    ada.refused(&wrong, 1).await;
    assert_eq!(ada.devices().await, []);
    assert_eq!(ada.audited(AuditEvent::DeviceDemoted).await.len(), 1);
    // From now on it shares the count of all strangers.
    ada.refused(&wrong, 5).await;
    assert!(ada.is_locked(&wrong).await);
    ada.test.clock.advance(TimeDelta::seconds(30));
    let other = token_of(&ada.enter_with(Some(&token)).await.expect("a session"));
    assert_ne!(other.expose_secret(), token.expose_secret());
}

#[tokio::test]
async fn a_right_password_or_ten_minutes_give_a_device_its_tries_back() {
    let ada = Ada::registered(Policy::default()).await;
    let token = token_of(&ada.enter_with(None).await.expect("a session"));
    let wrong = login("wrong", Some(&token));
    ada.refused(&wrong, 9).await;
    ada.test.clock.advance(TimeDelta::minutes(10));
    ada.refused(&wrong, 9).await;
    ada.enter_with(Some(&token)).await.expect("a session");
    ada.refused(&wrong, 9).await;
    assert_eq!(ada.devices().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_guesses_at_once_a_device_is_let_ten_and_strangers_five() {
    let ada = Ada::registered(Policy::default()).await;
    let token = token_of(&ada.enter_with(None).await.expect("a session"));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (engine, wrong) = (ada.test.engine.clone(), login("wrong", Some(&token)));
            tokio::spawn(async move { engine.login.with_password(&wrong).await })
        })
        .collect();
    let mut looked_at = 0;
    for task in tasks {
        match task.await.expect("an end") {
            Err(LoginError::BadCredentials) => looked_at += 1,
            Err(LoginError::Locked(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(looked_at, 15);
    assert_eq!(ada.devices().await, []);
    assert_eq!(ada.audited(AuditEvent::DeviceDemoted).await.len(), 1);
}

#[tokio::test]
async fn overload_is_not_counted_on_a_device_either() {
    let ada = Ada::registered(Policy::default()).await;
    let token = token_of(&ada.enter_with(None).await.expect("a session"));
    ada.test.hasher.overload(30);
    for _ in 0..30 {
        let shed = ada.enter_with(Some(&token)).await;
        assert!(matches!(shed, Err(LoginError::Fault(Fault::Hash(_)))), "{shed:?}");
    }
    assert_eq!(ada.devices().await.first().map(|device| device.failures), Some(0));
    ada.enter_with(Some(&token)).await.expect("a session");
}

#[tokio::test]
async fn a_foreign_or_invented_token_changes_nothing() {
    let ada = Ada::registered(Policy::default()).await;
    let eve = token_of(&ada.sign_up("eve@example.com").await);
    for token in [eve.clone(), invented()] {
        for wrong in [login("wrong", Some(&token)), of_nobody(&login("wrong", Some(&token)))] {
            ada.refused(&wrong, 5).await;
            assert!(ada.is_locked(&wrong).await);
        }
        ada.test.clock.advance(TimeDelta::days(2));
    }
    let email = Email::parse("eve@example.com").expect("an address");
    let own = PasswordLogin { email, ..login(PASSWORD, Some(&eve)) };
    let again = token_of(&ada.test.engine.login.with_password(&own).await.expect("a session"));
    assert_eq!(again.expose_secret(), eve.expose_secret(), "it stays her own, and nothing was counted there");
    // A right password with it makes a device of Ada's, under another token.
    let new = token_of(&ada.enter_with(Some(&eve)).await.expect("a session"));
    assert_ne!(new.expose_secret(), eve.expose_secret());
}

#[tokio::test]
async fn of_too_many_devices_the_longest_unused_is_forgotten() {
    let ada = Ada::registered(Policy::default()).await;
    let first = token_of(&ada.enter_with(None).await.expect("a session"));
    for _ in 0..50 {
        ada.test.clock.advance(TimeDelta::minutes(1));
        ada.enter_with(None).await.expect("a session");
    }
    let devices = ada.devices().await;
    assert_eq!(devices.len(), 50);
    assert!(devices.iter().all(|device| device.digest != first.digest()));
}

#[tokio::test]
async fn a_script_that_never_sends_its_token_costs_no_browser_its_own() {
    let ada = Ada::registered(Policy::default()).await;
    let browser = token_of(&ada.enter_with(None).await.expect("a session"));
    ada.test.clock.advance(TimeDelta::minutes(1));
    ada.enter_with(Some(&browser)).await.expect("a session");
    for _ in 0..60 {
        ada.test.clock.advance(TimeDelta::hours(1));
        ada.enter_with(None).await.expect("a session");
    }
    let devices = ada.devices().await;
    assert_eq!(devices.len(), 50);
    assert!(devices.iter().any(|device| device.digest == browser.digest()));
    let again = token_of(&ada.enter_with(Some(&browser)).await.expect("a session"));
    assert_eq!(again.expose_secret(), browser.expose_secret());
}

#[tokio::test]
async fn a_device_keeps_its_token_through_a_second_factor() {
    let (ada, app, _) = Ada::with_app(Policy { mfa: strict(), ..Policy::default() }).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    let signed_in = ada.try_login(Some(&app.shows(&ada))).await.expect("a session");
    let token = token_of(&signed_in);
    ada.test.clock.advance(TimeDelta::minutes(1));
    ada.refused(&login("wrong", None), 5).await;
    assert!(ada.is_locked(&Ada::login(None)).await);
    // Both ways of sending the code.
    let with_code = PasswordLogin { device_token: Some(token.clone()), ..Ada::login(Some(&app.shows(&ada))) };
    let again = ada.test.engine.login.with_password(&with_code).await.expect("a session");
    assert_eq!(token_of(&again).expose_secret(), token.expose_secret());
    ada.test.clock.advance(TimeDelta::minutes(1));
    let required = match ada.enter_with(Some(&token)).await {
        Err(LoginError::SecondFactorRequired(required)) => *required,
        other => panic!("{other:?}"),
    };
    let again = ada.answer_from(&required, &app.shows(&ada), Some(&token)).await.expect("a session");
    assert_eq!(token_of(&again).expose_secret(), token.expose_secret());
    ada.test.clock.advance(TimeDelta::minutes(1));
    let required = ada.challenged().await;
    let foreign = ada.answer_from(&required, &app.shows(&ada), Some(&invented())).await.expect("a session");
    assert_ne!(token_of(&foreign).expose_secret(), invented().expose_secret());
}

#[tokio::test]
async fn a_known_device_is_sent_its_code_while_a_stranger_fails() {
    let ada = Ada::registered(Policy::default()).await;
    let signed_in = ada.enter().await;
    let (token, caller) = (token_of(&signed_in), ada.caller(&signed_in).await);
    ada.test.engine.factors.enable_email(&caller, &without_proof()).await.expect("codes by mail");
    ada.refused(&login("wrong", None), 5).await;
    let send = |device_token| SendCode {
        tenant: TenantId::default(),
        email: address(),
        password: Password::new(PASSWORD.to_owned()),
        device_token,
        client: client(),
    };
    let refused = ada.test.engine.login.send_email_code(&send(None)).await;
    assert!(matches!(refused, Err(SendCodeError::Login(LoginError::Locked(_)))), "{refused:?}");
    ada.test.engine.login.send_email_code(&send(Some(token))).await.expect("a code");
}

#[tokio::test]
async fn devices_are_forgotten_with_what_they_were_known_by() {
    for way in ["revoke", "reset", "change", "close"] {
        let ada = Ada::registered(Policy::default()).await;
        let signed_in = ada.enter().await;
        let (token, caller) = (token_of(&signed_in), ada.caller(&signed_in).await);
        let engine = &ada.test.engine;
        let new = PasswordPolicy::default().admit(Password::new("other words at dusk".to_owned()));
        let new = new.expect("a good password");
        match way {
            "revoke" => drop(engine.factors.revoke_devices(&caller, &client()).await.expect("it works")),
            "reset" => {
                let link = ada.reset_link().await;
                ada.reset(&link, "other words at dusk").await.expect("a new password");
            }
            "change" => {
                let change = ChangePassword { current: None, new, client: client() };
                engine.passwords.change(&caller, &change).await.expect("a new password");
            }
            _ => {
                let password = Password::new(PASSWORD.to_owned());
                let close = CloseAccount { password, client: client() };
                engine.accounts.close(&caller, &close).await.expect("a closed account");
            }
        }
        assert_eq!(ada.devices().await, [], "{way}");
        ada.refused(&login("wrong", Some(&token)), 5).await;
        assert!(ada.is_locked(&login("wrong", Some(&token))).await, "{way}");
    }
}
