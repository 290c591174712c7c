//! How many round trips the use cases take, counted on the wire, on a connection that knows their
//! statements.

use std::{future::Future, sync::Arc};

use auth_domain::{
    client::Client,
    factor::DeviceTraits,
    tenant::TenantId,
    usecase::{CreateUser, LoginError, PasswordLogin, Policy},
    user::{Email, Password, Roles},
};
use auth_postgres::PostgresStore;
use auth_testkit::fake::TestEngine;
use chrono::TimeDelta;

use crate::{
    proxy::Proxy,
    support::{Database, config},
};

/// An engine whose store reaches the database through a proxy, and an account with a password.
struct Counted {
    test: TestEngine,
    store: PostgresStore,
    proxy: Proxy,
    password: String,
    database: Database,
}

impl Counted {
    async fn new() -> Self {
        let (database, proxy) = (Database::migrated(), Proxy::start().await);
        // One connection: it learns every statement in the first rounds.
        let mut config = config(&proxy.url(&database.0));
        config.max_connections = 1;
        let store = PostgresStore::open(&config).unwrap();
        let test = TestEngine::new(Arc::new(store.clone()), Policy::default());
        test.engine.keys.ensure().await.unwrap();
        let request = CreateUser {
            tenant: TenantId::default(),
            email: ada(),
            full_name: None,
            roles: Roles::default(),
        };
        let created = test.engine.operators.create_user(&request).await.unwrap();
        let password = created.password.expose_secret().to_owned();
        Self { test, store, proxy, password, database }
    }

    /// Runs something three times and says what the last time took.
    async fn trips<F: Future>(&self, what: &str, call: impl Fn() -> F) -> u64 {
        let mut last = 0;
        for _ in 0..3 {
            self.test.clock.advance(TimeDelta::seconds(1));
            self.proxy.take();
            call().await;
            last = self.proxy.take();
        }
        eprintln!("round trips: {what}: {last}");
        last
    }
}

fn login(password: &str) -> PasswordLogin {
    PasswordLogin {
        tenant: TenantId::default(),
        email: ada(),
        password: Password::new(password.to_owned()),
        code: None,
        device: DeviceTraits::default(),
        device_token: None,
        client: Client::default(),
    }
}

fn ada() -> Email {
    Email::parse("ada@example.com").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_takes_four() {
    let counted = Counted::new().await;
    let request = login(&counted.password);
    let engine = &counted.test.engine;
    let good = counted.trips("login", || async { engine.login.with_password(&request).await.unwrap() }).await;
    assert_eq!(good, 4);
    let networks = std::sync::atomic::AtomicU8::new(0);
    let new_device = counted
        .trips("login, new device", || async {
            let network = networks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let client = Client { ip: Some([192, 0, network, 7].into()), ..Client::default() };
            let request = PasswordLogin { client, ..login(&counted.password) };
            engine.login.with_password(&request).await.unwrap()
        })
        .await;
    assert_eq!(new_device, 4);
    assert_eq!(counted.database.sql("SELECT count(*) FROM outbox WHERE kind = 'new_device_notice'"), "3");
    let wrong = login("not the password");
    let bad = counted
        .trips("login, wrong password", || async {
            let refused = engine.login.with_password(&wrong).await;
            assert!(matches!(refused, Err(LoginError::BadCredentials)));
        })
        .await;
    assert_eq!(bad, 3);
}

/// The token of a known device costs its login nothing; any other one costs one more, whoever the address
/// belongs to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_from_a_known_device_takes_four() {
    let counted = Counted::new().await;
    let engine = &counted.test.engine;
    let first = engine.login.with_password(&login(&counted.password)).await.unwrap();
    let known = PasswordLogin { device_token: first.device_token, ..login(&counted.password) };
    let trips =
        counted.trips("login, known device", || async { engine.login.with_password(&known).await.unwrap() });
    assert_eq!(trips.await, 4);
    assert_eq!(counted.database.sql("SELECT count(*) FROM known_devices"), "1");
    let wrong = |email: Email, device_token| PasswordLogin { email, device_token, ..login("wrong") };
    let nobody = || Email::parse("nobody@example.com").unwrap();
    let invented = auth_domain::guard::known_device::DeviceToken::parse(&format!("dt_{}", "A".repeat(43)));
    let mut all = Vec::new();
    for request in [
        wrong(ada(), known.device_token.clone()),
        wrong(ada(), invented.clone()),
        wrong(nobody(), invented),
        wrong(nobody(), known.device_token.clone()),
    ] {
        let trips = counted.trips("login, wrong password and a token", || async {
            let refused = engine.login.with_password(&request).await;
            assert!(matches!(refused, Err(LoginError::BadCredentials)));
        });
        all.push(trips.await);
        counted.test.clock.advance(TimeDelta::days(2));
    }
    assert_eq!(all, [3, 4, 4, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_takes_one_and_a_refresh_three() {
    let counted = Counted::new().await;
    let (engine, tenant) = (&counted.test.engine, TenantId::default());
    let signed_in = engine.login.with_password(&login(&counted.password)).await.unwrap();
    let token = signed_in.access.expose_secret();
    let check = counted
        .trips("access token", || async { engine.bearer.authenticate(token, &tenant).await.unwrap() })
        .await;
    assert_eq!(check, 1);
    let caller = engine.bearer.authenticate(token, &tenant).await.unwrap();
    let list = counted.trips("session list", || async { engine.sessions.list(&caller).await.unwrap() }).await;
    assert_eq!(list, 1);
    let newest = std::sync::Mutex::new(signed_in.refresh.expose_secret().to_owned());
    let refresh = counted
        .trips("refresh", || async {
            let token = newest.lock().unwrap().clone();
            let pair = engine.sessions.refresh(&tenant, &token, &Client::default()).await.unwrap();
            *newest.lock().unwrap() = pair.refresh.expose_secret().to_owned();
        })
        .await;
    assert_eq!(refresh, 3);
    let others = counted
        .trips("ending other sessions", || async {
            engine.sessions.revoke_others(&caller, &Client::default()).await.unwrap()
        })
        .await;
    assert_eq!(others, 2);
}

/// Nor can anybody tell by the time whether an address has an account: the same statements run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_mail_takes_as_much_for_nobody() {
    let counted = Counted::new().await;
    let (engine, tenant, client) = (&counted.test.engine, TenantId::default(), Client::default());
    counted.database.sql(
        "CREATE TABLE put (n bigint GENERATED ALWAYS AS IDENTITY, kind text, once bytea);
         CREATE FUNCTION note_put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO put (kind, once) VALUES (NEW.kind, NEW.once); RETURN NEW; END $$;
         CREATE TRIGGER note_put BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION note_put()",
    );
    let mut trips = Vec::new();
    for email in [ada(), Email::parse("nobody@example.com").unwrap()] {
        let forgot = counted
            .trips("forgot", || async { engine.recovery.forgot(&tenant, &email, &client).await.unwrap() })
            .await;
        let resend = counted
            .trips("resend", || async {
                engine.accounts.resend_verification(&tenant, &email, &client).await.unwrap();
            })
            .await;
        trips.push((forgot, resend));
    }
    assert_eq!(trips[0], trips[1]);
    let put = "SELECT kind, count(*), count(once) FROM put GROUP BY kind ORDER BY kind";
    assert_eq!(
        counted.database.sql(put).lines().collect::<Vec<_>>(),
        ["nothing|6|6", "reset_password|3|3", "verify_email|3|3"]
    );
    let waiting = "SELECT kind, count(*) FROM outbox GROUP BY kind ORDER BY kind";
    let waiting = counted.database.sql(waiting);
    assert_eq!(waiting.lines().collect::<Vec<_>>(), ["nothing|2", "reset_password|1", "verify_email|1"]);
}

/// What is prepared once is on the connection's list, and nothing is on it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_of_a_login_is_prepared_once() {
    use auth_domain::port::Store as _;
    let counted = Counted::new().await;
    let request = login(&counted.password);
    for _ in 0..4 {
        let signed_in = counted.test.engine.login.with_password(&request).await.unwrap();
        let token = signed_in.refresh.expose_secret();
        counted.test.engine.sessions.refresh(&TenantId::default(), token, &Client::default()).await.unwrap();
    }
    // The list is the connection's own: have it written where another connection can read it.
    counted.database.sql(
        "CREATE TABLE noted (statement text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO noted SELECT statement FROM pg_prepared_statements; RETURN NULL; END $$;
         CREATE TRIGGER note AFTER DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION note()",
    );
    counted.store.read().await.unwrap().outbox().done(auth_domain::id::OutboxId::from_i64(1)).await.unwrap();
    let count = |like: &str| {
        counted.database.sql(&format!("SELECT count(*) FROM noted WHERE statement LIKE '{like}'"))
    };
    for like in [
        "BEGIN",
        "COMMIT",
        "SELECT pg_advisory_xact_lock($1)",
        "INSERT INTO login_locks%",
        "DELETE FROM login_locks WHERE key = $1",
        "DELETE FROM known_devices%",
        "INSERT INTO known_devices%",
        "UPDATE users SET%",
        "%INSERT INTO sessions%",
        "%INSERT INTO refresh_tokens SELECT%UPDATE sessions SET last_used_at%",
        "INSERT INTO audit_events%",
    ] {
        assert_eq!(count(like), "1", "{like}\n{}", counted.database.sql("SELECT * FROM noted"));
    }
    assert_eq!(counted.database.sql("SELECT statement FROM noted GROUP BY 1 HAVING count(*) > 1"), "");
}
