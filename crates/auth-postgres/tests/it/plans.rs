//! How PostgreSQL answers the statements that matter when there are many rows: by an index.
//!
//! The plans are those of the calls themselves, as `auto_explain` notes them, custom and generic ones.
//! `AUTH_POSTGRES_ROWS=1000000` makes more rows.

use std::{fs, future::Future};

use auth_domain::{
    api_key::KeyOwner,
    audit::{AuditEvent, ChainHead, CheckpointKind, Salt},
    factor::{Fingerprint, TimeStep, TrustedDevice},
    guard::lockout::OldLocks,
    id::{ApiKeyId, DeviceId, IdentityId, OutboxId, SessionId, UserId},
    outbox::OutboxState,
    port::{AuditFilter, DueChecks, SealedPlace, SealedRow, Store, StoreError, UserFilter},
    secret::{Digest, SealLabel},
    session::{EndReason, Session, rotation::Generation},
    tenant::TenantId,
    token::LinkPurpose,
    user::{LinkedIdentity, UserSearch, UserStatus},
};
use auth_postgres::PostgresStore;
use auth_testkit::{builder, part::postgres::Postgres};
use chrono::TimeDelta;

use crate::support::config;

/// More calls than PostgreSQL plans anew: the last ones run the generic plan.
const CALLS: u8 = 8;

fn rows() -> u64 {
    std::env::var("AUTH_POSTGRES_ROWS").map_or(100_000, |rows| rows.parse().unwrap())
}

struct Probe {
    server: Postgres,
    store: PostgresStore,
}

impl Probe {
    async fn new() -> Self {
        let server = Postgres::durable(&[
            "fsync=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "session_preload_libraries=auto_explain",
            "auto_explain.log_min_duration=0",
            "log_line_prefix=#",
        ]);
        let database = server.database();
        let store = PostgresStore::open(&config(&server.url(&database))).unwrap();
        store.migrate().await.unwrap();
        server.sql(&database, &fill(rows()));
        Self { server, store }
    }

    /// What the server has planned since the last call, one text per statement.
    fn plans(&self) -> Vec<String> {
        let path = self.server.daemon().part().dir().join("log");
        let log = fs::read_to_string(&path).unwrap();
        // The server appends at its own position: cutting the file leaves zeros at its beginning.
        fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        let plans = log.trim_start_matches('\0').split('#').filter(|entry| entry.contains("Query Text:"));
        plans.map(ToOwned::to_owned).collect()
    }

    /// Runs a call several times and looks at every plan.
    async fn uses_indexes<F: Future<Output = Result<(), StoreError>>>(
        &self,
        what: &str,
        call: impl Fn(i64) -> F,
    ) {
        self.plans();
        for number in 0..CALLS {
            call(number.into()).await.unwrap();
        }
        let plans = self.plans();
        assert!(plans.len() >= usize::from(CALLS), "{what}: {} plans", plans.len());
        eprintln!("{what}\n{}", plans.last().unwrap());
        for plan in plans {
            // A table of one row has nothing to search.
            let plan = plan.replace("Seq Scan on audit_retention", "");
            assert!(!plan.contains("Seq Scan"), "{what}: {plan}");
        }
    }
}

/// Half of everything is old, ended, used or buried.
fn fill(rows: u64) -> String {
    format!(
        "INSERT INTO users SELECT n, 'default', 'user' || n || '@example.com', true, NULL, 'active', false,
             false, false, 'hash', NULL, NULL, '2026-01-01', '2026-01-01' FROM generate_series(1, {rows}) n;
         INSERT INTO sessions SELECT n, 'default', 1 + n % ({rows} / 5), t, 'pwd', t, t, t + interval '7 days',
             CASE WHEN n % 2 = 0 THEN t END, CASE WHEN n % 2 = 0 THEN 'logout' END, NULL, NULL
             FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute') x(t);
         INSERT INTO refresh_tokens SELECT n, 0, sha256(n::text::bytea), '\\x00000000000000000000000000000000',
             '2026-01-01' FROM generate_series(1, {rows}) n;
         INSERT INTO one_time_links SELECT sha256(n::text::bytea), 'default', n, 'reset_password', 'a@b.c', t,
             t + interval '1 day', CASE WHEN n % 2 = 0 THEN t END
             FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute') x(t);
         INSERT INTO totp_secrets SELECT n, '\\x010203040506', n, '\\x010203040507', '2026-01-01' FROM generate_series(1, {rows}) n;
         INSERT INTO recovery_codes SELECT sha256(n::text::bytea), 1 + n / 10, '2026-01-01',
             CASE WHEN n % 2 = 0 THEN timestamptz '2026-01-01' END FROM generate_series(1, {rows}) n;
         INSERT INTO trusted_devices SELECT n, 1 + n / 10, sha256(n::text::bytea), 'otp', NULL, NULL, NULL, t,
             t + interval '1 day'
             FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute') x(t);
         INSERT INTO linked_identities SELECT n, n, 'https://pool.example.com/1', 'subject-' || n, t, t, t, '\\x010203040506', NULL,
             NULL
             FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute') x(t);
         INSERT INTO api_keys SELECT n, 'tenant' || n / 10, CASE WHEN n % 2 = 0 THEN 1 + n / 10 END, 1, 'n',
             'ak_12345678', sha256(n::text::bytea), 'profile:read', t, t + interval '90 days', NULL,
             CASE WHEN n % 3 = 0 THEN t END
             FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute') x(t);
         INSERT INTO known_devices SELECT sha256(n::text::bytea), 1 + n / 10, t, t, t + interval '90 days', 0, 0, NULL
             FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute') x(t);
         INSERT INTO login_locks SELECT sha256(n::text::bytea), 1, NULL,
             timestamptz '2026-01-01' + n * interval '1 minute' FROM generate_series(1, {rows}) n;
         INSERT INTO outbox SELECT n, 'default', n, 'verify_email', NULL, NULL, NULL, NULL, t, t, 0, NULL,
             CASE WHEN n % 2 = 0 THEN t END, NULL
             FROM generate_series(1, {rows}) n, LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 minute') x(t);
         INSERT INTO audit_events (at, tenant, event, outcome, subject, details)
             SELECT timestamptz '2016-01-01' + n * interval '1 minute', 'default', '{event}', 'success', n,
             '[]' FROM generate_series(1, {rows}) n;
         INSERT INTO audit_chain SELECT row_number() OVER (ORDER BY seq), seq, at, sha256(''), sha256(''),
             CASE WHEN seq % 2 = 0 THEN '\\x00000000000000000000000000000000'::bytea END
             FROM audit_events WHERE seq > {rows} / 2;
         INSERT INTO audit_checkpoints SELECT n, CASE WHEN n % 10 = 0 THEN 'pruned' ELSE 'regular' END, n * 10,
             sha256(''), '2026-01-01', sha256(''), sha512('') FROM generate_series(1, {rows} / 100) n;
         ANALYZE",
        event = AuditEvent::LoginOk.as_str(),
    )
}

fn digest(number: i64) -> Digest {
    Digest::of(number.to_string().as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_that_matters_uses_an_index() {
    let probe = Probe::new().await;
    let (store, now, tenant) = (&probe.store, builder::noon(), TenantId::default());
    let key = |number: i64| *digest(number).as_bytes();
    let email = |number: i64| builder::email(&format!("user{}@example.com", number + 1));
    probe
        .uses_indexes("login, begin", |n| {
            let (key, email, tenant) = (key(n), email(n), tenant.clone());
            async move {
                let mut tx = store.begin().await?;
                tx.locks().lock_with_account(&key, &tenant, &email).await?;
                tx.locks().put(&key, &builder::lock_state(1, now)).await?;
                tx.commit().await
            }
        })
        .await;
    probe
        .uses_indexes("login, end", |n| async move {
            let mut tx = store.begin().await?;
            let found = tx.users().lock_with_live_sessions(UserId::from_i64(1 + n), now).await?;
            let (user, _) = found.expect("it was inserted");
            tx.locks().clear(&key(n)).await?;
            tx.users().save(&user).await?.expect("the address stays");
            let session =
                Session { id: SessionId::from_i64(1_000_000_000 + n), ..builder::session(1, &user, now) };
            let first = builder::generation(session.id, 0, now);
            tx.sessions().insert(&session, &first).await?;
            tx.audit().append(&builder::audit(AuditEvent::LoginOk, now)).await?;
            tx.commit().await
        })
        .await;
    probe
        .uses_indexes("access token", |n| async move {
            let mut repos = store.read().await?;
            repos.sessions().with_user(SessionId::from_i64(1 + n)).await?.expect("it was inserted");
            repos.sessions().touch(SessionId::from_i64(1 + n), now).await
        })
        .await;
    probe
        .uses_indexes("refresh", |n| async move {
            let id = SessionId::from_i64(1 + 2 * n);
            let presented = store.read().await?.sessions().presented(&digest(id.as_i64())).await?;
            assert!(presented.is_some());
            let mut tx = store.begin().await?;
            let next = Generation { number: 1, ..builder::generation(id, 1, now) };
            assert!(tx.sessions().rotate_with_user(id, &next).await?.is_some());
            tx.commit().await
        })
        .await;
    probe
        .uses_indexes("session list and ends", |n| async move {
            let (user, end) = (UserId::from_i64(100 + n), builder::ended(EndReason::Revoked, now));
            let mut repos = store.read().await?;
            repos.sessions().live_of(user, now - TimeDelta::days(150)).await?;
            repos.sessions().end(SessionId::from_i64(1001 + 2 * n), end).await?;
            repos.sessions().extend(SessionId::from_i64(2001 + 2 * n), now).await?;
            repos.sessions().end_all(user, Some(SessionId::from_i64(1)), end).await.map(drop)
        })
        .await;
    probe
        .uses_indexes("links", |n| async move {
            let user = builder::user(1 + n, now);
            let link = builder::link(u32::try_from(n).unwrap(), LinkPurpose::ResetPassword, &user, now);
            let mut tx = store.begin().await?;
            tx.links().replace(&link).await?;
            tx.links().find(&link.digest, now).await?;
            assert!(tx.links().consume(&link.digest, now).await?.is_some());
            tx.links().withdraw(user.id, LinkPurpose::ResetPassword).await?;
            tx.commit().await
        })
        .await;
    probe
        .uses_indexes("accounts", |n| async move {
            let mut moved = builder::user(500 + n, now);
            moved.email = builder::email(&format!("moved{n}@example.com"));
            let mut repos = store.read().await?;
            assert!(repos.users().by_id(moved.id).await?.is_some());
            assert!(repos.users().by_email(&moved.tenant, &moved.email).await?.is_none());
            assert!(repos.users().save(&moved).await?.is_ok());
            let mut new = builder::user(1_000_000_000 + n, now);
            new.email = builder::email(&format!("new{n}@example.com"));
            assert!(repos.users().insert(&new).await?.is_ok());
            Ok(())
        })
        .await;
    factors(&probe).await;
    sealed(&probe).await;
    identities(&probe).await; // puts one back, with a grant of another key
    api_keys(&probe).await;
    known_devices(&probe).await;
    outbox_and_upkeep(&probe).await;
    accounts(&probe).await;
    audit(&probe).await;
    chain(&probe).await;
}

async fn factors(probe: &Probe) {
    let (store, now) = (&probe.store, builder::noon());
    probe
        .uses_indexes("authenticator apps", |n| async move {
            let user = UserId::from_i64(100 + n);
            let mut repos = store.read().await?;
            let stored = repos.factors().totp(user).await?;
            assert!(repos.factors().advance_step(user, TimeStep::at(now)).await?);
            let waiting = stored.pending.expect("it was inserted");
            assert!(repos.factors().activate_totp(user, &waiting, TimeStep::at(now)).await?);
            repos.factors().put_pending_totp(user, &builder::pending_totp(1, now)).await?;
            repos.factors().remove_totp(user).await
        })
        .await;
    probe
        .uses_indexes("recovery codes", |n| async move {
            // Codes 10, 11, …, 19 are those of account 2.
            let (user, code) = (UserId::from_i64(2 + n), digest(11 + 10 * n));
            let mut repos = store.read().await?;
            assert_eq!(repos.factors().recovery_codes_left(user).await?, 5);
            assert!(repos.factors().consume_recovery_code(user, &code, now).await?);
            let new = [digest(-1 - n), digest(-1001 - n)];
            repos.factors().replace_recovery_codes(user, &new, now).await
        })
        .await;
    probe
        .uses_indexes("devices", |n| async move {
            let (user, before) = (UserId::from_i64(2 + n), now - TimeDelta::days(200));
            let fingerprint = Fingerprint::from_digest(digest(11 + 10 * n));
            let mut repos = store.read().await?;
            assert!(repos.devices().find(user, &fingerprint, before).await?.is_some());
            assert_eq!(repos.devices().list(user, before).await?.len(), 10);
            let id = DeviceId::from_i64(-1 - n);
            repos
                .devices()
                .remember(&TrustedDevice { id, fingerprint, ..builder::device(1, user, now) })
                .await?;
            assert_eq!(repos.devices().forget_all(user, now).await?, 1);
            let proved = builder::session(1, &builder::user(1, now), now).authentication;
            assert!(repos.sessions().step_up(SessionId::from_i64(3001 + 2 * n), &proved).await?);
            Ok(())
        })
        .await;
}

async fn identities(probe: &Probe) {
    let (store, now) = (&probe.store, builder::noon());
    probe
        .uses_indexes("login through a provider", |n| async move {
            let known = builder::identity(100 + n, UserId::from_i64(100 + n), now);
            let mut repos = store.read().await?;
            let found = repos.identities().by_key(&known.key).await?.expect("it was inserted");
            assert_eq!(repos.identities().of_user(found.user).await?.len(), 1);
            assert!(repos.identities().save(&LinkedIdentity { proved_at: now, ..found }).await?);
            assert!(repos.identities().unlink(known.id).await?);
            assert!(repos.identities().link(&known).await?.is_ok());
            Ok(())
        })
        .await;
    let issuer = builder::identity(1, UserId::from_i64(1), now).key.issuer().to_owned();
    // Whether few or almost all are due.
    for checked_before in [now - TimeDelta::days(181), now] {
        let due = DueChecks { checked_before, now, leased_until: now, limit: 8 };
        probe
            .uses_indexes("recheck", |_| async {
                store.read().await?.identities().lease_due(&issuer, due).await.map(drop)
            })
            .await;
    }
}

async fn api_keys(probe: &Probe) {
    let (store, now) = (&probe.store, builder::noon());
    probe
        .uses_indexes("API keys", |n| async move {
            // Keys 10, 12, …, 18 are those of account 2, keys 11, 13, …, 19 those of services of tenant 1.
            let (user, id) = (UserId::from_i64(2 + n), ApiKeyId::from_i64(11 + 10 * n));
            let tenant = TenantId::parse(&format!("tenant{}", 1 + n)).expect("a tenant's name");
            let (mine, services) = (KeyOwner::Person(user), KeyOwner::Tenant(tenant));
            let mut repos = store.read().await?;
            assert!(repos.api_keys().with_person(&digest(10 + 10 * n)).await?.is_some());
            assert_eq!(repos.api_keys().list(&mine).await?.len(), 5);
            assert_eq!(repos.api_keys().list(&services).await?.len(), 5);
            repos.api_keys().touch(id, now).await?;
            repos.api_keys().revoke(&services, id, now).await?;
            repos.api_keys().revoke(&mine, id, now).await?;
            assert!(repos.api_keys().revoke_all(user, now).await? > 0);
            let key = builder::personal_key(1_000_000_000 + n, user, now);
            repos.api_keys().insert(&key).await
        })
        .await;
}

/// Every start of a server asks which keys there are, however many people have an app.
async fn sealed(probe: &Probe) {
    let store = &probe.store;
    let label = SealLabel::from_bytes([1, 2, 3, 4, 5]);
    for place in [SealedPlace::Totp, SealedPlace::PendingTotp, SealedPlace::Grant] {
        probe
            .uses_indexes("sealed values", |n| async move {
                let mut repos = store.read().await?;
                assert_eq!(repos.sealed().labels(place).await?, [label]);
                let after = match place {
                    SealedPlace::Grant => SealedRow::Identity(IdentityId::from_i64(5000 + n)),
                    _ => SealedRow::User(UserId::from_i64(5000 + n)),
                };
                let after = Some(after);
                let page = repos.sealed().page(place, label, after, 10).await?;
                assert_eq!(page.len(), 10);
                assert!(repos.sealed().replace(place, &page[0], &page[0].sealed).await?);
                Ok(())
            })
            .await;
    }
}

async fn known_devices(probe: &Probe) {
    let (store, now, tenant) = (&probe.store, builder::noon(), TenantId::default());
    probe
        .uses_indexes("known devices", |n| {
            let (email, tenant) = (builder::email(&format!("user{}@example.com", n + 1)), tenant.clone());
            async move {
                let (user, before) = (UserId::from_i64(2 + n), now - TimeDelta::days(200));
                let device = builder::known_device(-1 - n, user, now);
                let mut tx = store.begin().await?;
                tx.known_devices().insert(&device, 5).await?;
                assert_eq!(tx.known_devices().list(user, before).await?.len(), 5);
                let both = tx.known_devices().lock_with_account(&device.digest, &tenant, &email).await?;
                assert_eq!(both.0, Some(device));
                tx.known_devices().save(&device).await?;
                tx.known_devices().forget(&device.digest).await?;
                assert_eq!(tx.known_devices().lock(&device.digest).await?, None);
                tx.locks().clear_from(digest(n).as_bytes(), 100).await?;
                assert_eq!(tx.known_devices().forget_all(user).await?, 4);
                tx.commit().await
            }
        })
        .await;
}

async fn outbox_and_upkeep(probe: &Probe) {
    let (store, now) = (&probe.store, builder::noon());
    probe
        .uses_indexes("outbox", |n| async move {
            let mut repos = store.read().await?;
            let lent = repos.outbox().lease(now, now + TimeDelta::seconds(30), 10).await?;
            assert_eq!(lent.len(), 10);
            repos.outbox().retry(lent[0].id, now, "error").await?;
            repos.outbox().bury(lent[1].id, now, "error").await?;
            repos.outbox().done(lent[2].id).await?;
            repos.outbox().done(OutboxId::from_i64(-n)).await
        })
        .await;
    probe
        .uses_indexes("outbox, operators", |n| async move {
            let mut repos = store.read().await?;
            assert!(repos.outbox().oldest_due().await?.is_some());
            assert_eq!(repos.outbox().list(OutboxState::Waiting, None, 1).await?.len(), 1);
            let item = builder::outbox_item(-1 - n, now).once(&[]);
            repos.outbox().put(&item).await?;
            let after = Some(OutboxId::from_i64(100 + n));
            for state in [OutboxState::Waiting, OutboxState::Dead] {
                assert_eq!(repos.outbox().list(state, after, 10).await?.len(), 10);
            }
            let [dead, gone] = [1002, 2002].map(|id| OutboxId::from_i64(id + 2 * n));
            assert!(repos.outbox().retry_now(dead, now).await?.is_some());
            assert!(repos.outbox().discard(gone, now).await?.is_some());
            Ok(())
        })
        .await;
    // Whether almost nothing or almost everything is old.
    for before in [now - TimeDelta::days(180), now + TimeDelta::days(1000)] {
        probe
            .uses_indexes("upkeep", |_| async move {
                let mut repos = store.read().await?;
                repos.sessions().purge(before, 100).await?;
                repos.links().purge(before, 100).await?;
                repos.devices().purge(before, 100).await?;
                repos.known_devices().purge(before, 100).await?;
                repos.api_keys().purge(before, 100).await?;
                let old = OldLocks { before, closed_at: 100, closed_before: before - TimeDelta::days(30) };
                repos.locks().purge(old, 100).await?;
                repos.outbox().purge(before, 100).await.map(drop)
            })
            .await;
    }
}

async fn accounts(probe: &Probe) {
    let store = &probe.store;
    for number in 0..8u8 {
        let given = |bit: u8| number & bit != 0;
        let search = UserSearch::parse("user12345").unwrap().filter(|_| given(2));
        let statuses = if given(4) { vec![UserStatus::Suspended] } else { Vec::new() };
        let tenant = given(1).then(TenantId::default);
        let filter = UserFilter { tenant, search, statuses, without_superusers: true };
        if given(4) && !given(1) && !given(2) {
            continue; // few among all of all tenants: nobody asks that but an operator
        }
        probe
            .uses_indexes("accounts", |n| {
                let filter = filter.clone();
                async move {
                    let after = Some(UserId::from_i64(n));
                    store.read().await?.users().page(&filter, after, 10).await.map(drop)
                }
            })
            .await;
    }
    probe
        .uses_indexes("superusers, sessions of an account", |n| async move {
            let mut tx = store.begin().await?;
            tx.users().lock_superusers().await?;
            tx.sessions().all_of(UserId::from_i64(200 + n), 100).await?;
            tx.commit().await
        })
        .await;
}

async fn audit(probe: &Probe) {
    let store = &probe.store;
    for number in 0..32u8 {
        let given = |bit: u8| number & bit != 0;
        let filter = AuditFilter {
            since: given(16).then(|| builder::noon() - TimeDelta::days(3650)),
            until: given(16).then(builder::noon),
            tenant: given(1).then(TenantId::default),
            event: given(2).then_some(AuditEvent::LoginOk),
            subject: given(4).then(|| UserId::from_i64(7)),
            before: given(8).then_some(1000),
        };
        probe
            .uses_indexes("audit log", |_| async {
                assert!(store.read().await?.audit().list(&filter, 10).await?.len() <= 10);
                Ok(())
            })
            .await;
    }
    // Whether almost nothing or almost everything is old.
    let begin = builder::noon() - TimeDelta::days(3834);
    for before in [begin + TimeDelta::hours(2), begin + TimeDelta::days(3000)] {
        probe
            .uses_indexes("audit log, upkeep", |n| async move {
                let before = before + TimeDelta::microseconds(n);
                let deleted = store.read().await?.audit().purge(before, 10).await?;
                assert_eq!(deleted, 10);
                Ok(())
            })
            .await;
    }
}

async fn chain(probe: &Probe) {
    let store = &probe.store;
    let newest = store.read().await.unwrap().chain().newest().await.unwrap().unwrap();
    probe
        .uses_indexes("audit chain", |n| async move {
            let mut tx = store.begin().await?;
            assert!(tx.chain().take_turn().await?);
            let entry = builder::audit(AuditEvent::LoginOk, builder::noon());
            tx.audit().append(&entry).await?;
            tx.chain().newest().await?;
            let waiting = tx.chain().waiting(newest + n - 1000, 10).await?;
            let head = tx.chain().head().await?;
            let link = head.link(&waiting[0], Salt::from_bytes([7; 16]));
            tx.chain().extend(&[link]).await?;
            tx.chain().last_checkpoint().await?;
            tx.commit().await
        })
        .await;
    let long_ago = builder::noon() - TimeDelta::days(3834);
    probe
        .uses_indexes("audit chain, reading", |n| async move {
            let mut repos = store.read().await?;
            assert_eq!(repos.chain().page(n * 100, 10).await?.len(), 10);
            repos.chain().checkpoints(n, 10).await?;
            repos.chain().first_since(long_ago + TimeDelta::days(60 + n)).await?;
            Ok(())
        })
        .await;
    probe
        .uses_indexes("audit chain, upkeep", |n| async move {
            let mut tx = store.begin().await?;
            assert_eq!(tx.chain().erase_clients(builder::noon() - TimeDelta::days(10), 10).await?, 10);
            let last = tx.chain().page(0, 10).await?.pop().unwrap();
            let number = tx.chain().last_checkpoint().await?.unwrap().number + 1;
            let head = ChainHead::from(&last.link);
            let checkpoint = builder::checkpoint(number, CheckpointKind::Pruned, head, builder::noon());
            let before = long_ago + TimeDelta::days(3000) + TimeDelta::microseconds(n);
            assert_eq!(tx.chain().prune(&checkpoint, before).await?, 10);
            tx.commit().await
        })
        .await;
}
