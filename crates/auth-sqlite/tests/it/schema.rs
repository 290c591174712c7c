//! Rules that the schema keeps by itself, and its way up and down.

use std::{collections::BTreeSet, sync::Arc};

use auth_domain::{audit::AuditEvent, port::Store, usecase::Policy};
use auth_sqlite::{MIGRATIONS, SqliteConfig, SqliteStore};
use auth_testkit::{builder, fake::TestEngine};
use chrono::TimeDelta;
use diesel::{
    Connection, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    dsl::sql,
    sql_types::{BigInt, Text},
};
use diesel_migrations::MigrationHarness;

use crate::OnFile;

/// How many migrations there are.
pub(crate) const STEPS: usize = 18;

#[tokio::test]
async fn the_audit_log_refuses_every_change() {
    let on_file = OnFile::new().await;
    let entry = builder::audit(AuditEvent::Registered, builder::noon());
    for _ in 0..3 {
        on_file.store.read().await.unwrap().audit().append(&entry).await.unwrap();
    }
    let mut conn = on_file.past_the_store();
    let columns = "seq, at, tenant, event, outcome, details";
    let values = "2, 0, 'default', 'registered', 'success', '[]'";
    for change in [
        "UPDATE audit_events SET at = 0".to_owned(),
        "UPDATE audit_events SET seq = 100 WHERE seq = 3".to_owned(),
        "DELETE FROM audit_events".to_owned(),
        "DELETE FROM audit_events WHERE seq = 2".to_owned(),
        format!("REPLACE INTO audit_events ({columns}) VALUES ({values})"),
        format!("INSERT INTO audit_events ({columns}) VALUES ({values}) ON CONFLICT DO UPDATE SET at = 0"),
    ] {
        let error = conn.batch_execute(&change).expect_err(&change).to_string();
        assert!(error.contains("append-only"), "{change}: {error}");
    }
    let count = "SELECT count(*) FROM audit_events WHERE at > 0";
    assert_eq!(sql::<BigInt>(count).get_result::<i64>(&mut conn).unwrap(), 3);
}

#[tokio::test]
async fn the_audit_log_lets_go_of_nothing_younger_than_its_horizon() {
    let on_file = OnFile::new().await;
    let long_ago = builder::noon() - TimeDelta::days(3650);
    let mut repos = on_file.store.read().await.unwrap();
    for day in 0..4 {
        let entry = builder::audit(AuditEvent::Registered, long_ago + TimeDelta::days(day));
        repos.audit().append(&entry).await.unwrap();
    }
    repos.audit().purge(long_ago + TimeDelta::days(2), 1).await.unwrap();
    let mut conn = on_file.past_the_store();
    for (change, why) in [
        ("DELETE FROM audit_events", "append-only"),
        ("DELETE FROM audit_events WHERE seq = 3", "append-only"),
        ("UPDATE audit_events SET tenant = 'x' WHERE seq = 2", "append-only"),
        ("REPLACE INTO audit_events SELECT * FROM audit_events WHERE seq = 2", "append-only"),
        ("UPDATE audit_retention SET horizon = horizon - 1", "moves forward"),
        ("UPDATE audit_retention SET horizon = 9223372036854775807", "moves forward"),
        ("UPDATE audit_retention SET horizon = (unixepoch() - 28 * 86400) * 1000000", "moves forward"),
        ("DELETE FROM audit_retention", "one row"),
        ("INSERT INTO audit_retention VALUES (2, 0)", "one row"),
        ("REPLACE INTO audit_retention VALUES (1, 9223372036854775807)", "one row"),
        ("UPDATE audit_retention SET one = 2", "CHECK"),
    ] {
        let error = conn.batch_execute(change).expect_err(change).to_string();
        assert!(error.contains(why), "{change}: {error}");
    }
    // What is older than the horizon may go, and the horizon may go on.
    for change in [
        "DELETE FROM audit_events WHERE seq = 2",
        "UPDATE audit_retention SET horizon = horizon + 1",
        "DELETE FROM audit_events WHERE seq = 3",
    ] {
        conn.batch_execute(change).expect(change);
    }
    let left = sql::<BigInt>("SELECT seq FROM audit_events").load::<i64>(&mut conn).unwrap();
    assert_eq!(left, [4]);
}

#[tokio::test]
async fn the_chain_refuses_every_change() {
    let on_file = OnFile::new().await;
    let engine = TestEngine::new(Arc::new(on_file.store.clone()), Policy::default()).engine;
    for days in [0, 3650] {
        let entry = builder::audit(AuditEvent::Registered, builder::noon() - TimeDelta::days(days));
        on_file.store.read().await.unwrap().audit().append(&entry).await.unwrap();
    }
    let mut conn = on_file.past_the_store();
    conn.batch_execute(
        "INSERT INTO audit_events (at, tenant, event, outcome, ip, user_agent, details)
         VALUES (unixepoch() * 1000000, 'default', 'login.ok', 'success', '203.0.113.7', 'x', '[]')",
    )
    .unwrap();
    engine.trail.chain().await.unwrap();
    engine.trail.checkpoint().await.unwrap().unwrap();
    for change in [
        "UPDATE audit_chain SET hash = zeroblob(32)",
        "UPDATE audit_chain SET seq = 7 WHERE seq = 1",
        "UPDATE audit_chain SET salt = NULL WHERE seq = 3",
        "UPDATE audit_chain SET salt = zeroblob(16) WHERE seq = 2",
        "UPDATE audit_chain SET rowid = 100 WHERE seq = 2",
        "DELETE FROM audit_chain WHERE seq = 2",
        "REPLACE INTO audit_chain SELECT * FROM audit_chain WHERE seq = 2",
        "REPLACE INTO audit_chain SELECT 100, seq, at, hash, client, salt FROM audit_chain WHERE seq = 2",
        "UPDATE audit_checkpoints SET position = 0",
        "DELETE FROM audit_checkpoints",
        "REPLACE INTO audit_checkpoints SELECT * FROM audit_checkpoints",
        "UPDATE audit_events SET ip = NULL, user_agent = NULL WHERE seq = 3",
        "UPDATE audit_events SET user_agent = 'y' WHERE seq = 2",
        "UPDATE audit_events SET user_agent = NULL, tenant = 'x' WHERE seq = 2",
        "UPDATE audit_events SET user_agent = NULL, rowid = 100 WHERE seq = 2",
    ] {
        let error = conn.batch_execute(change).expect_err(change).to_string();
        assert!(error.contains("append-only"), "{change}: {error}");
    }
    assert!(engine.trail.check(None, |_| {}).await.unwrap().is_good());
}

#[tokio::test]
async fn tables_refuse_what_makes_no_sense() {
    let on_file = OnFile::new().await;
    let ada = builder::user(1, builder::noon());
    on_file.store.read().await.unwrap().users().insert(&ada).await.unwrap().unwrap();
    let mut conn = on_file.past_the_store();
    conn.batch_execute("PRAGMA foreign_keys = ON").unwrap();
    for nonsense in [
        "UPDATE users SET status = 'asleep'",
        "UPDATE users SET superuser = 2",
        "UPDATE users SET created_at = 'yesterday'",
        "UPDATE users SET password_hash = NULL, temporary_until = 1",
        "UPDATE users SET totp = 2",
        "UPDATE users SET email_factor = NULL",
        "UPDATE users SET phone_number = '+0123456789'",
        "UPDATE users SET phone_number = '+123456'",
        "UPDATE users SET phone_number = '+1234567890123456'",
        "UPDATE users SET phone_number = '+12125550a00'",
        "UPDATE users SET sms_enabled = 1, phone_pending = '12125550100'",
        "UPDATE users SET sms_enabled = 0, phone_pending = '+12125550100'",
        "INSERT INTO totp_secrets VALUES (404, x'01', 1, NULL, NULL)",
        "INSERT INTO totp_secrets VALUES (1, NULL, NULL, NULL, NULL)",
        "INSERT INTO totp_secrets VALUES (1, NULL, 1, x'01', 1)",
        "INSERT INTO totp_secrets VALUES (1, x'01', 1, x'01', NULL)",
        "INSERT INTO recovery_codes VALUES (x'00', 1, 0, NULL)",
        "INSERT INTO recovery_codes VALUES (zeroblob(32), 404, 0, NULL)",
        "INSERT INTO trusted_devices VALUES (1, 404, zeroblob(32), 'otp', NULL, NULL, NULL, 0, 0)",
        "INSERT INTO trusted_devices VALUES (1, 1, zeroblob(31), 'otp', NULL, NULL, NULL, 0, 0)",
        "INSERT INTO trusted_devices VALUES (1, 1, zeroblob(32), 'pwd', NULL, NULL, NULL, 0, 0)",
        "INSERT INTO linked_identities VALUES (1, 404, 'i', 's', 0, 0, 0, NULL, NULL, NULL)",
        "INSERT INTO linked_identities VALUES (1, 1, '', 's', 0, 0, 0, NULL, NULL, NULL)",
        "INSERT INTO linked_identities VALUES (1, 1, 'i', '', 0, 0, 0, NULL, NULL, NULL)",
        "INSERT INTO linked_identities VALUES (1, 1, 'i', 's', 0, 0, 0, NULL, x'00', NULL)",
        "INSERT INTO known_devices VALUES (zeroblob(31), 1, 0, 0, 0, 0, 0, NULL)",
        "INSERT INTO known_devices VALUES (zeroblob(32), 404, 0, 0, 0, 0, 0, NULL)",
        "INSERT INTO known_devices VALUES (zeroblob(32), 1, 0, 0, 0, -1, -1, NULL)",
        "INSERT INTO known_devices VALUES (zeroblob(32), 1, 0, 0, 0, 1, 2, NULL)",
        "INSERT INTO api_keys VALUES (1, 't', 404, 1, 'n', 'ak_12345678', zeroblob(32), 's', 0, 0, NULL, NULL)",
        "INSERT INTO api_keys VALUES (1, '', 1, 1, 'n', 'ak_12345678', zeroblob(32), 's', 0, 0, NULL, NULL)",
        "INSERT INTO api_keys VALUES (1, 't', 1, 1, '', 'ak_12345678', zeroblob(32), 's', 0, 0, NULL, NULL)",
        "INSERT INTO api_keys VALUES (1, 't', 1, 1, 'n', 'ak_123456789', zeroblob(32), 's', 0, 0, NULL, NULL)",
        "INSERT INTO api_keys VALUES (1, 't', 1, 1, 'n', 'ak_12345678', zeroblob(31), 's', 0, 0, NULL, NULL)",
        "INSERT INTO api_keys VALUES (1, 't', 1, 1, 'n', 'ak_12345678', zeroblob(32), '', 0, 0, NULL, NULL)",
        "INSERT INTO login_locks VALUES (x'00', 1, NULL, 0)",
        "INSERT INTO login_locks VALUES (zeroblob(32), -1, NULL, 0)",
        "INSERT INTO refresh_tokens VALUES (404, 0, zeroblob(32), zeroblob(16), 0)",
        "INSERT INTO sessions VALUES (1, 't', 404, 0, 'pwd', 0, 0, 0, NULL, NULL, NULL, NULL, NULL)",
        "INSERT INTO sessions VALUES (1, 't', 1, 0, 'pwd', 0, 0, 0, 5, NULL, NULL, NULL, NULL)",
        "INSERT INTO sessions VALUES (1, 't', 1, 0, 'pwd', 0, 0, 0, NULL, NULL, NULL, NULL, 'today')",
        "INSERT INTO one_time_links VALUES (zeroblob(32), 't', 1, 'party', 'a@b.c', 0, 0, NULL)",
        "INSERT INTO signing_keys VALUES ('k', 'none', x'', '{}', 0, 0, NULL)",
    ] {
        assert!(conn.batch_execute(nonsense).is_err(), "{nonsense}");
    }
}

/// Everything in the schema, as text.
fn schema(conn: &mut SqliteConnection) -> BTreeSet<String> {
    // What SQLite makes for itself (sqlite_sequence) cannot be dropped.
    let objects = "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    sql::<Text>(objects).load::<String>(conn).unwrap().into_iter().collect()
}

#[test]
fn every_migration_goes_down_and_up_again() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.applied_migrations().unwrap(); // makes the harness's own table
    let mut steps = 0;
    while conn.has_pending_migration(MIGRATIONS).unwrap() {
        let before = schema(&mut conn);
        conn.run_next_migration(MIGRATIONS).unwrap();
        let after = schema(&mut conn);
        assert_ne!(before, after);
        conn.revert_last_migration(MIGRATIONS).unwrap();
        assert_eq!(schema(&mut conn), before);
        conn.run_next_migration(MIGRATIONS).unwrap();
        assert_eq!(schema(&mut conn), after);
        steps += 1;
    }
    assert_eq!(steps, STEPS);
    conn.revert_all_migrations(MIGRATIONS).unwrap();
    assert_eq!(schema(&mut conn).len(), 1, "the harness's own table is left");
    conn.run_pending_migrations(MIGRATIONS).unwrap();
}

/// A table is made anew by the twelfth step: what was in it comes along.
#[test]
fn links_survive_the_step_that_adds_a_purpose() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    for _ in 0..11 {
        conn.run_next_migration(MIGRATIONS).unwrap();
    }
    conn.batch_execute(
        "PRAGMA foreign_keys = ON;
         INSERT INTO users (id, tenant, email, email_verified, status, superuser, application_admin, manager,
             created_at, updated_at) VALUES (1, 't', 'a@b.c', 1, 'active', 0, 0, 0, 0, 0);
         INSERT INTO one_time_links VALUES (randomblob(32), 't', 1, 'reset_password', 'a@b.c', 1, 2, NULL);
         INSERT INTO one_time_links VALUES (randomblob(32), 't', 1, 'verify_email', 'a@b.c', 3, 4, 5);",
    )
    .unwrap();
    let links = "SELECT purpose || created_at || expires_at || coalesce(consumed_at, '-')
         FROM one_time_links ORDER BY created_at";
    let seen = |conn: &mut SqliteConnection| sql::<Text>(links).load::<String>(conn).unwrap();
    let before = seen(&mut conn);
    assert_eq!(before, ["reset_password12-", "verify_email345"]);
    conn.run_next_migration(MIGRATIONS).unwrap();
    assert_eq!(seen(&mut conn), before);
    let new = "INSERT INTO one_time_links VALUES (zeroblob(32), 't', 1, 'unlock', 'a@b.c', 6, 7, NULL)";
    conn.batch_execute(new).unwrap();
    conn.revert_last_migration(MIGRATIONS).unwrap();
    assert_eq!(seen(&mut conn), before);
}

#[tokio::test]
async fn migrating_twice_at_once_runs_each_step_once() {
    let store = SqliteStore::open(SqliteConfig::in_memory()).unwrap();
    let (one, other) = tokio::join!(store.migrate(), store.migrate());
    assert_eq!(one.unwrap().len() + other.unwrap().len(), STEPS);
}
