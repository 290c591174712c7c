//! Sealing anew, with real keys on a real store, and with scripted ones where somebody else must be faster.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use auth_crypto::Keys;
use auth_domain::{
    audit::AuditEvent,
    factor::TimeStep,
    port::{
        AuditFilter, BoxError, MockStore, MockTx, PendingTotp, SealedPlace, SealedRow, SealedValue,
        SecretBox, Store,
    },
    secret::{SealLabel, Sealed, ServerSecret},
    usecase::{FactorError, Policy, Ports, Rekeyed, SealError, SealKey},
    user::LinkedIdentity,
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{
    builder,
    fake::{FakeCipher, TestEngine},
};
use zeroize::Zeroizing;

use crate::second_factor::{Ada, App, without_proof};

/// Where the grant of the linked identity 7 lives.
const GRANT: &str = "linked_identities|grant_sealed|7";

/// More than two batches.
const PEOPLE: i64 = 450;

fn secret(text: &str) -> ServerSecret {
    ServerSecret::parse(text).expect("a secret")
}

fn old() -> ServerSecret {
    secret("q3Vn0c8yT5kL2mR7xW9bZ4fH6jP1sD0a")
}

fn new() -> ServerSecret {
    secret("M8tY2uK5vB9nQ4wE7rX1cJ6gL3hF0zSd")
}

fn context(number: i64) -> String {
    format!("totp_secrets|secret|{}", builder::user(number, builder::noon()).id)
}

/// A store with so many apps at work, and a signing key, sealed by `cipher`.
async fn filled(cipher: &dyn SecretBox, people: i64) -> Arc<SqliteStore> {
    let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
    store.migrate().await.expect("a schema");
    let now = builder::noon();
    let mut tx = store.begin().await.expect("a transaction");
    for number in 1..=people {
        let user = builder::user(number, now);
        tx.users().insert(&user).await.expect("a store").expect("a free address");
        let sealed = cipher.seal(&context(number), &number.to_be_bytes()).expect("seals");
        let pending = PendingTotp { secret: sealed, since: now };
        tx.factors().put_pending_totp(user.id, &pending).await.expect("a store");
        if number % 10 != 0 {
            assert!(
                tx.factors().activate_totp(user.id, &pending, TimeStep::from_i64(1)).await.expect("a store")
            );
        }
    }
    let mut key = builder::signing_key("kid", now);
    key.private = cipher.seal("signing_keys|private|kid", b"private").expect("seals");
    tx.keys().insert(&key).await.expect("a store");
    tx.commit().await.expect("a commit");
    Arc::new(store)
}

/// Links the first account with somebody at a provider.
async fn link(store: &SqliteStore, cipher: &dyn SecretBox) -> LinkedIdentity {
    let now = builder::noon();
    let identity = builder::identity(7, builder::user(1, now).id, now);
    let grant = cipher.seal(GRANT, b"grant").expect("seals");
    let identity = LinkedIdentity { grant: Some(grant), ..identity };
    let mut tx = store.begin().await.expect("a transaction");
    tx.identities().link(&identity).await.expect("a store").expect("nothing is linked yet");
    tx.commit().await.expect("a commit");
    identity
}

fn engine(store: Arc<dyn Store>, cipher: impl SecretBox + 'static) -> TestEngine {
    TestEngine::adapted(store, Policy::default(), |ports| Ports { secret_box: Arc::new(cipher), ..ports })
}

/// What the store holds under which key: present, former, unknown.
async fn held(test: &TestEngine) -> [u64; 3] {
    let counts = test.engine.rekey.counts().await.expect("counts");
    [SealKey::Present, SealKey::Former, SealKey::Unknown]
        .map(|key| counts.iter().filter(|count| count.key == key).map(|count| count.count).sum())
}

#[tokio::test]
async fn everything_is_sealed_anew_and_opens_with_the_new_secret_alone() {
    let before = Keys::derive(&old());
    let store = filled(&before, PEOPLE).await;
    let identity = link(&store, &before).await;
    let both = engine(store.clone(), Keys::derive_ring(&new(), &[old()]));
    let all = PEOPLE as u64 + 2;
    assert_eq!(held(&both).await, [0, all, 0]);
    both.engine.rekey.check().await.expect("both secrets are there");

    let trial = both.engine.rekey.run(true, |_| {}).await.expect("a dry run");
    assert_eq!(trial.iter().map(|done| done.sealed).sum::<u64>(), all);
    assert_eq!(held(&both).await, [0, all, 0], "a dry run changes nothing");

    let mut steps = Vec::new();
    let done = both.engine.rekey.run(false, |progress| steps.push(progress)).await.expect("a run");
    assert_eq!(
        done.iter().map(|done| (done.sealed, done.changed, done.unreadable)).fold((0, 0, 0), |a, b| (
            a.0 + b.0,
            a.1 + b.1,
            a.2 + b.2
        )),
        (all, 0, 0)
    );
    assert!(steps.len() > 5 && steps.iter().all(|step| step.done <= step.total), "{steps:?}");
    assert_eq!(held(&both).await, [all, 0, 0]);
    assert_eq!(both.engine.rekey.run(false, |_| {}).await.expect("a run"), [], "nothing is left to do");

    let after = Keys::derive(&new());
    let mut repos = store.read().await.expect("a store");
    for number in 1..=PEOPLE {
        let stored = repos.factors().totp(builder::user(number, builder::noon()).id).await.expect("a store");
        let sealed = stored.secret.or(stored.pending.map(|pending| pending.secret)).expect("an app");
        assert_eq!(after.open(&context(number), &sealed).expect("opens").as_slice(), number.to_be_bytes());
        assert!(before.open(&context(number), &sealed).is_err());
    }
    let key = repos.keys().all().await.expect("a store").remove(0);
    assert_eq!(after.open("signing_keys|private|kid", &key.private).expect("opens").as_slice(), b"private");
    let linked = repos.identities().of_user(identity.user).await.expect("a store").remove(0);
    let grant = linked.grant.clone().expect("a grant");
    assert_eq!(after.open(GRANT, &grant).expect("opens").as_slice(), b"grant");
    assert_eq!(LinkedIdentity { grant: identity.grant.clone(), ..linked }, identity, "nothing else changed");
    engine(store.clone(), after).engine.rekey.check().await.expect("the old secret is not needed");

    let filter = AuditFilter { event: Some(AuditEvent::DataRotated), ..AuditFilter::default() };
    let entries = repos.audit().list(&filter, 50).await.expect("entries");
    let count = |entry: &auth_domain::audit::AuditEntry| {
        let (_, count) = entry.details.iter().find(|(name, _)| name == "count").expect("a count");
        count.parse::<u64>().expect("a number")
    };
    assert_eq!(entries.iter().map(count).sum::<u64>(), all, "each batch has its record");
    assert!(entries.len() >= 4, "{}", entries.len());
}

/// The worker that asks the provider could not open it, and would end everybody's sessions.
#[tokio::test]
async fn a_grant_that_no_secret_opens_keeps_the_server_from_starting() {
    let store = filled(&Keys::derive(&new()), 1).await;
    link(&store, &Keys::derive(&old())).await;
    let test = engine(store, Keys::derive(&new()));
    let refused = test.engine.rekey.check().await;
    assert!(matches!(refused, Err(SealError::UnknownKey { place: SealedPlace::Grant, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_secret_that_is_missing_is_named_by_its_key() {
    let store = filled(&Keys::derive(&old()), 1).await;
    let test = engine(store, Keys::derive(&new()));
    assert_eq!(held(&test).await, [0, 0, 2]);
    let Err(SealError::UnknownKey { place, label }) = test.engine.rekey.check().await else {
        panic!("the check passed")
    };
    assert_eq!((place, Some(&label)), (SealedPlace::Totp, Keys::derive(&old()).labels().first()));
    assert_eq!(
        test.engine.rekey.run(false, |_| {}).await.expect("a run"),
        [],
        "and is nobody's to seal anew"
    );
}

/// A damaged value, and one of another row, do not open: they are counted, and stay as they are.
#[tokio::test]
async fn what_does_not_open_is_left_alone() {
    let before = Keys::derive(&old());
    let store = filled(&before, 3).await;
    let now = builder::noon();
    let foreign = before.seal(&context(1), b"x").expect("seals");
    let pending = PendingTotp { secret: foreign.clone(), since: now };
    let two = builder::user(2, now).id;
    store.read().await.expect("a store").factors().put_pending_totp(two, &pending).await.expect("a store");
    let test = engine(store.clone(), Keys::derive_ring(&new(), &[old()]));
    let done = test.engine.rekey.run(false, |_| {}).await.expect("a run");
    let waiting = done.iter().find(|done| done.place == SealedPlace::PendingTotp).expect("some waited");
    assert_eq!((waiting.sealed, waiting.unreadable), (0, 1));
    assert_eq!(held(&test).await, [4, 1, 0]);
    let stored = store.read().await.expect("a store").factors().totp(two).await.expect("a store");
    assert_eq!(stored.pending, Some(pending));
}

/// Somebody gets a new app between the look and the change: the change does not happen.
#[tokio::test]
async fn what_changed_meanwhile_is_left_alone_and_not_audited() {
    let cipher = FakeCipher::new("new").after("old");
    let label = FakeCipher::new("old").labels()[0];
    let row = SealedRow::User(builder::user(1, builder::noon()).id);
    let sealed = FakeCipher::new("old").seal(&context(1), b"x").expect("seals");
    let found = SealedValue { row, sealed };
    let mut store = MockStore::new();
    store.expect_read().returning(move || Ok(Box::new(reading(label, &found))));
    store.expect_begin().times(1).returning(|| {
        let mut tx = MockTx::default();
        tx.sealed.expect_replace().times(1).returning(|_, _, _| Ok(false));
        tx.audit.expect_append().never();
        Ok(Box::new(tx))
    });
    let done = engine(Arc::new(store), cipher).engine.rekey.run(false, |_| {}).await.expect("a run");
    let place = SealedPlace::Totp;
    assert_eq!(done, [Rekeyed { place, label, sealed: 0, changed: 1, unreadable: 0 }]);
}

/// A store with one value.
fn reading(label: SealLabel, found: &SealedValue) -> MockTx {
    let (mut tx, found) = (MockTx::default(), found.clone());
    let is_there = |place| place == SealedPlace::Totp;
    tx.sealed
        .expect_labels()
        .returning(move |place| Ok(is_there(place).then_some(label).into_iter().collect()));
    tx.sealed.expect_count().returning(|_, _| Ok(1));
    tx.sealed
        .expect_page()
        .returning(move |_, _, after, _| Ok(if after.is_none() { vec![found.clone()] } else { Vec::new() }));
    tx
}

/// Seals anew what waits, between the moment somebody looks at it and the moment it is put to work.
struct Meddling {
    inner: FakeCipher,
    store: Arc<SqliteStore>,
    armed: Arc<AtomicU32>,
}

impl SecretBox for Meddling {
    fn seal(&self, context: &str, plain: &[u8]) -> Result<Sealed, BoxError> {
        self.inner.seal(context, plain)
    }

    fn open(&self, context: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        let plain = self.inner.open(context, sealed)?;
        if self.armed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            let fresh = self.inner.seal(context, &plain)?;
            let replace = async {
                let (place, label) = (SealedPlace::PendingTotp, sealed.label().expect("a label"));
                let mut repos = self.store.read().await.expect("a store");
                let found = repos.sealed().page(place, label, None, 1).await.expect("a page").remove(0);
                assert!(repos.sealed().replace(place, &found, &fresh).await.expect("a store"));
            };
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(replace));
        }
        Ok(plain)
    }

    fn labels(&self) -> Vec<SealLabel> {
        self.inner.labels()
    }
}

/// Whoever switches an app on while values are sealed anew does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_switched_on_while_it_is_sealed_anew() {
    let store = filled(&FakeCipher::default(), 0).await;
    let armed = Arc::new(AtomicU32::new(0));
    let meddling = Meddling { inner: FakeCipher::default(), store: store.clone(), armed: armed.clone() };
    let ada = Ada { test: engine(store.clone(), meddling), store };
    let caller = ada.caller(&ada.sign_up("ada@example.com").await).await;
    let factors = &ada.test.engine.factors;
    let app = App(factors.set_up_totp(&caller, &without_proof()).await.expect("a secret").secret);
    let code = app.shows(&ada).into();
    armed.store(2, Ordering::SeqCst);
    let twice = factors.activate_totp(&caller, &code, &without_proof()).await;
    assert!(matches!(twice, Err(FactorError::NotSetUp)), "{twice:?}");
    armed.store(1, Ordering::SeqCst);
    factors.activate_totp(&caller, &code, &without_proof()).await.expect("recovery codes");
    assert_eq!(armed.load(Ordering::SeqCst), 0, "nobody meddled");
}

#[test]
fn a_label_is_shown_in_hexadecimal_and_needs_five_bytes() {
    let sealed = Sealed::from_bytes(vec![1, 0xab, 0, 0xff, 9, 7]);
    assert_eq!(sealed.label().expect("a label").to_string(), "01ab00ff09");
    assert_eq!(Sealed::from_bytes(vec![1, 2, 3, 4]).label(), None);
}
