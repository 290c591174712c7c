//! How SQLite answers each statement: by an index, whatever the size of a table.

use std::{
    future::{Future, ready},
    sync::{Arc, Mutex},
};

use auth_domain::{
    audit::{AuditEvent, ChainHead, CheckpointKind, Salt, StoredRow},
    factor::TimeStep,
    guard::lockout::LockPolicy,
    id::{IdentityId, OutboxId, UserId},
    outbox::OutboxState,
    port::{
        ApiKeyRepo, AuditChain, AuditFilter, AuditLog, DeviceRepo, DueChecks, FactorRepo, IdentityRepo,
        KeyRepo, KnownDeviceRepo, LinkRepo, LockRepo, Outbox, RecentSince, SealedPlace, SealedRepo,
        SealedRow, SealedValue, SessionRepo, StoreError, UserFilter, UserRepo,
    },
    secret::{SealLabel, Sealed},
    session::EndReason,
    tenant::TenantId,
    token::LinkPurpose,
    user::{UserSearch, UserStatus},
};
use auth_testkit::builder;
use chrono::TimeDelta;
use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection, connection::InstrumentationEvent, sql_query,
    sql_types::Text,
};
use diesel_migrations::MigrationHarness;

use crate::{
    MIGRATIONS,
    runner::{Repositories, Runner, Work},
};

/// Runs work where it stands, on a connection whose statements are noted.
struct Direct(SqliteConnection);

impl Runner for Direct {
    fn read<T: Send + 'static>(
        &mut self,
        work: impl Work<T>,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        ready(work(&mut self.0).map_err(|fault| fault.0))
    }

    fn write<T: Send + 'static>(
        &mut self,
        work: impl Work<T>,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        self.read(work)
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The repositories of an empty database, and the statements they run.
struct Probe {
    repos: Repositories<Direct>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Probe {
    fn new() -> Self {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.run_pending_migrations(MIGRATIONS).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                noted.lock().unwrap().push(query.to_string());
            }
        });
        Self { repos: Repositories(Direct(conn)), seen }
    }

    /// The plans of the statements run since the last call, one line per step.
    fn plans(&mut self) -> Vec<String> {
        let statements = std::mem::take(&mut *self.seen.lock().unwrap());
        let mut steps = Vec::new();
        for statement in &statements {
            let text = statement.split("-- binds:").next().unwrap_or_default();
            let explain = sql_query(format!("EXPLAIN QUERY PLAN {text}"));
            let plan: Vec<Step> = explain.load(&mut self.repos.0.0).unwrap();
            steps.extend(plan.into_iter().map(|step| step.detail));
        }
        self.seen.lock().unwrap().clear();
        assert!(!statements.is_empty(), "nothing was run");
        steps
    }

    /// Every step searches by an index. What it finds may be sorted: for few rows only.
    fn assert_searches_few(&mut self, what: &str) {
        let plans = self.plans();
        assert!(!plans.iter().any(|step| step.starts_with("SCAN")), "{what}: {plans:#?}");
    }

    /// Every step searches by an index, and none sorts.
    fn assert_searches(&mut self, what: &str) {
        let plans = self.plans();
        let bad = |step: &String| step.starts_with("SCAN") || step.contains("TEMP B-TREE");
        assert!(!plans.iter().any(bad), "{what}: {plans:#?}");
    }
}

/// Runs each call and checks its plan.
macro_rules! all_search {
    ($probe:ident: $($port:ident::$method:ident($($argument:expr),*);)+) => {$(
        let answer = $port::$method(&mut $probe.repos, $($argument),*).await;
        // On an empty database a call may fail for lack of a row; its statement was run all the same.
        drop(answer);
        $probe.assert_searches(concat!(stringify!($port), "::", stringify!($method)));
    )+};
}

#[tokio::test]
async fn every_statement_on_accounts_and_sessions_uses_an_index() {
    let now = builder::noon();
    let (user, mut probe) = (builder::user(1, now), Probe::new());
    let session = builder::session(1, &user, now);
    let token = |number| builder::generation(session.id, number, now);
    let ended = builder::ended(EndReason::Logout, now);
    all_search! { probe:
        UserRepo::insert(&user);
        UserRepo::by_id(user.id);
        UserRepo::by_email(&user.tenant, &user.email);
        UserRepo::lock(user.id);
        UserRepo::lock_with_live_sessions(user.id, now);
        UserRepo::save(&user);
        SessionRepo::insert(&session, &token(0));
        SessionRepo::with_user(session.id);
        SessionRepo::presented(&token(0).digest);
        SessionRepo::rotate(session.id, &token(1));
        SessionRepo::rotate_with_user(session.id, &token(2));
        SessionRepo::live_of(user.id, now);
        SessionRepo::extend(session.id, now);
        SessionRepo::step_up(session.id, &session.authentication);
        SessionRepo::touch(session.id, now);
        SessionRepo::end(session.id, ended);
        SessionRepo::end_all(user.id, None, ended);
        SessionRepo::end_all(user.id, Some(session.id), ended);
        SessionRepo::purge(now, 10);
        SessionRepo::all_of(user.id, 10);
    }
}

#[tokio::test]
async fn every_list_of_accounts_uses_the_narrowest_index() {
    let mut probe = Probe::new();
    for number in 0..32u8 {
        let given = |bit: u8| number & bit != 0;
        let search = UserSearch::parse("ada").unwrap().filter(|_| given(2));
        let statuses = if given(4) { vec![UserStatus::Suspended] } else { Vec::new() };
        let filter = UserFilter {
            tenant: given(1).then(TenantId::default),
            search,
            statuses,
            without_superusers: given(8),
        };
        let after = given(16).then(|| UserId::from_i64(7));
        UserRepo::page(&mut probe.repos, &filter, after, 10).await.unwrap();
        let plans = probe.plans();
        let uses = |index: &str| plans.iter().any(|step| step.contains(index));
        if given(2) {
            assert!(uses("users_email") && uses("users_name"), "{filter:?}: {plans:?}");
            assert!(!uses("SCAN"), "{filter:?}: {plans:?}");
            continue;
        }
        let index = match (given(1), given(4)) {
            (true, true) => "users_unusual (tenant=?",
            (true, false) => "users_tenant (tenant=?",
            (false, _) => "users", // from the first to the limit
        };
        assert!(plans.len() == 1 && uses(index), "{filter:?}: {plans:?}");
    }
}

#[tokio::test]
async fn superusers_are_found_and_everything_else_is_counted() {
    let (now, mut probe) = (builder::noon(), Probe::new());
    UserRepo::lock_superusers(&mut probe.repos).await.unwrap();
    assert_eq!(probe.plans(), ["SCAN users USING INDEX users_superusers"]); // which has nobody else
    let since = RecentSince { day: now, week: now };
    UserRepo::counts(&mut probe.repos, Some(TenantId::default()), since).await.unwrap();
    assert!(!probe.plans().iter().any(|step| step.contains("TEMP B-TREE")));
    SessionRepo::count_live(&mut probe.repos, Some(TenantId::default()), now).await.unwrap();
    assert_eq!(probe.plans(), ["SEARCH sessions USING INDEX sessions_expiry (expires_at>?)"]);
}

#[tokio::test]
async fn every_statement_on_second_factors_uses_an_index() {
    let now = builder::noon();
    let (user, mut probe) = (builder::user(1, now), Probe::new());
    let (pending, step) = (builder::pending_totp(1, now), TimeStep::at(now));
    let (code, device) = (builder::recovery_code(1), builder::device(1, user.id, now));
    let known = builder::known_device(1, user.id, now);
    // Fails for lack of the account; its statements were run all the same.
    drop(KnownDeviceRepo::insert(&mut probe.repos, &known, 50).await);
    probe.assert_searches_few("KnownDeviceRepo::insert, at most 50 devices of one account");
    all_search! { probe:
        UserRepo::insert(&user);
        FactorRepo::totp(user.id);
        FactorRepo::put_pending_totp(user.id, &pending);
        FactorRepo::activate_totp(user.id, &pending, step);
        FactorRepo::advance_step(user.id, step);
        FactorRepo::remove_totp(user.id);
        FactorRepo::replace_recovery_codes(user.id, &[code], now);
        FactorRepo::consume_recovery_code(user.id, &code, now);
        FactorRepo::recovery_codes_left(user.id);
        DeviceRepo::remember(&device);
        DeviceRepo::find(user.id, &device.fingerprint, now);
        DeviceRepo::list(user.id, now);
        DeviceRepo::forget_all(user.id, now);
        DeviceRepo::purge(now, 10);
        KnownDeviceRepo::lock(&known.digest);
        KnownDeviceRepo::lock_with_account(&known.digest, &user.tenant, &user.email);
        KnownDeviceRepo::save(&known);
        KnownDeviceRepo::list(user.id, now);
        KnownDeviceRepo::forget(&known.digest);
        KnownDeviceRepo::forget_all(user.id);
        KnownDeviceRepo::purge(now, 10);
    }
}

#[tokio::test]
async fn every_statement_on_linked_identities_uses_an_index() {
    let now = builder::noon();
    let (user, mut probe) = (builder::user(1, now), Probe::new());
    let identity = builder::identity(1, user.id, now);
    let due = DueChecks { checked_before: now, now, leased_until: now, limit: 10 };
    all_search! { probe:
        UserRepo::insert(&user);
        IdentityRepo::link(&identity);
        IdentityRepo::by_key(&identity.key);
        IdentityRepo::of_user(user.id);
        IdentityRepo::save(&identity);
        IdentityRepo::lease_due(identity.key.issuer(), due);
        IdentityRepo::counts(identity.key.issuer());
        IdentityRepo::unlink(identity.id);
    }
}

#[tokio::test]
async fn every_statement_on_api_keys_uses_an_index() {
    let now = builder::noon();
    let (user, mut probe) = (builder::user(1, now), Probe::new());
    let (mine, service) = (builder::personal_key(1, user.id, now), builder::service_key(2, now));
    all_search! { probe:
        UserRepo::insert(&user);
        ApiKeyRepo::insert(&mine);
        ApiKeyRepo::with_person(&mine.digest);
        ApiKeyRepo::list(&mine.owner());
        ApiKeyRepo::list(&service.owner());
        ApiKeyRepo::revoke(&mine.owner(), mine.id, now);
        ApiKeyRepo::revoke(&service.owner(), service.id, now);
        ApiKeyRepo::revoke_all(user.id, now);
        ApiKeyRepo::touch(mine.id, now);
        ApiKeyRepo::purge(now, 10);
    }
}

#[tokio::test]
async fn every_statement_on_links_locks_and_keys_uses_an_index() {
    let now = builder::noon();
    let (user, mut probe) = (builder::user(1, now), Probe::new());
    let link = builder::link(1, LinkPurpose::VerifyEmail, &user, now);
    let (lock, key) = (builder::lock_key(1), builder::signing_key("k1", now));
    all_search! { probe:
        UserRepo::insert(&user);
        LinkRepo::replace(&link);
        LinkRepo::find(&link.digest, now);
        LinkRepo::consume(&link.digest, now);
        LinkRepo::withdraw(user.id, link.purpose);
        LinkRepo::purge(now, 10);
        LockRepo::lock(&lock);
        LockRepo::lock_with_account(&lock, &user.tenant, &user.email);
        LockRepo::put(&lock, &builder::lock_state(1, now));
        LockRepo::clear(&lock);
        LockRepo::clear_from(&lock, 100);
        LockRepo::purge(LockPolicy::default().old(now), 10);
        KeyRepo::insert(&key);
        KeyRepo::retire(&key.id, now);
        KeyRepo::delete(&key.id);
    }
}

#[tokio::test]
async fn every_statement_on_the_outbox_uses_an_index() {
    let (now, mut probe) = (builder::noon(), Probe::new());
    let id = OutboxId::from_i64(1);
    all_search! { probe:
        Outbox::put(&builder::outbox_item(1, now));
        Outbox::lease(now, now, 10);
        Outbox::retry(id, now, "error");
        Outbox::bury(id, now, "error");
        Outbox::done(id);
        Outbox::purge(now, 10);
        Outbox::list(OutboxState::Waiting, Some(id), 10);
        Outbox::list(OutboxState::Dead, None, 10);
        Outbox::retry_now(id, now);
        Outbox::discard(id, now);
    }
    // It walks what waits and nothing else: the index has no dead letters.
    Outbox::depth(&mut probe.repos).await.unwrap();
    assert_eq!(probe.plans(), ["SCAN outbox USING INDEX outbox_waiting"]);
    // It reads the first of those.
    Outbox::dead_letters(&mut probe.repos).await.unwrap();
    assert_eq!(probe.plans(), ["SEARCH outbox USING COVERING INDEX outbox_buried (buried_at>?)"]);

    Outbox::oldest_due(&mut probe.repos).await.unwrap();
    assert_eq!(probe.plans(), ["SCAN outbox USING INDEX outbox_waiting"]);
}

#[tokio::test]
async fn every_filter_of_the_audit_log_uses_the_narrowest_index() {
    let mut probe = Probe::new();
    all_search! { probe: AuditLog::append(&builder::audit(AuditEvent::Registered, builder::noon())); }
    all_search! { probe: AuditLog::purge(builder::noon(), 10); }
    for number in (1..32).filter(|number| number & 15 != 0) {
        let given = |bit: u8| number & bit != 0;
        let filter = AuditFilter {
            since: given(16).then(builder::noon),
            until: given(16).then(builder::noon),
            tenant: given(1).then(TenantId::default),
            event: given(2).then_some(AuditEvent::Registered),
            subject: given(4).then(|| UserId::from_i64(1)),
            before: given(8).then_some(100),
        };
        AuditLog::list(&mut probe.repos, &filter, 10).await.unwrap();
        let plans = probe.plans();
        let index = match number & 7 {
            0 => "INTEGER PRIMARY KEY",
            1 => "audit_events_tenant",
            2 | 3 => "audit_events_event",
            _ => "audit_events_subject",
        };
        assert!(plans.len() == 1 && plans[0].starts_with("SEARCH"), "{filter:?}: {plans:?}");
        assert!(plans[0].contains(index), "{filter:?}: {plans:?}");
    }
    // Without a filter it walks the log from its end, and stops at the limit: no sort.
    AuditLog::list(&mut probe.repos, &AuditFilter::default(), 10).await.unwrap();
    assert_eq!(probe.plans(), ["SCAN audit_events"]);
}

#[tokio::test]
async fn sealed_values_are_found_by_their_label() {
    let mut probe = Probe::new();
    let label = SealLabel::from_bytes([1; SealLabel::BYTES]);
    let (app, grant) = (SealedRow::User(UserId::from_i64(1)), SealedRow::Identity(IdentityId::from_i64(1)));
    for (place, row) in
        [(SealedPlace::Totp, &app), (SealedPlace::PendingTotp, &app), (SealedPlace::Grant, &grant)]
    {
        let found = SealedValue { row: row.clone(), sealed: Sealed::from_bytes(vec![1; 9]) };
        all_search! { probe:
            SealedRepo::count(place, label);
            SealedRepo::page(place, label, Some(row.clone()), 10);
            SealedRepo::replace(place, &found, &found.sealed);
        }
        SealedRepo::labels(&mut probe.repos, place).await.unwrap();
        // It jumps from label to label, and sorts nothing.
        let plans = probe.plans();
        assert!(!plans.iter().any(|step| step.contains("TEMP B-TREE")), "{plans:?}");
        let (table, _) = place.as_str().split_once('.').expect("a table and a column");
        for step in plans.iter().filter(|step| step.contains(table)) {
            assert!(step.contains(&format!("INDEX {table}")), "{step}");
        }
    }
}

#[tokio::test]
async fn every_statement_on_the_chain_uses_an_index() {
    let (now, mut probe) = (builder::noon(), Probe::new());
    let head = ChainHead::GENESIS;
    let row = StoredRow::of(1, &builder::audit(AuditEvent::Registered, now));
    let link = head.link(&row, Salt::from_bytes([7; 16]));
    let checkpoint = builder::checkpoint(1, CheckpointKind::Regular, head, now);
    let pruned = builder::checkpoint(2, CheckpointKind::Pruned, head, now);
    all_search! { probe:
        AuditChain::waiting(7, 10);
        AuditChain::extend(&[link]);
        AuditChain::page(7, 10);
        AuditChain::first_since(now);
        AuditChain::put_checkpoint(&checkpoint);
        AuditChain::checkpoints(7, 10);
        AuditChain::erase_clients(now, 10);
        AuditChain::prune(&pruned, now - TimeDelta::days(3650));
    }
    // They read the first of an index.
    AuditChain::newest(&mut probe.repos).await.unwrap();
    assert_eq!(probe.plans(), ["SCAN audit_chain USING COVERING INDEX sqlite_autoindex_audit_chain_1"]);
    AuditChain::last_checkpoint(&mut probe.repos).await.unwrap();
    assert_eq!(probe.plans(), ["SCAN audit_checkpoints"]);
}
