//! What strangers count up to, and what opens it.

use auth_domain::{
    audit::AuditEvent,
    guard::lockout::Standing,
    tenant::TenantId,
    usecase::{Actor, AdminError, LanesError, PasswordLogin, Policy, Target},
    user::{Email, Password},
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;

use super::{login, of_nobody, strict, token_of};
use crate::second_factor::{Ada, PASSWORD, ada as address, client};

/// The account of an address.
fn target(email: Email) -> Target {
    Target::Address { tenant: TenantId::default(), email }
}

#[tokio::test]
async fn a_hundred_failures_close_and_no_waiting_opens() {
    let ada = Ada::registered(Policy::default()).await;
    for stranger in [login("wrong", None), of_nobody(&login("wrong", None))] {
        ada.close(&stranger).await;
        let right = PasswordLogin { password: Password::new(PASSWORD.to_owned()), ..stranger };
        for _ in 0..29 {
            ada.test.clock.advance(TimeDelta::days(1));
            ada.test.engine.upkeep.run().await.expect("upkeep");
            assert!(ada.is_locked(&right).await);
        }
    }
    ada.test.clock.advance(TimeDelta::days(1));
    ada.enter_with(None).await.expect("a session after thirty days");
}

#[tokio::test]
async fn the_owner_is_told_when_a_lock_begins_and_when_it_closes() {
    let ada = Ada::registered(Policy::default()).await;
    let wrong = login("wrong", None);
    ada.refused(&wrong, 5).await;
    assert_eq!(ada.letters(NoticeKind::AccountLocked).await, 1);
    let mut failures = 5;
    while failures < 100 {
        ada.test.clock.advance(TimeDelta::minutes(15));
        ada.refused(&wrong, 1).await;
        failures += 1;
        let told = if failures == 100 { 2 } else { 1 };
        assert_eq!(ada.letters(NoticeKind::AccountLocked).await, told, "{failures}");
    }
}

/// What is refused unlooked-at shows in the activity of the account, too.
#[tokio::test]
async fn a_throttled_login_concerns_the_owner_of_the_address() {
    let ada = Ada::registered(Policy::default()).await;
    let wrong = login("wrong", None);
    for stranger in [wrong.clone(), of_nobody(&wrong)] {
        ada.refused(&stranger, 5).await;
        assert!(ada.is_locked(&stranger).await);
    }
    let failed = ada.audited(AuditEvent::LoginFailed).await;
    let owner = failed.iter().find_map(|entry| entry.subject);
    let throttled = ada.audited(AuditEvent::LoginThrottled).await;
    let subjects: Vec<_> = throttled.iter().map(|entry| entry.subject).collect();
    assert!(owner.is_some());
    assert_eq!(subjects, [None, owner], "newest first");
}

#[tokio::test]
async fn a_known_device_opens_what_strangers_closed() {
    let ada = Ada::registered(Policy::default()).await;
    let token = token_of(&ada.enter_with(None).await.expect("a session"));
    ada.close(&login("wrong", None)).await;
    assert!(ada.is_locked(&login(PASSWORD, None)).await);
    let signed_in = ada.enter_with(Some(&token)).await.expect("a session");
    assert_eq!(ada.letters(NoticeKind::SignInAfterFailures).await, 0, "the failures were not this device's");
    drop(signed_in);
    ada.enter_with(None).await.expect("open for everybody");
}

#[tokio::test]
async fn a_new_password_by_mail_opens_what_strangers_closed() {
    let ada = Ada::registered(Policy::default()).await;
    ada.close(&login("wrong", None)).await;
    let link = ada.reset_link().await;
    ada.reset(&link, "other words at dusk").await.expect("a new password");
    let new = login("other words at dusk", None);
    ada.test.engine.login.with_password(&new).await.expect("a session");
}

#[tokio::test]
async fn a_hundred_wrong_codes_close_and_a_recovery_code_opens() {
    let (ada, app, codes) = Ada::with_app(Policy::default()).await;
    ada.close(&Ada::login(Some("000000"))).await;
    ada.test.clock.advance(TimeDelta::days(3));
    assert!(ada.is_locked(&Ada::login(Some(&app.shows(&ada)))).await);
    // A new password is no second factor.
    let link = ada.reset_link().await;
    ada.reset(&link, PASSWORD).await.expect("a password");
    assert!(ada.is_locked(&Ada::login(Some(&app.shows(&ada)))).await);
    let code = codes.iter().next().expect("a code").expose_secret().to_owned();
    ada.try_login(Some(&code)).await.expect("a session");
    ada.try_login(Some(&app.shows(&ada))).await.expect("open for every code");
}

#[tokio::test]
async fn successes_of_one_account_give_nothing_to_another() {
    let ada = Ada::registered(Policy::default()).await;
    ada.sign_up("eve@example.com").await;
    let email = Email::parse("eve@example.com").expect("an address");
    let own = PasswordLogin { email, ..login(PASSWORD, None) };
    let lanes = &ada.test.engine.operators;
    for number in 1..=50 {
        ada.refused(&login("wrong", None), 1).await;
        ada.test.engine.login.with_password(&own).await.expect("a session of her own");
        let seen = lanes.lanes(&target(address())).await.expect("the lanes").passwords;
        assert_eq!(seen.state.map(|state| state.failures), Some(number));
        ada.test.clock.advance(TimeDelta::minutes(15));
    }
}

#[tokio::test]
async fn asking_for_a_new_password_locks_and_opens_nothing() {
    let ada = Ada::registered(Policy::default()).await;
    let tenant = TenantId::default();
    for _ in 0..100 {
        for email in [address(), Email::parse("nobody@example.com").expect("an address")] {
            ada.test.engine.recovery.forgot(&tenant, &email, &client()).await.expect("an answer");
        }
    }
    ada.enter_with(None).await.expect("a session");
    ada.refused(&login("wrong", None), 5).await;
    ada.test.engine.recovery.forgot(&tenant, &address(), &client()).await.expect("an answer");
    assert!(ada.is_locked(&login(PASSWORD, None)).await);
}

#[tokio::test]
async fn an_operator_sees_and_opens_both_lanes_and_leaves_a_trace() {
    let (ada, app, _) = Ada::with_app(Policy { mfa: strict(), ..Policy::default() }).await;
    ada.test.clock.advance(TimeDelta::minutes(1));
    let (admin, operators) = (&ada.test.engine.admin, &ada.test.engine.operators);
    let seen = operators.lanes(&target(address())).await.expect("the lanes");
    assert_eq!((seen.passwords.standing, seen.codes.standing), (Standing::Open, Standing::Open));
    assert_eq!((seen.passwords.state, seen.devices.len()), (None, 1));

    ada.close(&Ada::login(Some("000000"))).await;
    ada.refused(&login("wrong", None), 5).await;
    let seen = operators.lanes(&target(address())).await.expect("the lanes");
    assert_eq!(seen.codes.standing, Standing::Closed);
    assert_eq!(seen.passwords.standing, Standing::Waits(ada.now() + TimeDelta::seconds(30)));
    assert_eq!(seen.passwords.state.map(|state| state.failures), Some(5));

    admin.unlock(Actor::Operator, &target(address())).await.expect("an open account");
    ada.try_login(Some(&app.shows(&ada))).await.expect("a session");
    assert_eq!(ada.audited(AuditEvent::LanesShown).await.len(), 2);
    let cleared = ada.audited(AuditEvent::LanesCleared).await;
    assert_eq!(cleared.iter().map(|entry| entry.subject).collect::<Vec<_>>(), [Some(seen.user.id)]);

    let nobody = target(Email::parse("nobody@example.com").expect("an address"));
    assert!(matches!(operators.lanes(&nobody).await, Err(LanesError::NotFound)));
    assert!(matches!(admin.unlock(Actor::Operator, &nobody).await, Err(AdminError::NotFound { .. })));
}
