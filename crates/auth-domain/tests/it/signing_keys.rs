//! Signing keys over days, with real keys and the clock in the test's hands: rotation, caches of other
//! services, revocation, and replicas that learn of both.

use std::{collections::BTreeSet, sync::Arc};

use auth_crypto::{JwtConfig, JwtKeys, Keys};
use auth_domain::{
    audit::AuditEvent,
    client::Client,
    port::{AuditFilter, Store as _},
    secret::ServerSecret,
    tenant::TenantId,
    token::{JwtAlgorithm, KeyId, KeyState, SigningKey, TokenExpectations, TokenRejected},
    usecase::{BearerError, Caller, PasswordLogin, Policy, Ports, Register, SignedIn},
    user::{Email, Password, password::PasswordPolicy},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::fake::{FakeClock, NoticeKind, SeededEntropy, TestEngine};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;

async fn store() -> Arc<SqliteStore> {
    let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
    store.migrate().await.expect("a schema");
    Arc::new(store)
}

/// A replica with keys of its own in memory, on the store and the clock of all.
async fn replica(store: &Arc<SqliteStore>, clock: &FakeClock, seed: u64) -> TestEngine {
    let secret = ServerSecret::parse("q3Vn0c8yT5kL2mR7xW9bZ4fH6jP1sD0a").expect("a secret");
    let config = JwtConfig {
        algorithm: JwtAlgorithm::EdDsa,
        expectations: TokenExpectations {
            issuer: "https://auth.example.com".to_owned(),
            audience: "auth".to_owned(),
            leeway: TokenExpectations::DEFAULT_LEEWAY,
        },
        shared_secret: None,
        longest_life: Policy::default().access_life,
    };
    let tokens = Arc::new(JwtKeys::new(config, Arc::new(Keys::derive(&secret))).expect("settings that fit"));
    let test = TestEngine::adapted(store.clone(), Policy::default(), |ports| Ports {
        signer: tokens.clone(),
        verifier: tokens.clone(),
        key_ring: tokens.clone(),
        key_factory: tokens.clone(),
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(SeededEntropy::new(seed)),
        ..ports
    });
    test.engine.keys.ensure().await.expect("a signing key");
    test
}

const PASSWORD: &str = "plain words at dawn";

/// Ada, registered and proved.
async fn registered(test: &TestEngine) {
    let email = Email::parse("ada@example.com").expect("an address");
    let password = PasswordPolicy::default().admit(Password::new(PASSWORD.to_owned())).expect("a good one");
    let request = Register {
        tenant: TenantId::default(),
        email: email.clone(),
        password,
        full_name: None,
        client: Client::default(),
    };
    test.engine.accounts.register(&request).await.expect("an account");
    test.engine.delivery.run(50).await.expect("a delivery");
    let token = test.mailer.token(NoticeKind::VerifyEmail, &email).expect("a mailed link");
    test.engine.accounts.verify_email(&token, &Client::default()).await.expect("a proved address");
}

async fn login(test: &TestEngine) -> SignedIn {
    let login = PasswordLogin {
        tenant: TenantId::default(),
        email: Email::parse("ada@example.com").expect("an address"),
        password: Password::new(PASSWORD.to_owned()),
        code: None,
        device: auth_domain::factor::DeviceTraits::default(),
        device_token: None,
        client: Client::default(),
    };
    test.engine.login.with_password(&login).await.expect("a login")
}

async fn authenticate(test: &TestEngine, token: &str) -> Result<Caller, BearerError> {
    test.engine.bearer.authenticate(token, &TenantId::default()).await
}

fn is_unknown(outcome: &Result<Caller, BearerError>) -> bool {
    matches!(outcome, Err(BearerError::Rejected(TokenRejected::UnknownKey)))
}

/// The key that a token names.
fn kid(token: &str) -> String {
    let header = token.split('.').next().expect("a header");
    let header = URL_SAFE_NO_PAD.decode(header).expect("a header in base64");
    let header = String::from_utf8(header).expect("JSON");
    let (_, rest) = header.split_once("\"kid\":\"").expect("a kid");
    rest.split('"').next().expect("its end").to_owned()
}

/// The keys of a set, as another service finds them there.
fn published(test: &TestEngine) -> BTreeSet<String> {
    let jwks = test.engine.keys.published();
    let kid = |jwk: &String| {
        let (_, rest) = jwk.split_once("\"kid\":\"").expect("a kid");
        rest.split('"').next().expect("its end").to_owned()
    };
    jwks.iter().map(kid).collect()
}

async fn states(test: &TestEngine) -> Vec<(KeyId, KeyState)> {
    let keys = test.engine.keys.list().await.expect("the keys");
    keys.into_iter().map(|key| (key.id, key.state)).collect()
}

/// Another service caches the key set for as long as it may. Through several rotations, planned and by
/// age, it never meets a token whose key it has not got, although it never asks early.
#[tokio::test]
async fn a_verifier_with_a_cache_knows_every_key_before_it_signs() {
    let (store, clock) = (store().await, FakeClock::default());
    let (one, two) = (replica(&store, &clock, 1).await, replica(&store, &clock, 2).await);
    registered(&one).await;
    let (mut cache, mut age, mut met) = (published(&one), TimeDelta::zero(), BTreeSet::new());
    let step = TimeDelta::seconds(50);
    let mut held: Vec<(String, TimeDelta)> = Vec::new();
    for turn in 0..400 {
        if turn % 150 == 20 {
            one.engine.keys.rotate().await.expect("a rotation");
        }
        // Replicas look after keys in turns, so each is behind the other at times.
        let worker = if turn % 2 == 0 { &one } else { &two };
        worker.engine.keys.maintain().await.expect("maintained keys");
        if age > SigningKey::JWKS_MAX_AGE {
            (cache, age) = (published(if turn % 3 == 0 { &one } else { &two }), TimeDelta::zero());
        }
        for test in [&one, &two] {
            let token = login(test).await.access.expose_secret().to_owned();
            assert!(cache.contains(&kid(&token)), "turn {turn}: the verifier has not got the key yet");
            met.insert(kid(&token));
            held.push((token, TimeDelta::zero()));
        }
        // Tokens are believed to their end, whatever happened to their key.
        held.retain(|(_, life)| *life < Policy::default().access_life);
        if turn % 40 == 0 {
            for (token, life) in &held {
                assert!(cache.contains(&kid(token)), "turn {turn}: a living token's key is gone, {life}");
            }
        }
        clock.advance(step);
        age += step;
        for (_, life) in &mut held {
            *life += step;
        }
    }
    assert!(met.len() >= 3, "{met:?}");
}

/// The key that signs is revoked: what it signed is refused, and another signs at once, on every replica.
#[tokio::test]
async fn a_revoked_key_is_believed_no_more_and_another_signs_at_once() {
    let (store, clock) = (store().await, FakeClock::default());
    let (one, two) = (replica(&store, &clock, 1).await, replica(&store, &clock, 2).await);
    registered(&one).await;
    let before = login(&one).await.access.expose_secret().to_owned();
    authenticate(&two, &before).await.expect("a good token");

    let stolen = KeyId::new(kid(&before));
    let revoked = one.engine.keys.revoke(&stolen).await.expect("a revocation").expect("a key of that name");
    assert_eq!((revoked.revoked.id, revoked.revoked.state), (stolen.clone(), KeyState::Active));
    let successor = revoked.successor.expect("a new key");
    assert_eq!(successor.state, KeyState::Active);
    assert!(is_unknown(&authenticate(&one, &before).await));
    assert_eq!(published(&one), BTreeSet::from([successor.id.to_string()]));

    let fresh = login(&one).await.access.expose_secret().to_owned();
    assert_eq!(kid(&fresh), successor.id.to_string());
    authenticate(&two, &fresh).await.expect("the other replica looks for a key it does not know");
    assert!(is_unknown(&authenticate(&two, &before).await), "and learns what is gone");
    assert_eq!(kid(login(&two).await.access.expose_secret()), successor.id.to_string());

    let filter = AuditFilter { event: Some(AuditEvent::KeyRevoked), ..AuditFilter::default() };
    let entries = store.read().await.expect("a store").audit().list(&filter, 10).await.expect("entries");
    let detail = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].details, [detail("kid", stolen.as_str()), detail("state", "active")]);
}

/// The key that waits is revoked: the one that signs goes on until another has been published long enough.
#[tokio::test]
async fn a_revoked_successor_leaves_no_gap() {
    let (store, clock) = (store().await, FakeClock::default());
    let test = replica(&store, &clock, 1).await;
    registered(&test).await;
    let first = states(&test).await[0].0.clone();
    let second = test.engine.keys.rotate().await.expect("a rotation").expect("a key").id;
    clock.advance(SigningKey::PUBLISHED_AHEAD / 2);
    let revoked = test.engine.keys.revoke(&second).await.expect("a revocation").expect("a key of that name");
    let third = revoked.successor.expect("a new key").id;
    assert_eq!(states(&test).await, [(first.clone(), KeyState::Active), (third.clone(), KeyState::Next)]);
    clock.advance(SigningKey::PUBLISHED_AHEAD - TimeDelta::seconds(1));
    assert_eq!(kid(login(&test).await.access.expose_secret()), first.to_string(), "no gap before");
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(kid(login(&test).await.access.expose_secret()), third.to_string());
    assert_eq!(states(&test).await, [(first, KeyState::Retired), (third, KeyState::Active)]);
}

/// A retired key is revoked: nothing has to take its place.
#[tokio::test]
async fn a_revoked_old_key_needs_no_successor() {
    let (store, clock) = (store().await, FakeClock::default());
    let test = replica(&store, &clock, 1).await;
    let first = states(&test).await[0].0.clone();
    let second = test.engine.keys.rotate().await.expect("a rotation").expect("a key").id;
    clock.advance(SigningKey::PUBLISHED_AHEAD);
    let revoked = test.engine.keys.revoke(&first).await.expect("a revocation").expect("a key of that name");
    assert_eq!((revoked.revoked.state, revoked.successor), (KeyState::Retired, None));
    assert_eq!(states(&test).await, [(second, KeyState::Active)]);
    assert_eq!(test.engine.keys.revoke(&first).await.expect("an answer"), None, "there is no such key now");
}

/// Whoever names keys that do not exist makes nobody ask the store each time.
#[tokio::test]
async fn unknown_keys_are_looked_for_once_in_ten_seconds() {
    let (store, clock) = (store().await, FakeClock::default());
    let (one, two) = (replica(&store, &clock, 1).await, replica(&store, &clock, 2).await);
    registered(&one).await;
    let revoke_and_login = async || {
        let active = states(&one).await.pop().expect("a key").0;
        one.engine.keys.revoke(&active).await.expect("a revocation");
        login(&one).await.access.expose_secret().to_owned()
    };
    let token = revoke_and_login().await;
    authenticate(&two, &token).await.expect("the first unknown key is looked for");
    let token = revoke_and_login().await;
    clock.advance(TimeDelta::seconds(9));
    assert!(is_unknown(&authenticate(&two, &token).await), "the second one is not, within ten seconds");
    clock.advance(TimeDelta::seconds(1));
    authenticate(&two, &token).await.expect("and after them it is");
}
