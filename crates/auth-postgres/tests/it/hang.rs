//! A server that hangs, crashes, restarts or is full: every call ends in time, and afterwards all is as
//! before, without a restart of ours.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_domain::{
    audit::AuditEvent,
    id::{SessionId, UserId},
    port::{AuditFilter, Store, StoreError},
    session::EndReason,
};
use auth_postgres::PostgresStore;
use auth_testkit::{builder, part::postgres::Postgres};

use crate::{
    proxy::Proxy,
    support::{Database, config, strict},
};

/// The longest a call may take: a second for a connection, two for a statement, one on top; and some
/// for a machine that has much else to do.
const DEADLINE: Duration = Duration::from_secs(6);

/// Runs a call that must not succeed, and must end in time.
async fn unavailable<T>(call: impl Future<Output = Result<T, StoreError>>) {
    let begun = Instant::now();
    let outcome = tokio::time::timeout(DEADLINE, call).await.expect("the call ends in time").map(drop);
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "after {:?}: {outcome:?}", begun.elapsed());
}

async fn by_id(store: &PostgresStore) -> Result<(), StoreError> {
    store.read().await?.users().by_id(UserId::from_i64(1)).await.map(drop)
}

/// Waits until the store works again, and says how long that took.
async fn recovery(store: &PostgresStore) -> Duration {
    let begun = Instant::now();
    while by_id(store).await.is_err() || store.ping().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the store does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

/// A server of its own with a migrated database, and a store on it with the usual numbers.
async fn own_server() -> (Postgres, PostgresStore) {
    let server = Postgres::durable(&["fsync=off"]);
    let url = server.url(&server.database());
    PostgresStore::open(&config(&url)).unwrap().migrate().await.unwrap();
    let store = PostgresStore::open(&strict(&url)).unwrap();
    let user = builder::user(1, builder::noon());
    store.read().await.unwrap().users().insert(&user).await.unwrap().unwrap();
    (server, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_ends_while_the_server_hangs_and_works_after() {
    let (server, store) = own_server().await;
    let now = builder::noon();
    let user = builder::user(1, now);
    let mut open = store.begin().await.unwrap();
    assert!(open.users().lock(user.id).await.unwrap().is_some());
    let mut kept = store.begin().await.unwrap();
    kept.audit().append(&builder::audit(AuditEvent::LoginOk, now)).await.unwrap();
    let frozen = Frozen::new(&server);

    let entry = builder::audit(AuditEvent::LoginFailed, now);
    tokio::join!(
        unavailable(open.users().by_id(user.id)),
        unavailable(kept.commit()),
        unavailable(by_id(&store)),
        unavailable(async { store.read().await?.audit().append(&entry).await }),
        unavailable(async {
            let mut tx = store.begin().await?;
            tx.locks().lock(&builder::lock_key(1)).await
        }),
        unavailable(store.ping()),
    );
    drop(open);
    drop(frozen);
    let took = recovery(&store).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    // The lock of the transaction that met the hang is gone as well.
    let mut tx = store.begin().await.unwrap();
    assert!(tx.users().lock(user.id).await.unwrap().is_some());
    tx.commit().await.unwrap();
}

/// All processes of a server, stopped. They go on when this is dropped, also by a test that fails.
struct Frozen(Vec<String>);

impl Frozen {
    fn new(server: &Postgres) -> Self {
        let data = server.daemon().part().dir().join("data");
        let first = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
        let first = first.lines().next().unwrap().to_owned();
        // The first one first: it starts no others any more.
        signal(&first, "STOP");
        let others = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
        let all: Vec<String> = others.split_whitespace().map(ToOwned::to_owned).chain([first]).collect();
        for pid in &all {
            signal(pid, "STOP");
        }
        Self(all)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            signal(pid, "CONT");
        }
    }
}

fn signal(pid: &str, name: &str) {
    // A session may have ended meanwhile.
    let _ = std::process::Command::new("kill").args(["-s", name, pid]).status();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_survived() {
    let (server, store) = own_server().await;
    let mut open = store.begin().await.unwrap();
    let user = builder::user(1, builder::noon());
    assert!(open.users().lock(user.id).await.unwrap().is_some());
    for mode in ["fast", "immediate"] {
        // Several idle connections, all of which die.
        tokio::join!(by_id(&store), by_id(&store), by_id(&store)).0.unwrap();
        let options =
            format!("-o -p {} -h 127.0.0.1 -c unix_socket_directories= -c fsync=off", server.port());
        server.control(&["restart", "-m", mode, "-w", "-l", "../log2", &options]);
        // The very first calls work: what had died is replaced.
        by_id(&store).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.users().by_id(user.id).await.unwrap(), Some(user.clone()));
        tx.audit().append(&builder::audit(AuditEvent::LoginOk, builder::noon())).await.unwrap();
        tx.commit().await.unwrap();
        store.ping().await.unwrap();
    }
    assert!(matches!(open.users().by_id(user.id).await, Err(StoreError::Unavailable(_))));
    assert!(open.commit().await.is_err());
    assert_eq!(store.read().await.unwrap().audit().list(&AuditFilter::default(), 9).await.unwrap().len(), 2);
    server.control(&["stop", "-m", "fast", "-w"]);
    unavailable(by_id(&store)).await;
    unavailable(store.ping()).await;
    unavailable(store.migrate()).await;
}

/// A session that the server ends under a transaction: its next statement says so, nothing is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminated_session_fails_its_transaction_only() {
    let database = Database::migrated();
    let store = database.store();
    let user = builder::user(1, builder::noon());
    let mut tx = store.begin().await.unwrap();
    tx.users().insert(&user).await.unwrap().unwrap();
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    assert!(matches!(tx.users().by_id(user.id).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(tx.commit().await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.read().await.unwrap().users().by_id(user.id).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_and_a_wait_for_a_lock_have_limits() {
    let database = Database::migrated();
    let store = PostgresStore::open(&strict(&database.url())).unwrap();
    let user = builder::user(1, builder::noon());
    store.read().await.unwrap().users().insert(&user).await.unwrap().unwrap();
    let mut holder = store.begin().await.unwrap();
    assert!(holder.users().lock(user.id).await.unwrap().is_some());
    let mut waiter = store.begin().await.unwrap();
    let begun = Instant::now();
    assert!(matches!(waiter.users().lock(user.id).await, Err(StoreError::Unavailable(_))));
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    assert!(waiter.commit().await.is_err());
    holder.commit().await.unwrap();
    // A slow statement is ended by the server itself, which then goes on with the connection.
    database.sql(
        "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;
         CREATE TRIGGER nap BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION nap()",
    );
    let begun = Instant::now();
    let item = builder::outbox_item(1, builder::noon());
    unavailable(async { store.read().await?.outbox().put(&item).await }).await;
    assert!(begun.elapsed() >= Duration::from_millis(1900), "{:?}", begun.elapsed());
    by_id(&store).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_administration_survive_exhaustion() {
    let database = Database::migrated();
    let mut config = strict(&database.url());
    config.max_connections = 3;
    let store = PostgresStore::open(&config).unwrap();
    let mut taken = Vec::new();
    for _ in 0..3 {
        let mut tx = store.begin().await.unwrap();
        tx.outbox().depth().await.unwrap();
        taken.push(tx);
    }
    let begun = Instant::now();
    unavailable(by_id(&store)).await;
    assert!(begun.elapsed() >= Duration::from_millis(900), "it waited for its turn");
    store.ping().await.unwrap();
    let user = builder::user(1, builder::noon());
    let reserved = store.reserved();
    reserved.read().await.unwrap().users().insert(&user).await.unwrap().unwrap();
    let mut tx = reserved.begin().await.unwrap();
    assert!(tx.users().lock(user.id).await.unwrap().is_some());
    tx.commit().await.unwrap();
    for tx in taken {
        tx.rollback().await.unwrap();
    }
    by_id(&store).await.unwrap();
}

/// A connection that died unnoticed: what can be sent again is, on a fresh one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unnoticed_death_costs_a_read_or_a_beginning_nothing() {
    let (database, proxy) = (Database::migrated(), Proxy::start().await);
    let mut config = config(&proxy.url(&database.0));
    config.max_connections = 1;
    let store = PostgresStore::open(&config).unwrap();
    let now = builder::noon();
    let entry = builder::audit(AuditEvent::LoginOk, now);
    by_id(&store).await.unwrap();
    store.ping().await.unwrap();

    proxy.cut();
    by_id(&store).await.unwrap();
    store.ping().await.unwrap();

    proxy.cut();
    let mut tx = store.begin().await.unwrap();
    tx.audit().append(&entry).await.unwrap(); // kept, and sent again with what follows
    tx.users().insert(&builder::user(1, now)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert!(store.read().await.unwrap().users().by_id(UserId::from_i64(1)).await.unwrap().is_some());

    // Nobody knows whether these were carried out: they are not sent again.
    proxy.cut();
    unavailable(async { store.read().await?.audit().append(&entry).await }).await;
    by_id(&store).await.unwrap();
    proxy.cut();
    let mut tx = store.begin().await.unwrap();
    tx.audit().append(&entry).await.unwrap();
    unavailable(tx.commit()).await;
    let mut tx = store.begin().await.unwrap();
    tx.users().by_id(UserId::from_i64(1)).await.unwrap();
    proxy.cut();
    unavailable(tx.users().by_id(UserId::from_i64(1))).await;
    assert!(matches!(tx.commit().await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.read().await.unwrap().audit().list(&AuditFilter::default(), 9).await.unwrap().len(), 1);
}

/// Opens every connection that a store may have: all are in transactions at the same time.
async fn warm(store: &PostgresStore, connections: usize) {
    let open = futures_util::future::join_all((0..connections).map(|_| async {
        let mut tx = store.begin().await.unwrap();
        tx.users().by_id(UserId::from_i64(1)).await.unwrap();
        tx
    }));
    for tx in open.await {
        tx.rollback().await.unwrap();
    }
    store.ping().await.unwrap();
}

/// A host that vanishes says nothing, and takes all connections along: one wait for the first of them
/// is enough, whether the callers come one after the other or all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vanished_host_costs_one_wait_however_many_connections_there_were() {
    const SIZE: usize = 48;
    let (database, proxy) = (Database::migrated(), Proxy::start().await);
    let mut config = strict(&proxy.url(&database.0));
    config.max_connections = SIZE;
    let store = PostgresStore::open(&config).unwrap();

    warm(&store, SIZE).await;
    proxy.vanish();
    let begun = Instant::now();
    unavailable(by_id(&store)).await;
    let took = begun.elapsed();
    eprintln!("one after the other: one refused after {took:?}");
    for _ in 0..2 * SIZE {
        by_id(&store).await.unwrap();
    }
    store.ping().await.unwrap(); // its connections are as old as the others
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    // One that was in use meanwhile is not put back, and what fails later harms nothing that was made since.
    warm(&store, SIZE).await;
    let mut open = store.begin().await.unwrap();
    open.users().by_id(UserId::from_i64(1)).await.unwrap();
    proxy.vanish();
    let begun = Instant::now();
    let all = futures_util::future::join_all((0..SIZE - 1).map(|number| {
        let store = &store;
        async move {
            tokio::time::sleep(Duration::from_millis(20) * u32::try_from(number).unwrap()).await;
            by_id(store).await
        }
    }));
    let refused = all.await.iter().filter(|outcome| outcome.is_err()).count();
    let took = begun.elapsed();
    eprintln!("all at once: {refused} of {} refused, the last after {took:?}", SIZE - 1);
    assert!(took < DEADLINE, "{took:?}");
    for _ in 0..2 * SIZE {
        by_id(&store).await.unwrap();
    }
    unavailable(open.commit()).await;
    by_id(&store).await.unwrap();
}

/// A connection that has prepared nothing yet meets a failure at once: the commit behind it must still
/// get through, or the connection would go back to the others in the middle of a transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_on_a_fresh_connection_leaves_it_usable() {
    let database = Database::migrated();
    let item = builder::outbox_item(1, builder::noon());
    database.store().read().await.unwrap().outbox().put(&item).await.unwrap();
    let mut config = config(&database.url());
    config.max_connections = 1;
    for transaction in [true, false] {
        let store = PostgresStore::open(&config).unwrap();
        let outcome = if transaction {
            let mut tx = store.begin().await.unwrap();
            tx.outbox().put(&item).await.unwrap();
            tx.commit().await
        } else {
            let key = builder::signing_key("k", builder::noon());
            let mut repos = store.read().await.unwrap();
            repos.keys().insert(&key).await.unwrap();
            drop(repos);
            let fresh = PostgresStore::open(&config).unwrap();
            let outcome = fresh.read().await.unwrap().keys().insert(&key).await;
            assert_eq!(fresh.read().await.unwrap().keys().all().await.unwrap(), [key]);
            outcome
        };
        assert!(matches!(outcome, Err(StoreError::Conflict)), "{outcome:?}");
        let later = builder::outbox_item(2 + i64::from(transaction), builder::noon());
        store.read().await.unwrap().outbox().put(&later).await.unwrap();
        assert_eq!(
            database.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"),
            "0"
        );
    }
    assert_eq!(database.store().read().await.unwrap().outbox().depth().await.unwrap(), 3);
}

/// Connections are used again: a hundred calls, one after the other, need one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_shared_not_hoarded() {
    let database = Database::migrated();
    let store: Arc<dyn Store> = Arc::new(database.store());
    let now = builder::noon();
    for number in 0..50 {
        let user = builder::user(number, now);
        let mut tx = store.begin().await.unwrap();
        tx.users().insert(&user).await.unwrap().unwrap();
        if number % 2 == 0 {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        let nothing = store.begin().await.unwrap();
        drop(nothing);
        let mut repos = store.read().await.unwrap();
        assert_eq!(repos.users().by_id(user.id).await.unwrap().is_some(), number % 2 == 0);
        let ended = builder::ended(EndReason::Logout, now);
        assert!(!repos.sessions().end(SessionId::from_i64(number), ended).await.unwrap());
        // A refusal by the database leaves the connection as good as it was.
        let clash = builder::user(0, now + chrono::TimeDelta::seconds(1));
        let clash = auth_domain::user::User { email: builder::email("other@example.com"), ..clash };
        assert!(matches!(repos.users().insert(&clash).await, Err(StoreError::Conflict)));
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                    AND pid <> pg_backend_pid()";
    assert_eq!(database.sql(sessions), "1");
    let told = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()
                AND pid <> pg_backend_pid()";
    assert_eq!(database.sql(told), "auth-server");
}
