//! The lanes of logins through the pool, and the devices that get one.

use auth_domain::{
    guard::known_device::{DeviceToken, KnownDevice},
    port::{ProviderChallengeKind, Store as _},
    tenant::TenantId,
    usecase::{
        ChangeProof, FactorChange, LinkIdentity, LoginError, PasswordLogin, Policy, ProviderLoginError,
        ResetAtProvider, SignedIn,
    },
    user::Password,
};
use auth_testkit::fake::SeededEntropy;

use super::{HERE, THERE, World, ada, client, email, is_bad_credentials, login, pool::CODE};

fn token_of(signed_in: &SignedIn) -> DeviceToken {
    signed_in.device_token.clone().expect("a login gives a token")
}

impl World {
    async fn sign_in_from(
        &self,
        device: &DeviceToken,
        password: &str,
    ) -> Result<SignedIn, ProviderLoginError> {
        let device_token = Some(device.clone());
        let login = PasswordLogin { device_token, ..login(&ada(), password) };
        self.test.engine.login.with_provider(&login).await
    }

    async fn device(&self, token: &DeviceToken) -> Option<KnownDevice> {
        let mut repos = self.store.read().await.expect("repositories");
        repos.known_devices().lock(&token.digest()).await.expect("the store works")
    }

    /// A stranger fails until nothing is looked at any more.
    async fn lock(&self) {
        for _ in 0..5 {
            is_bad_credentials(&self.try_pool(&ada(), "guess").await);
        }
        assert!(is_locked(&self.try_pool(&ada(), THERE).await));
    }
}

fn is_locked(outcome: &Result<SignedIn, ProviderLoginError>) -> bool {
    matches!(outcome, Err(ProviderLoginError::Login(LoginError::Locked(_))))
}

#[tokio::test]
async fn strangers_do_not_lock_a_known_device_out() {
    let world = World::new().await;
    let token = token_of(&world.through_pool().await);
    world.lock().await;
    let again = world.sign_in_from(&token, THERE).await.expect("a session");
    assert_eq!(token_of(&again).expose_secret(), token.expose_secret(), "the device keeps its token");
    assert!(is_locked(&world.try_pool(&ada(), THERE).await), "the stranger still waits");
    // What fails from there is counted there.
    is_bad_credentials(&world.sign_in_from(&token, "guess").await);
    assert_eq!(world.device(&token).await.expect("a device").failures, 1);
    world.sign_in_from(&token, THERE).await.expect("a session");
    assert_eq!(world.device(&token).await.expect("a device").failures, 0);
}

#[tokio::test]
async fn a_device_of_this_server_and_of_the_pool_is_one() {
    let world = World::new().await;
    world.register_proved(&ada()).await;
    let token = token_of(&world.try_native(HERE).await.expect("a session"));
    world.lock().await;
    let through_pool = world.sign_in_from(&token, THERE).await.expect("a session");
    assert_eq!(token_of(&through_pool).expose_secret(), token.expose_secret());
}

#[tokio::test]
async fn a_device_keeps_its_lane_through_a_challenge_of_the_pool() {
    let world = World::new().await;
    let token = token_of(&world.through_pool().await);
    world.pool.change("sub-ada", |person| person.challenge = Some(ProviderChallengeKind::SoftwareTokenMfa));
    world.lock().await;
    let asked = match world.sign_in_from(&token, THERE).await {
        Err(ProviderLoginError::Challenge(asked)) => asked.token.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    };
    let answer = auth_domain::usecase::ProviderChallengeLogin {
        device_token: Some(token.clone()),
        ..super::challenge_login(&asked, Some(CODE), None)
    };
    let signed_in = world.test.engine.login.with_provider_challenge(&answer).await.expect("a session");
    assert_eq!(token_of(&signed_in).expose_secret(), token.expose_secret());
}

/// Else whoever has an identity of that name at the pool could guess here without end, and clear the count by
/// signing in there from time to time.
#[tokio::test]
async fn failures_of_an_address_are_forgotten_by_its_owner_only() {
    let world = World::new().await;
    world.register_proved(&ada()).await;
    let eve = world.register_proved(&email("eve@example.com")).await;
    let signed_in = world.test.engine.login.with_password(&login(&eve.email, HERE)).await;
    let caller = world.caller(&signed_in.expect("a session")).await;
    let link = LinkIdentity { email: ada(), password: Password::new(THERE.to_owned()), client: client() };
    let guess = async || assert!(matches!(world.try_native("guess").await, Err(LoginError::BadCredentials)));
    guess().await;
    guess().await;
    world.test.engine.federation.link(&caller, &link).await.expect("a link");
    guess().await;
    guess().await;
    // Signing in by that name goes on working, and is no failure.
    for _ in 0..6 {
        assert_eq!(world.through_pool().await.user.id, eve.id);
    }
    guess().await;
    assert!(matches!(world.try_native(HERE).await, Err(LoginError::Locked(_))), "five guesses lock");
}

/// The pool may know a person by an address that belongs to another account here.
#[tokio::test]
async fn a_device_of_another_account_is_not_made_ones_own() {
    let world = World::new().await;
    let first = world.through_pool().await;
    world.register_proved(&email("eve@example.com")).await;
    let eve = world.test.engine.login.with_password(&login(&email("eve@example.com"), HERE)).await;
    let of_eve = token_of(&eve.expect("a session"));
    world.pool.change("sub-ada", |person| person.email = email("eve@example.com"));
    let typed =
        PasswordLogin { device_token: Some(of_eve.clone()), ..login(&email("eve@example.com"), THERE) };
    let signed_in = world.test.engine.login.with_provider(&typed).await.expect("her own account");
    assert_eq!(signed_in.user.id, first.user.id);
    let fresh = token_of(&signed_in);
    assert_ne!(fresh.expose_secret(), of_eve.expose_secret());
    assert_eq!(world.device(&fresh).await.expect("a device").user, first.user.id);
}

#[tokio::test]
async fn no_device_is_known_any_more_once_the_account_is_claimed() {
    let world = World::new().await;
    let before = world.register(&ada()).await;
    let waiting = DeviceToken::mint(&SeededEntropy::new(99)).expect("a token");
    let policy = Policy::default().known_devices;
    let device = KnownDevice::new(&waiting, before.id, world.now(), &policy);
    let mut tx = world.store.begin().await.expect("a transaction");
    tx.known_devices().insert(&device, policy.at_most).await.expect("the store works");
    tx.commit().await.expect("a commit");
    // Even by a login from that very device.
    let claimed = world.sign_in_from(&waiting, THERE).await.expect("a session");
    assert_eq!(claimed.user.id, before.id);
    assert_eq!(world.device(&waiting).await, None);
    assert_ne!(token_of(&claimed).expose_secret(), waiting.expose_secret());
}

#[tokio::test]
async fn no_device_is_known_any_more_after_unlinking() {
    let world = World::new().await;
    world.register_proved(&ada()).await;
    let token = token_of(&world.through_pool().await);
    let native = world.caller(&world.try_native(HERE).await.expect("a session")).await;
    let change = FactorChange {
        proof: ChangeProof::Password(Password::new(HERE.to_owned())),
        client: client(),
        ..FactorChange::default()
    };
    world.test.engine.federation.unlink(&native, &change).await.expect("no link any more");
    assert_eq!(world.device(&token).await, None);
}

#[tokio::test]
async fn no_device_is_known_any_more_after_a_reset_at_the_pool() {
    let world = World::new().await;
    let token = token_of(&world.through_pool().await);
    let request = ResetAtProvider {
        tenant: TenantId::default(),
        email: ada(),
        code: auth_domain::port::ProviderCode::new(CODE.to_owned()),
        new_password: Password::new("new words there".to_owned()),
        client: client(),
    };
    world.test.engine.federation.reset_password(&request).await.expect("a new password");
    assert_eq!(world.device(&token).await, None);
}

#[tokio::test]
async fn no_device_is_known_any_more_with_a_password_that_was_replaced_on_the_way() {
    let world = World::with(Policy { migrate_passwords: true, ..Policy::default() }).await;
    let token = token_of(&world.through_pool().await);
    world.sign_in_from(&token, THERE).await.expect("a session");
    assert!(world.device(&token).await.is_some(), "the same password changes nothing");
    world.pool.change("sub-ada", |person| person.password = "new words there".to_owned());
    world.try_pool(&ada(), "new words there").await.expect("a session");
    assert_eq!(world.device(&token).await, None);
}

#[tokio::test]
async fn a_full_hashing_pool_keeps_nobody_out_whose_password_the_provider_keeps() {
    let world = World::new().await;
    world.test.hasher.set_full(true);
    world.through_pool().await;

    // Nor where it was to become one of this server: a later login sees to that.
    let world = World::with(Policy { migrate_passwords: true, ..Policy::default() }).await;
    world.test.hasher.overload(1);
    let signed_in = world.through_pool().await;
    assert!(signed_in.user.credential.is_none(), "nothing was hashed");
    world.through_pool().await;
    world.try_native(THERE).await.expect("a session");
    world.test.hasher.overload(1);
    world.through_pool().await;
}
