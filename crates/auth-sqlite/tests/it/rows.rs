//! A row that makes no entity is told apart from one that is not there.

use auth_domain::{
    api_key::KeyOwner,
    audit::AuditEvent,
    port::{Archive, AuditFilter, RecordKind, Repos, Store, StoreError},
    token::LinkPurpose,
};
use auth_sqlite::SqliteStore;
use auth_testkit::builder;
use diesel::connection::SimpleConnection;

use crate::OnFile;

/// A store with one row in every table.
async fn filled() -> OnFile {
    let on_file = OnFile::new().await;
    let now = builder::noon();
    let user = builder::user(1, now);
    let session = builder::session(1, &user, now);
    let mut tx = on_file.store.begin().await.unwrap();
    tx.users().insert(&user).await.unwrap().unwrap();
    tx.sessions().insert(&session, &builder::generation(session.id, 0, now)).await.unwrap();
    tx.links().replace(&builder::link(1, LinkPurpose::VerifyEmail, &user, now)).await.unwrap();
    tx.factors().put_pending_totp(user.id, &builder::pending_totp(1, now)).await.unwrap();
    tx.factors().replace_recovery_codes(user.id, &[builder::recovery_code(1)], now).await.unwrap();
    tx.devices().remember(&builder::device(1, user.id, now)).await.unwrap();
    tx.identities().link(&builder::identity(1, user.id, now)).await.unwrap().unwrap();
    tx.known_devices().insert(&builder::known_device(1, user.id, now), 1).await.unwrap();
    tx.api_keys().insert(&builder::personal_key(1, user.id, now)).await.unwrap();
    tx.locks().put(&builder::lock_key(1), &builder::lock_state(1, now)).await.unwrap();
    tx.keys().insert(&builder::signing_key("k1", now)).await.unwrap();
    tx.audit().append(&builder::audit(AuditEvent::Registered, now)).await.unwrap();
    tx.outbox().put(&builder::outbox_item(1, now)).await.unwrap();
    tx.commit().await.unwrap();
    on_file
}

/// Reads the row of `table`.
async fn look(store: &SqliteStore, repos: &mut dyn Repos, table: &str) -> Result<(), StoreError> {
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
        "linked_identities" => repos.identities().of_user(user.id).await.map(drop),
        "known_devices" => repos.known_devices().list(user.id, now).await.map(drop),
        "api_keys" => repos.api_keys().list(&KeyOwner::Person(user.id)).await.map(drop),
        "login_locks" => repos.locks().lock(&builder::lock_key(1)).await.map(drop),
        "signing_keys" => repos.keys().all().await.map(drop),
        "audit_events" => repos.audit().list(&AuditFilter::default(), 10).await.map(drop),
        "outbox" => repos.outbox().lease(now, now, 10).await.map(drop),
        other => panic!("unknown table {other}"),
    }
}

#[tokio::test]
async fn a_bad_row_is_corrupt() {
    for (table, change) in [
        ("users", "email = 'Not Canonical@Example.com'"),
        ("users", "email = 'User1@Example.com'"),
        ("users", "email = 'no address'"),
        ("users", "status = 'asleep'"),
        ("users", "tenant = ''"),
        ("users", "full_name = 'a' || char(0)"),
        ("users", "created_at = 9223372036854775807"),
        ("users", "password_hash = NULL, temporary_until = 1"),
        ("users", "phone_number = '0151 2345678'"),
        ("users", "phone_pending = '+'"),
        ("totp_secrets", "pending_since = NULL"),
        ("totp_secrets", "pending_since = 9223372036854775807"),
        ("totp_secrets", "last_step = 7"),
        ("recovery_codes", "digest = x'00'"),
        ("recovery_codes", "used_at = 9223372036854775807"),
        ("trusted_devices", "fingerprint = x'00'"),
        ("trusted_devices", "method = 'pwd'"),
        ("trusted_devices", "ip = 'here'"),
        ("linked_identities", "issuer = ''"),
        ("linked_identities", "subject = ''"),
        ("linked_identities", "migrated = x'00'"),
        ("linked_identities", "checked_at = 9223372036854775807"),
        ("known_devices", "recent_failures = 4294967296"),
        ("known_devices", "expires_at = 9223372036854775807"),
        ("known_devices", "last_attempt_at = 9223372036854775807"),
        ("api_keys", "prefix = 'ak_1234567!'"),
        ("api_keys", "digest = x'00'"),
        ("api_keys", "scopes = 'everything'"),
        ("api_keys", "name = ' '"),
        ("api_keys", "expires_at = 9223372036854775807"),
        ("api_keys", "last_used_at = 9223372036854775807"),
        ("sessions", "methods = 'telepathy'"),
        ("sessions", "ip = 'here'"),
        ("sessions", "second_factor_at = 9223372036854775807"),
        ("sessions", "ended_at = 1"),
        ("sessions", "ended_at = 1, end_reason = 'boredom'"),
        ("refresh_tokens", "salt = x'00'"),
        ("refresh_tokens", "generation = 4294967296"),
        ("one_time_links", "purpose = 'party'"),
        ("one_time_links", "email = ''"),
        ("login_locks", "failures = 4294967296"),
        ("login_locks", "last_attempt_at = 9223372036854775807"),
        ("signing_keys", "algorithm = 'none'"),
        ("audit_events", "event = 'unheard-of'"),
        ("audit_events", "details = '{\"a\": 1}'"),
        ("outbox", "kind = 'telegram'"),
        ("outbox", "attempts = 4294967296"),
    ] {
        let on_file = filled().await;
        let mut repos = on_file.store.read().await.unwrap();
        look(&on_file.store, &mut *repos, table).await.unwrap();
        let mut conn = on_file.past_the_store();
        conn.batch_execute("PRAGMA ignore_check_constraints = ON; DROP TRIGGER audit_events_no_update;")
            .unwrap();
        conn.batch_execute(&format!("UPDATE {table} SET {change}")).unwrap();
        let seen = look(&on_file.store, &mut *repos, table).await;
        assert!(
            matches!(&seen, Err(StoreError::Corrupt { table: named, .. }) if *named == table),
            "{table} SET {change}: {seen:?}"
        );
    }
}

#[tokio::test]
async fn a_bad_row_breaks_the_transaction_that_met_it() {
    let on_file = filled().await;
    let mut conn = on_file.past_the_store();
    conn.batch_execute("UPDATE users SET email = 'no address'").unwrap();
    let mut tx = on_file.store.begin().await.unwrap();
    assert!(look(&on_file.store, &mut *tx, "users").await.is_err());
    assert!(tx.commit().await.is_err());
}
