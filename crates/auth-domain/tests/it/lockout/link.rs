//! The mailed link that opens an account.

use auth_domain::{
    audit::AuditEvent,
    usecase::{LoginError, PasswordLogin, Policy, ResetError, Unlock, UnlockError},
};
use chrono::TimeDelta;

use super::login;
use crate::second_factor::{Ada, PASSWORD, client};

#[tokio::test]
async fn the_mailed_link_opens_and_lets_the_owner_in_while_it_goes_on() {
    let ada = Ada::registered(Policy::default()).await;
    let wrong = login("wrong", None);
    ada.close(&wrong).await;
    let link = ada.unlock_link().await;
    let token = ada.unlock(&link).await.expect("it opens");
    assert_eq!(ada.audited(AuditEvent::AccountUnlocked).await.len(), 1);
    // The stranger goes on; the owner is asked for the password and gets in.
    ada.refused(&wrong, 5).await;
    assert!(ada.is_locked(&login(PASSWORD, None)).await);
    ada.enter_with(Some(&token)).await.expect("a session");
    ada.refused(&login("wrong", Some(&token)), 1).await;
    assert!(matches!(ada.unlock(&link).await, Err(UnlockError::InvalidToken)), "once");
}

#[tokio::test]
async fn a_link_that_opens_is_good_for_nothing_else_and_not_for_ever() {
    let ada = Ada::registered(Policy::default()).await;
    ada.refused(&login("wrong", None), 5).await;
    let (link, reset) = (ada.unlock_link().await, ada.reset_link().await);
    assert!(matches!(ada.unlock(&reset).await, Err(UnlockError::InvalidToken)));
    let other = ada.reset(&link, "other words at dusk").await;
    assert!(matches!(other, Err(ResetError::InvalidToken)));
    assert!(ada.test.engine.accounts.verify_email(&link, &client()).await.is_err());
    for nonsense in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(matches!(ada.unlock(nonsense).await, Err(UnlockError::InvalidToken)));
    }
    ada.test.clock.advance(TimeDelta::hours(24));
    assert!(matches!(ada.unlock(&link).await, Err(UnlockError::InvalidToken)));
    assert_eq!(ada.audited(AuditEvent::AccountUnlocked).await.len(), 0);
    assert_eq!(ada.devices().await, []);
}

#[tokio::test]
async fn a_new_password_makes_the_link_that_opens_worthless() {
    let ada = Ada::registered(Policy::default()).await;
    ada.refused(&login("wrong", None), 5).await;
    let (link, reset) = (ada.unlock_link().await, ada.reset_link().await);
    ada.reset(&reset, "other words at dusk").await.expect("a new password");
    assert!(matches!(ada.unlock(&link).await, Err(UnlockError::InvalidToken)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_use_a_link_at_once_one_does() {
    let ada = Ada::registered(Policy::default()).await;
    ada.refused(&login("wrong", None), 5).await;
    let token = ada.unlock_link().await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (recovery, token) = (ada.test.engine.recovery.clone(), token.clone());
            tokio::spawn(async move { recovery.unlock(&Unlock { token, client: client() }).await.is_ok() })
        })
        .collect();
    let mut opened = 0;
    for task in tasks {
        opened += usize::from(task.await.expect("an end"));
    }
    assert_eq!((opened, ada.devices().await.len()), (1, 1));
}

#[tokio::test]
async fn the_mailed_link_does_not_open_for_codes() {
    let (ada, app, codes) = Ada::with_app(Policy::default()).await;
    // Whoever has the password and the mailbox: five guesses lock, and the link gives no more of them.
    for _ in 0..5 {
        assert!(matches!(ada.try_login(Some("000000")).await, Err(LoginError::WrongCode)));
    }
    let token = ada.unlock(&ada.unlock_link().await).await.expect("it opens for passwords");
    assert!(ada.is_locked(&Ada::login(Some(&app.shows(&ada)))).await);
    ada.test.clock.advance(TimeDelta::seconds(30));
    ada.try_login(Some(&app.shows(&ada))).await.expect("a session after the wait");

    ada.close(&Ada::login(Some("000000"))).await;
    let other = ada.unlock(&ada.unlock_link().await).await.expect("it opens for passwords");
    ada.test.clock.advance(TimeDelta::days(3));
    for device in [None, Some(token), Some(other)] {
        let login = PasswordLogin { device_token: device, ..Ada::login(Some(&app.shows(&ada))) };
        assert!(ada.is_locked(&login).await);
    }
    let code = codes.iter().next().expect("a code").expose_secret().to_owned();
    ada.try_login(Some(&code)).await.expect("a session");
}
