//! Passwords handed out.

use auth_domain::{
    audit::AuditEvent,
    outbox::{Intent, OutboxState},
    port::Store as _,
    usecase::{Actor, AdminError, HandOut, LoginError},
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;

use super::{ADA, GIVEN, House, accounts::sign_in, admitted, hand_out, target};

const ADDRESS: &str = "user30@example.com";

#[tokio::test]
async fn a_handed_out_password_replaces_the_old_one_and_ends_every_session() {
    let house = House::new().await;
    let reset = |text: &'static str| HandOut { password: admitted(text), is_temporary: true };
    house
        .admin()
        .reset_password(Actor::Operator, &target(ADA), &reset("the first sentence 1"))
        .await
        .expect("one");
    let user =
        house.admin().reset_password(Actor::Operator, &target(ADA), &hand_out(true)).await.expect("two");
    assert_eq!(house.live_sessions(ADA).await, 0);
    let until = user.credential.and_then(|credential| credential.temporary_until).expect("temporary");
    assert_eq!(until - house.now(), TimeDelta::hours(48));

    let login = &house.test.engine.login;
    let refused = sign_in(login, ADDRESS, "the first sentence 1").await;
    assert!(matches!(refused, Err(LoginError::BadCredentials)), "{refused:?}");
    assert!(sign_in(login, ADDRESS, GIVEN).await.expect("a login"), "it must be changed");
    let entry = house.audited(AuditEvent::PasswordHandedOut).await.remove(0);
    assert!(!format!("{entry:?}").contains(GIVEN), "{entry:?}");
    assert!(entry.details.contains(&("temporary".to_owned(), "true".to_owned())));
}

#[tokio::test]
async fn a_temporary_password_works_for_two_days() {
    let house = House::new().await;
    house.admin().reset_password(Actor::Operator, &target(ADA), &hand_out(true)).await.expect("a password");
    house.test.clock.advance(TimeDelta::hours(48));
    let refused = sign_in(&house.test.engine.login, ADDRESS, GIVEN).await;
    assert!(matches!(refused, Err(LoginError::BadCredentials)), "{refused:?}");
}

/// The mail brings the password in force, once, and nothing else in the store tells it.
#[tokio::test]
async fn the_password_travels_sealed_and_only_while_it_is_good() {
    let house = House::new().await;
    let first = HandOut { password: admitted("the first sentence 1"), is_temporary: true };
    house.admin().reset_password(Actor::Operator, &target(ADA), &first).await.expect("a password");
    house.admin().reset_password(Actor::Operator, &target(ADA), &hand_out(true)).await.expect("a password");
    let mut repos = house.store.read().await.expect("a store");
    let waiting = repos.outbox().list(OutboxState::Waiting, None, 10).await.expect("the outbox");
    assert_eq!(waiting.len(), 2, "neither holds the other back");
    for entry in &waiting {
        let Intent::NewPassword { sealed } = &entry.item.intent else { panic!("{entry:?}") };
        let plain = |text: &str| sealed.as_bytes().windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!plain(GIVEN) && !plain("the first sentence 1"));
        assert!(!format!("{entry:?}").contains("sentence"));
    }
    house.test.engine.delivery.run(10).await.expect("mail");
    let sent = house.test.mailer.sent();
    assert_eq!(sent.len(), 1, "the one that was replaced is not sent");
    assert_eq!((sent[0].kind, sent[0].password.as_deref()), (NoticeKind::NewPassword, Some(GIVEN)));
}

#[tokio::test]
async fn a_password_for_good_is_mailed_with_a_notice() {
    let house = House::new().await;
    house.admin().reset_password(Actor::Operator, &target(ADA), &hand_out(false)).await.expect("a password");
    house.test.engine.delivery.run(10).await.expect("mail");
    let mut kinds: Vec<_> =
        house.test.mailer.sent().iter().map(|letter| format!("{:?}", letter.kind)).collect();
    kinds.sort();
    assert_eq!(kinds, ["NewPassword", "PasswordChanged"]);
    assert!(!sign_in(&house.test.engine.login, ADDRESS, GIVEN).await.expect("a login"));
}

/// The rules hold for administrators, too: nobody hands out the name of the person.
#[tokio::test]
async fn a_handed_out_password_obeys_the_rules() {
    let house = House::new().await;
    let weak = HandOut { password: admitted("Lovelace Ada 1815!"), is_temporary: true };
    let refused = house.admin().reset_password(Actor::Operator, &target(ADA), &weak).await;
    assert!(matches!(refused, Err(AdminError::WeakPassword(..))), "{refused:?}");
    assert_eq!(house.live_sessions(ADA).await, 1);
}

#[tokio::test]
async fn a_locked_account_is_opened() {
    let house = House::new().await;
    house.admin().reset_password(Actor::Operator, &target(ADA), &hand_out(false)).await.expect("a password");
    let login = &house.test.engine.login;
    for _ in 0..5 {
        let refused = sign_in(login, ADDRESS, "wrong").await;
        assert!(matches!(refused, Err(LoginError::BadCredentials)), "{refused:?}");
    }
    assert!(matches!(sign_in(login, ADDRESS, GIVEN).await, Err(LoginError::Locked(_))));
    house.admin().unlock(Actor::Operator, &target(ADA)).await.expect("it is open");
    sign_in(login, ADDRESS, GIVEN).await.expect("a login");
    assert_eq!(house.audited(AuditEvent::LanesCleared).await.len(), 1);
}
