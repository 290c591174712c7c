//! Rules that the schema keeps by itself, its way up and down, and migrating.

use std::sync::Arc;

use auth_domain::{
    audit::AuditEvent,
    port::{Archive, AuditFilter, RecordKind, Repos, Store, StoreError},
    token::LinkPurpose,
    usecase::Policy,
};
use auth_postgres::{MIGRATIONS, PostgresStore};
use auth_testkit::{builder, fake::TestEngine};
use chrono::TimeDelta;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::MigrationHarness;
use tokio::task::JoinSet;

use crate::support::{Database, config};

const STEPS: usize = 18;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_migrators_at_once_run_each_step_once() {
    let database = Database::empty();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        // Each with connections of its own, as replicas are.
        let store = PostgresStore::open(&config(&database.url())).unwrap();
        tasks.spawn(async move { store.migrate().await });
    }
    let ran: Vec<Vec<String>> = tasks.join_all().await.into_iter().map(Result::unwrap).collect();
    assert_eq!(ran.iter().map(Vec::len).sum::<usize>(), STEPS, "{ran:?}");
    assert_eq!(ran.iter().filter(|names| !names.is_empty()).count(), 1, "one ran them all");
}

/// Also on a runtime of one thread, which the binary's is.
#[tokio::test]
async fn what_is_pending_is_what_migrate_runs() {
    let database = Database::empty();
    let store = database.store();
    let pending = store.pending_migrations().await.unwrap();
    assert_eq!(pending.len(), STEPS);
    assert_eq!(pending[0], "2026-11-23-000001_users");
    assert_eq!(store.migrate().await.unwrap(), pending);
    assert_eq!(store.pending_migrations().await.unwrap(), [""; 0]);
    assert_eq!(store.migrate().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let database = Database::migrated();
    database.sql(
        "DELETE FROM __diesel_schema_migrations WHERE version = '20261123000007';
         INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000001')",
    );
    let store = database.store();
    for outcome in [store.migrate().await, store.pending_migrations().await] {
        let Err(StoreError::Internal(error)) = outcome else { panic!("{outcome:?}") };
        let text = error.to_string();
        assert!(text.contains("newer than this program") && text.contains("29990101000001"), "{text}");
    }
    let count = "SELECT count(*) FROM __diesel_schema_migrations";
    assert_eq!(database.sql(count), STEPS.to_string(), "nothing was run");
}

/// Everything in the schema, as text.
fn schema(database: &Database) -> String {
    database.sql(
        "SELECT 'column', table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
             FROM information_schema.columns WHERE table_schema = 'public'
         UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
         UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || pg_get_constraintdef(oid)
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace
         UNION ALL SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
         UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         ORDER BY 1, 2",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_migration_goes_down_and_up_again() {
    let database = Database::empty();
    let conn = AsyncPgConnection::establish(&database.url()).await.unwrap();
    let mut harness = AsyncMigrationHarness::new(conn);
    harness.applied_migrations().unwrap(); // makes the harness's own table
    let empty = schema(&database);
    let mut steps = 0;
    while harness.has_pending_migration(MIGRATIONS).unwrap() {
        let before = schema(&database);
        harness.run_next_migration(MIGRATIONS).unwrap();
        let after = schema(&database);
        assert_ne!(before, after);
        harness.revert_last_migration(MIGRATIONS).unwrap();
        assert_eq!(schema(&database), before);
        harness.run_next_migration(MIGRATIONS).unwrap();
        assert_eq!(schema(&database), after);
        steps += 1;
    }
    assert_eq!(steps, STEPS);
    harness.revert_all_migrations(MIGRATIONS).unwrap();
    assert_eq!(schema(&database), empty);
}

#[tokio::test]
async fn the_audit_log_refuses_every_change() {
    let database = Database::migrated();
    let store = database.store();
    let entry = builder::audit(AuditEvent::Registered, builder::noon());
    for _ in 0..3 {
        store.read().await.unwrap().audit().append(&entry).await.unwrap();
    }
    let before = database.sql("SELECT * FROM audit_events ORDER BY seq");
    for change in [
        "UPDATE audit_events SET at = now()",
        "UPDATE audit_events SET tenant = 'x' WHERE seq = 2",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE seq = 2",
        "TRUNCATE audit_events",
        "SET session_replication_role = replica; DELETE FROM audit_events",
        "INSERT INTO audit_events (at, tenant, event, outcome, details)
         OVERRIDING SYSTEM VALUE SELECT at, tenant, event, outcome, details FROM audit_events
         ON CONFLICT (seq) DO UPDATE SET at = now()",
    ] {
        let error = crate::support::SERVER.try_sql(&database.0, change).expect_err(change);
        assert!(error.contains("append-only"), "{change}: {error}");
    }
    assert_eq!(database.sql("SELECT * FROM audit_events ORDER BY seq"), before);
}

#[tokio::test]
async fn the_audit_log_lets_go_of_nothing_younger_than_its_horizon() {
    let database = Database::migrated();
    let store = database.store();
    let long_ago = builder::noon() - TimeDelta::days(3650);
    let mut repos = store.read().await.unwrap();
    for day in 0..4 {
        let entry = builder::audit(AuditEvent::Registered, long_ago + TimeDelta::days(day));
        repos.audit().append(&entry).await.unwrap();
    }
    repos.audit().purge(long_ago + TimeDelta::days(2), 1).await.unwrap();
    for (change, why) in [
        ("DELETE FROM audit_events", "append-only"),
        ("DELETE FROM audit_events WHERE seq = 3", "append-only"),
        ("UPDATE audit_events SET tenant = 'x' WHERE seq = 2", "append-only"),
        ("TRUNCATE audit_events", "append-only"),
        ("SET session_replication_role = replica; DELETE FROM audit_events", "append-only"),
        ("UPDATE audit_retention SET horizon = horizon - interval '1 microsecond'", "moves forward"),
        ("UPDATE audit_retention SET horizon = 'infinity'", "moves forward"),
        ("UPDATE audit_retention SET horizon = now() - interval '28 days'", "moves forward"),
        (
            "SET session_replication_role = replica; UPDATE audit_retention SET horizon = 'infinity'",
            "moves forward",
        ),
        (
            "INSERT INTO audit_retention VALUES (1, now()) ON CONFLICT (one) DO UPDATE SET horizon = now()",
            "one row",
        ),
        ("DELETE FROM audit_retention", "one row"),
        ("TRUNCATE audit_retention", "one row"),
        ("UPDATE audit_retention SET one = 2", "check constraint"),
    ] {
        let error = crate::support::SERVER.try_sql(&database.0, change).expect_err(change);
        assert!(error.contains(why), "{change}: {error}");
    }
    // What is older than the horizon may go, and the horizon may go on.
    for change in [
        "DELETE FROM audit_events WHERE seq = 2",
        "UPDATE audit_retention SET horizon = horizon + interval '1 microsecond'",
        "DELETE FROM audit_events WHERE seq = 3",
    ] {
        database.sql(change);
    }
    assert_eq!(database.sql("SELECT seq FROM audit_events"), "4");
}

#[tokio::test]
async fn the_chain_refuses_every_change() {
    let database = Database::migrated();
    let store = database.store();
    let engine = TestEngine::new(Arc::new(store.clone()), Policy::default()).engine;
    for days in [0, 3650] {
        let entry = builder::audit(AuditEvent::Registered, builder::noon() - TimeDelta::days(days));
        store.read().await.unwrap().audit().append(&entry).await.unwrap();
    }
    database.sql(
        "INSERT INTO audit_events (at, tenant, event, outcome, ip, user_agent, details)
         VALUES (now(), 'default', 'login.ok', 'success', '203.0.113.7', 'x', '[]')",
    );
    engine.trail.chain().await.unwrap();
    engine.trail.checkpoint().await.unwrap().unwrap();
    for change in [
        "UPDATE audit_chain SET hash = sha256('')",
        "UPDATE audit_chain SET seq = 7 WHERE seq = 1",
        "UPDATE audit_chain SET salt = NULL WHERE seq = 3",
        "UPDATE audit_chain SET salt = '\\x00000000000000000000000000000000' WHERE seq = 2",
        "DELETE FROM audit_chain WHERE seq = 2",
        "TRUNCATE audit_chain",
        "SET session_replication_role = replica; DELETE FROM audit_chain",
        "UPDATE audit_checkpoints SET position = 0",
        "DELETE FROM audit_checkpoints",
        "TRUNCATE audit_checkpoints",
        "SET session_replication_role = replica; DELETE FROM audit_checkpoints",
        "UPDATE audit_events SET ip = NULL, user_agent = NULL WHERE seq = 3",
        "UPDATE audit_events SET user_agent = 'y' WHERE seq = 2",
        "UPDATE audit_events SET user_agent = NULL, tenant = 'x' WHERE seq = 2",
    ] {
        let error = crate::support::SERVER.try_sql(&database.0, change).expect_err(change);
        assert!(error.contains("append-only"), "{change}: {error}");
    }
    assert!(engine.trail.check(None, |_| {}).await.unwrap().is_good());
}

/// Positions in the log are given before the commit: a slow transaction comes in behind a quicker one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_was_committed_late_is_chained_all_the_same() {
    let database = Database::migrated();
    let store = database.store();
    let engine = TestEngine::new(Arc::new(store.clone()), Policy::default()).engine;
    let entry = builder::audit(AuditEvent::Registered, builder::noon());
    let mut slow = store.begin().await.unwrap();
    slow.audit().append(&entry).await.unwrap();
    slow.audit().list(&AuditFilter::default(), 1).await.unwrap(); // what was kept is sent
    store.read().await.unwrap().audit().append(&entry).await.unwrap();
    assert_eq!(engine.trail.chain().await.unwrap().entries, 1);
    assert_eq!(engine.trail.chain().await.unwrap().entries, 0);
    slow.commit().await.unwrap();
    assert_eq!(engine.trail.chain().await.unwrap().entries, 1);
    assert_eq!(database.sql("SELECT seq FROM audit_chain ORDER BY position"), "2\n1");
    assert!(engine.trail.check(None, |_| {}).await.unwrap().is_good());
}

#[tokio::test]
async fn one_at_a_time_has_the_turn_to_chain() {
    let database = Database::migrated();
    let store = database.store();
    let mut one = store.begin().await.unwrap();
    let mut other = store.begin().await.unwrap();
    assert!(one.chain().take_turn().await.unwrap());
    assert!(!other.chain().take_turn().await.unwrap(), "and nobody waits");
    one.commit().await.unwrap();
    assert!(other.chain().take_turn().await.unwrap());
}

#[tokio::test]
async fn tables_refuse_what_makes_no_sense() {
    let database = Database::migrated();
    let store = database.store();
    let ada = builder::user(1, builder::noon());
    store.read().await.unwrap().users().insert(&ada).await.unwrap().unwrap();
    let zeros = |count| format!("'\\x{}'", "00".repeat(count));
    let no = "NULL, NULL, NULL, now(), now()";
    for nonsense in [
        "UPDATE users SET status = 'asleep'".to_owned(),
        "UPDATE users SET password_hash = NULL, temporary_until = now()".to_owned(),
        "UPDATE users SET email_factor = NULL".to_owned(),
        "UPDATE users SET phone_number = '+0123456789'".to_owned(),
        "UPDATE users SET phone_number = '+123456'".to_owned(),
        "UPDATE users SET phone_number = '+1234567890123456'".to_owned(),
        "UPDATE users SET phone_number = '+12125550a00'".to_owned(),
        "UPDATE users SET sms_enabled = true, phone_pending = '12125550100'".to_owned(),
        "UPDATE users SET sms_enabled = false, phone_pending = '+12125550100'".to_owned(),
        "INSERT INTO totp_secrets VALUES (404, '\\x01', 1, NULL, NULL)".to_owned(),
        "INSERT INTO totp_secrets VALUES (1, NULL, NULL, NULL, NULL)".to_owned(),
        "INSERT INTO totp_secrets VALUES (1, NULL, 1, '\\x01', now())".to_owned(),
        "INSERT INTO totp_secrets VALUES (1, '\\x01', 1, '\\x01', NULL)".to_owned(),
        format!("INSERT INTO recovery_codes VALUES ({}, 1, now())", zeros(1)),
        format!("INSERT INTO recovery_codes VALUES ({}, 404, now())", zeros(32)),
        format!("INSERT INTO trusted_devices VALUES (1, 404, {}, 'otp', {no})", zeros(32)),
        format!("INSERT INTO trusted_devices VALUES (1, 1, {}, 'otp', {no})", zeros(31)),
        format!("INSERT INTO trusted_devices VALUES (1, 1, {}, 'pwd', {no})", zeros(32)),
        format!("INSERT INTO known_devices VALUES ({}, 1, now(), now(), now(), 0, 0, NULL)", zeros(31)),
        format!("INSERT INTO known_devices VALUES ({}, 404, now(), now(), now(), 0, 0, NULL)", zeros(32)),
        format!("INSERT INTO known_devices VALUES ({}, 1, now(), now(), now(), -1, -1, NULL)", zeros(32)),
        format!("INSERT INTO known_devices VALUES ({}, 1, now(), now(), now(), 1, 2, NULL)", zeros(32)),
        format!("INSERT INTO login_locks VALUES ({}, 1, NULL, now())", zeros(1)),
        format!("INSERT INTO login_locks VALUES ({}, -1, NULL, now())", zeros(32)),
        format!("INSERT INTO refresh_tokens VALUES (404, 0, {}, {}, now())", zeros(32), zeros(16)),
        "INSERT INTO sessions VALUES (1, 't', 404, now(), 'pwd', now(), now(), now())".to_owned(),
        "INSERT INTO sessions VALUES (1, 't', 1, now(), 'pwd', now(), now(), now(), now())".to_owned(),
        format!("INSERT INTO one_time_links VALUES ({}, 't', 1, 'party', 'a@b.c', now(), now())", zeros(32)),
        "INSERT INTO signing_keys VALUES ('k', 'none', '', '{}', now(), now())".to_owned(),
        "INSERT INTO audit_events (at, tenant, event, outcome, details)
         VALUES (now(), 't', 'e', 'success', 'no json')"
            .to_owned(),
    ] {
        assert!(crate::support::SERVER.try_sql(&database.0, &nonsense).is_err(), "{nonsense}");
    }
}

/// A store with one row in every table.
async fn filled() -> (Database, PostgresStore) {
    let database = Database::migrated();
    let store = database.store();
    let now = builder::noon();
    let user = builder::user(1, now);
    let session = builder::session(1, &user, now);
    let mut tx = store.begin().await.unwrap();
    tx.users().insert(&user).await.unwrap().unwrap();
    tx.sessions().insert(&session, &builder::generation(session.id, 0, now)).await.unwrap();
    tx.links().replace(&builder::link(1, LinkPurpose::VerifyEmail, &user, now)).await.unwrap();
    tx.factors().put_pending_totp(user.id, &builder::pending_totp(1, now)).await.unwrap();
    tx.factors().replace_recovery_codes(user.id, &[builder::recovery_code(1)], now).await.unwrap();
    tx.devices().remember(&builder::device(1, user.id, now)).await.unwrap();
    tx.known_devices().insert(&builder::known_device(1, user.id, now), 1).await.unwrap();
    tx.locks().put(&builder::lock_key(1), &builder::lock_state(1, now)).await.unwrap();
    tx.keys().insert(&builder::signing_key("k1", now)).await.unwrap();
    tx.audit().append(&builder::audit(AuditEvent::Registered, now)).await.unwrap();
    tx.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    tx.commit().await.unwrap();
    (database, store)
}

/// Reads the row of `table`.
async fn look(store: &PostgresStore, repos: &mut dyn Repos, table: &str) -> Result<(), StoreError> {
    let now = builder::noon();
    let user = builder::user(1, now);
    let session = builder::session(1, &user, now);
    match table {
        "users" => repos.users().by_id(user.id).await.map(drop),
        "sessions" => repos.sessions().with_user(session.id).await.map(drop),
        "refresh_tokens" => {
            let digest = builder::generation(session.id, 0, now).digest;
            repos.sessions().presented(&digest).await.map(drop)
        }
        "one_time_links" => {
            let link = builder::link(1, LinkPurpose::VerifyEmail, &user, now);
            repos.links().find(&link.digest, now).await.map(drop)
        }
        "totp_secrets" => repos.factors().totp(user.id).await.map(drop),
        // Nobody but the archive reads a code.
        "recovery_codes" => store.page(RecordKind::RecoveryCode, None, 10).await.map(drop),
        "trusted_devices" => repos.devices().list(user.id, now).await.map(drop),
        "known_devices" => repos.known_devices().list(user.id, now).await.map(drop),
        "login_locks" => repos.locks().lock(&builder::lock_key(1)).await.map(drop),
        "signing_keys" => repos.keys().all().await.map(drop),
        "audit_events" => repos.audit().list(&AuditFilter::default(), 10).await.map(drop),
        "outbox" => repos.outbox().lease(now, now, 10).await.map(drop),
        other => panic!("unknown table {other}"),
    }
}

#[tokio::test]
async fn a_bad_row_is_corrupt() {
    let (database, store) = filled().await;
    database.sql(
        "ALTER TABLE audit_events DISABLE TRIGGER ALL;
         DO $$ DECLARE one record; BEGIN
             FOR one IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                 WHERE contype = 'c' AND connamespace = 'public'::regnamespace
             LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.conname); END LOOP;
         END $$",
    );
    let mut repos = store.read().await.unwrap();
    for (table, change, back) in [
        ("users", "email = 'Not Canonical@Example.com'", "email = 'user1@example.com'"),
        ("users", "status = 'asleep'", "status = 'active'"),
        ("users", "tenant = ''", "tenant = 'default'"),
        ("users", "created_at = 'infinity'", "created_at = '2026-07-01'"),
        (
            "users",
            "password_hash = NULL, temporary_until = now()",
            "password_hash = NULL, temporary_until = NULL",
        ),
        ("users", "phone_number = '0151 2345678'", "phone_number = NULL"),
        ("users", "phone_pending = '+'", "phone_pending = NULL"),
        ("totp_secrets", "pending_since = NULL", "pending_since = now()"),
        ("totp_secrets", "pending_since = 'infinity'", "pending_since = now()"),
        ("totp_secrets", "last_step = 7", "last_step = NULL"),
        ("recovery_codes", "used_at = 'infinity'", "used_at = NULL"),
        ("recovery_codes", "digest = '\\x00'", "digest = sha256('')"),
        ("trusted_devices", "method = 'pwd'", "method = 'otp'"),
        ("trusted_devices", "ip = 'here'", "ip = NULL"),
        ("trusted_devices", "fingerprint = '\\x00'", "fingerprint = sha256('')"),
        ("known_devices", "recent_failures = 4294967296", "recent_failures = 0"),
        ("known_devices", "expires_at = 'infinity'", "expires_at = '2027-01-01'"),
        ("known_devices", "last_attempt_at = '-infinity'", "last_attempt_at = NULL"),
        ("sessions", "methods = 'telepathy'", "methods = 'pwd'"),
        ("sessions", "ip = 'here'", "ip = NULL"),
        ("sessions", "second_factor_at = 'infinity'", "second_factor_at = NULL"),
        ("sessions", "ended_at = now()", "ended_at = NULL"),
        ("sessions", "ended_at = now(), end_reason = 'boredom'", "ended_at = NULL, end_reason = NULL"),
        ("refresh_tokens", "salt = '\\x00'", "salt = '\\x00000000000000000000000000000000'"),
        ("refresh_tokens", "generation = 4294967296", "generation = 0"),
        ("one_time_links", "purpose = 'party'", "purpose = 'verify_email'"),
        ("login_locks", "failures = 4294967296", "failures = 1"),
        ("login_locks", "last_attempt_at = '-infinity'", "last_attempt_at = now()"),
        ("signing_keys", "algorithm = 'none'", "algorithm = 'EdDSA'"),
        ("audit_events", "event = 'unheard-of'", "event = 'registered'"),
        ("audit_events", "details = '{\"a\": 1}'", "details = '[]'"),
        ("outbox", "kind = 'telegram'", "kind = 'verify_email'"),
        ("outbox", "attempts = 4294967296", "attempts = 0"),
    ] {
        database.sql(&format!("UPDATE {table} SET {change}"));
        let seen = look(&store, &mut *repos, table).await;
        assert!(
            matches!(&seen, Err(StoreError::Corrupt { table: named, .. }) if *named == table),
            "{table} SET {change}: {seen:?}"
        );
        database.sql(&format!("UPDATE {table} SET {back}"));
    }
}

#[tokio::test]
async fn a_bad_row_breaks_the_transaction_that_met_it() {
    let (database, store) = filled().await;
    database.sql("UPDATE users SET email = 'no address'");
    let mut tx = store.begin().await.unwrap();
    assert!(look(&store, &mut *tx, "users").await.is_err());
    assert!(tx.commit().await.is_err());
}
