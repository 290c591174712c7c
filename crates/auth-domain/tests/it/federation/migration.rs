//! Passwords that become ones of this server on their way to the pool.

use auth_domain::{
    audit::AuditEvent,
    port::ProviderChallengeKind,
    usecase::{ChangePassword, LoginError, Policy},
    user::{LinkedCounts, Password, password::PasswordPolicy},
};

use super::{HERE, THERE, World, ada, client, pool::CODE};

fn lazy() -> Policy {
    Policy { migrate_passwords: true, ..Policy::default() }
}

#[tokio::test]
async fn a_password_the_pool_took_opens_the_account_here_from_then_on() {
    let world = World::with(lazy()).await;
    world.through_pool().await;
    world.pool.set_away(true);
    world.try_native(THERE).await.expect("the pool is not needed");
    assert_eq!(world.log(AuditEvent::PasswordMigrated).await.len(), 1);
    world.pool.set_away(false);
    let hashed = world.test.hasher.calls().rehash;
    world.through_pool().await;
    assert_eq!(world.test.hasher.calls().rehash, hashed, "the same password is not hashed again");
    assert_eq!(world.log(AuditEvent::PasswordMigrated).await.len(), 1);
    let counts = world.test.engine.federation.report().await.unwrap();
    assert_eq!((counts.linked, counts.with_password), (1, 1));
}

#[tokio::test]
async fn nothing_is_kept_where_it_is_off() {
    let world = World::new().await;
    world.through_pool().await;
    assert_eq!(world.test.hasher.calls().rehash, 0);
    let counts = world.test.engine.federation.report().await.unwrap();
    let proved = Some(world.now());
    assert_eq!(
        counts,
        LinkedCounts {
            linked: 1,
            with_password: 0,
            last_proved_at: proved,
            last_proved_without_password_at: proved
        }
    );
}

#[tokio::test]
async fn a_later_change_at_the_pool_is_picked_up() {
    let world = World::with(lazy()).await;
    world.through_pool().await;
    world.pool.change("sub-ada", |person| person.password = "new words there".to_owned());
    world.try_pool(&ada(), "new words there").await.expect("a session");
    world.try_native("new words there").await.expect("a session");
    assert!(matches!(world.try_native(THERE).await, Err(LoginError::BadCredentials)));
}

#[tokio::test]
async fn a_password_that_its_owner_chose_here_stays() {
    let world = World::with(lazy()).await;
    world.register_proved(&ada()).await;
    world.through_pool().await;
    world.try_native(HERE).await.expect("the own password still works");
    assert!(matches!(world.try_native(THERE).await, Err(LoginError::BadCredentials)));

    // And one that was chosen after the pool's had been taken over.
    let world = World::with(lazy()).await;
    let caller = world.caller(&world.through_pool().await).await;
    let new = PasswordPolicy::default().admit(Password::new(HERE.to_owned())).unwrap();
    let change = ChangePassword { current: None, new, client: client() };
    world.test.engine.passwords.change(&caller, &change).await.expect("a new password");
    world.through_pool().await;
    world.try_native(HERE).await.expect("the own password still works");
}

#[tokio::test]
async fn a_password_before_a_challenge_is_kept_when_it_is_passed_and_not_before() {
    let world = World::with(lazy()).await;
    world.pool.change("sub-ada", |person| person.challenge = Some(ProviderChallengeKind::SoftwareTokenMfa));
    let token = world.challenged().await;
    assert!(world.user(&ada()).await.is_none());
    world.answer(&token, Some(CODE), None).await.expect("a session");
    world.try_native(THERE).await.expect("a session");

    let world = World::with(lazy()).await;
    let kind = ProviderChallengeKind::NewPasswordRequired;
    world.pool.change("sub-ada", |person| person.challenge = Some(kind));
    let token = world.challenged().await;
    world.answer(&token, None, Some("long enough now")).await.expect("a session");
    world.try_native("long enough now").await.expect("the new one, not the temporary one");
}
