//! Both stores side by side: random transactions, one answer.

mod devices;
mod factors;

use std::{sync::Arc, sync::LazyLock};

use auth_domain::{
    audit::AuditEvent,
    factor::Enrolment,
    guard::lockout::OldLocks,
    id::{OutboxId, SessionId, UserId},
    outbox::{OutboxItem, OutboxState},
    port::{AuditFilter, Repos, Store, StoreError},
    secret::Digest,
    session::EndReason,
    token::LinkPurpose,
    user::{User, UserStatus},
};
use auth_postgres::{PostgresConfig, PostgresStore};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{builder, part::postgres::Postgres};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

/// A thing to do. Small numbers, so that commands meet each other; times are minutes.
#[derive(Clone, Debug)]
enum Command {
    Register { user: i64, address: u8, at: i64 },
    Look { user: i64, address: u8 },
    Save { user: i64, address: u8, suspended: bool, at: i64 },
    LockWithSessions { user: i64, at: i64 },
    Open { session: i64, user: i64, at: i64, life: i64 },
    WithUser { session: i64 },
    Rotate { session: i64, number: u32, attempt: u32, at: i64 },
    RotateWithUser { session: i64, number: u32, attempt: u32, at: i64 },
    Present { session: i64, number: u32, attempt: u32 },
    End { session: i64, at: i64 },
    EndAll { user: i64, keep: Option<i64>, at: i64 },
    LiveOf { user: i64, at: i64 },
    Extend { session: i64, until: i64 },
    Touch { session: i64, at: i64 },
    PurgeSessions { before: i64 },
    Replace { number: u32, user: i64, reset: bool, at: i64 },
    Find { number: u32, at: i64 },
    Consume { number: u32, at: i64 },
    Withdraw { user: i64, reset: bool },
    PurgeLinks { before: i64 },
    Lock { key: u8, address: u8 },
    Put { key: u8, failures: u32, at: i64 },
    Clear { key: u8 },
    ClearFrom { key: u8, failures: u32 },
    PurgeLocks { before: i64, closed_at: u32, grace: i64 },
    Note { user: i64, ok: bool, at: i64 },
    PurgeLog { before: i64, limit: u32 },
    ReadLog { user: Option<i64>, ok: Option<bool>, limit: u32 },
    Owe { item: i64, at: i64, once: Option<bool> },
    Lease { at: i64, limit: u32 },
    Retry { item: i64, at: i64 },
    Bury { item: i64, at: i64 },
    Done { item: i64 },
    ListMessages { dead: bool, after: Option<i64>, limit: u32 },
    RetryNow { item: i64, at: i64 },
    Discard { item: i64, at: i64 },
    PurgeLetters { before: i64 },
    Factors(factors::Command),
    Devices(devices::Command),
}

/// Commands of one transaction, and whether it is committed.
type Transaction = (Vec<Command>, bool);

#[rustfmt::skip]
fn command() -> impl Strategy<Value = Command> {
    use Command::*;
    let (session, user, number, attempt) = (1..5i64, 1..4i64, 0..4u32, 0..2u32);
    let (key, address, item, at, flag) = (0..3u8, 0..4u8, 1..5i64, 0..200i64, any::<bool>());
    let accounts = prop_oneof![
        (user.clone(), address.clone(), at.clone()).prop_map(|(user, address, at)| Register { user, address, at }),
        (user.clone(), address.clone()).prop_map(|(user, address)| Look { user, address }),
        (user.clone(), address.clone(), flag, at.clone())
            .prop_map(|(user, address, suspended, at)| Save { user, address, suspended, at }),
        (user.clone(), at.clone()).prop_map(|(user, at)| LockWithSessions { user, at }),
    ];
    let token = (session.clone(), number.clone(), attempt);
    let sessions = prop_oneof![
        (session.clone(), user.clone(), at.clone(), 1..100i64)
            .prop_map(|(session, user, at, life)| Open { session, user, at, life }),
        session.clone().prop_map(|session| WithUser { session }),
        (token.clone(), at.clone())
            .prop_map(|((session, number, attempt), at)| Rotate { session, number, attempt, at }),
        (token.clone(), at.clone())
            .prop_map(|((session, number, attempt), at)| RotateWithUser { session, number, attempt, at }),
        token.prop_map(|(session, number, attempt)| Present { session, number, attempt }),
        (session.clone(), at.clone()).prop_map(|(session, at)| End { session, at }),
        (user.clone(), proptest::option::of(session.clone()), at.clone())
            .prop_map(|(user, keep, at)| EndAll { user, keep, at }),
        (user.clone(), at.clone()).prop_map(|(user, at)| LiveOf { user, at }),
        (session.clone(), at.clone()).prop_map(|(session, until)| Extend { session, until }),
        (session, at.clone()).prop_map(|(session, at)| Touch { session, at }),
        at.clone().prop_map(|before| PurgeSessions { before }),
    ];
    let links = prop_oneof![
        (number.clone(), user.clone(), flag, at.clone())
            .prop_map(|(number, user, reset, at)| Replace { number, user, reset, at }),
        (number.clone(), at.clone()).prop_map(|(number, at)| Find { number, at }),
        (number, at.clone()).prop_map(|(number, at)| Consume { number, at }),
        (user.clone(), flag).prop_map(|(user, reset)| Withdraw { user, reset }),
        at.clone().prop_map(|before| PurgeLinks { before }),
    ];
    let locks = prop_oneof![
        (key.clone(), address).prop_map(|(key, address)| Lock { key, address }),
        (key.clone(), 0..9u32, at.clone()).prop_map(|(key, failures, at)| Put { key, failures, at }),
        key.clone().prop_map(|key| Clear { key }),
        (key, 0..9u32).prop_map(|(key, failures)| ClearFrom { key, failures }),
        (at.clone(), 0..9u32, 0..100i64)
            .prop_map(|(before, closed_at, grace)| PurgeLocks { before, closed_at, grace }),
    ];
    let log = prop_oneof![
        (user.clone(), flag, at.clone()).prop_map(|(user, ok, at)| Note { user, ok, at }),
        (at.clone(), 0..4u32).prop_map(|(before, limit)| PurgeLog { before, limit }),
        (proptest::option::of(user), proptest::option::of(flag), 0..5u32)
            .prop_map(|(user, ok, limit)| ReadLog { user, ok, limit }),
    ];
    let outbox = prop_oneof![
        (item.clone(), at.clone(), proptest::option::of(flag))
            .prop_map(|(item, at, once)| Owe { item, at, once }),
        (flag, proptest::option::of(item.clone()), 0..4u32)
            .prop_map(|(dead, after, limit)| ListMessages { dead, after, limit }),
        (item.clone(), at.clone()).prop_map(|(item, at)| RetryNow { item, at }),
        (item.clone(), at.clone()).prop_map(|(item, at)| Discard { item, at }),
        (at.clone(), 0..4u32).prop_map(|(at, limit)| Lease { at, limit }),
        (item.clone(), at.clone()).prop_map(|(item, at)| Retry { item, at }),
        (item.clone(), at.clone()).prop_map(|(item, at)| Bury { item, at }),
        item.prop_map(|item| Done { item }),
        at.prop_map(|before| PurgeLetters { before }),
    ];
    prop_oneof![accounts, sessions, links, locks, log, outbox, factors::command().prop_map(Factors), devices::command().prop_map(Devices)]
}

fn minute(number: i64) -> DateTime<Utc> {
    builder::noon() + TimeDelta::minutes(number)
}

/// A minute of a day that the log may forget.
fn long_ago(number: i64) -> DateTime<Utc> {
    minute(number) - TimeDelta::days(10 * 365)
}

fn user(number: i64, address: u8, at: i64) -> User {
    let mut user = builder::user(number, minute(at));
    user.email = builder::email(&format!("address{address}@example.com"));
    user
}

fn purpose(reset: bool) -> LinkPurpose {
    if reset { LinkPurpose::ResetPassword } else { LinkPurpose::VerifyEmail }
}

fn event(ok: bool) -> AuditEvent {
    if ok { AuditEvent::LoginOk } else { AuditEvent::LoginFailed }
}

/// Far more rows than a case makes.
const ALL: u32 = 1000;

/// What a command answers with, as text.
async fn answer(repos: &mut dyn Repos, command: &Command) -> Result<String, StoreError> {
    match *command {
        Command::Register { user: id, address, at } => {
            said(repos.users().insert(&user(id, address, at)).await?)
        }
        Command::Look { user: id, address } => {
            let known = user(id, address, 0);
            let by_id = repos.users().by_id(known.id).await?;
            said((by_id, repos.users().by_email(&known.tenant, &known.email).await?))
        }
        Command::Save { user: id, address, suspended, at } => {
            // As use cases do: what is saved was locked.
            let Some(locked) = repos.users().lock(UserId::from_i64(id)).await? else { return said("nobody") };
            let status = if suspended { UserStatus::Suspended } else { UserStatus::Active };
            let keeps = address == 0;
            let email = if keeps { locked.email.clone() } else { user(id, address, at).email };
            let factors = if suspended { builder::enrolment() } else { Enrolment::default() };
            let changed = User { email, status, factors, updated_at: minute(at), ..locked };
            said(repos.users().save(&changed).await?)
        }
        Command::LockWithSessions { user, at } => {
            said(repos.users().lock_with_live_sessions(UserId::from_i64(user), minute(at)).await?)
        }
        Command::Lock { key, address } => {
            let known = user(1, address, 0);
            let key = builder::lock_key(key);
            let alone = repos.locks().lock(&key).await?;
            said((alone, repos.locks().lock_with_account(&key, &known.tenant, &known.email).await?))
        }
        Command::Put { key, failures, at } => {
            let state = builder::lock_state(failures, minute(at));
            said(repos.locks().put(&builder::lock_key(key), &state).await?)
        }
        Command::Clear { key } => said(repos.locks().clear(&builder::lock_key(key)).await?),
        Command::ClearFrom { key, failures } => {
            said(repos.locks().clear_from(&builder::lock_key(key), failures).await?)
        }
        Command::PurgeLocks { before, closed_at, grace } => {
            let before = minute(before);
            let closed_before = before - TimeDelta::minutes(grace);
            said(repos.locks().purge(OldLocks { before, closed_at, closed_before }, ALL).await?)
        }
        Command::Devices(ref command) => devices::answer(repos, command).await,
        Command::Note { user, ok, at } => {
            let record = builder::audit(event(ok), long_ago(at)).by(UserId::from_i64(user));
            said(repos.audit().append(&record).await?)
        }
        Command::PurgeLog { before, limit } => said(repos.audit().purge(long_ago(before), limit).await?),
        Command::ReadLog { user, ok, limit } => {
            let subject = user.map(UserId::from_i64);
            let filter = AuditFilter { subject, event: ok.map(event), ..AuditFilter::default() };
            let mut entries = repos.audit().list(&filter, limit).await?;
            // A store may leave positions out, and does after a transaction that failed.
            for entry in &mut entries {
                entry.seq = 0;
            }
            said(entries)
        }
        Command::Factors(ref command) => factors::answer(repos, command).await,
        _ => answer_about_sessions(repos, command).await,
    }
}

async fn answer_about_sessions(repos: &mut dyn Repos, command: &Command) -> Result<String, StoreError> {
    let id = SessionId::from_i64;
    let ended = |at| builder::ended(EndReason::Revoked, minute(at));
    let token =
        |session, number, attempt, at| builder::generation_of(id(session), number, attempt, minute(at));
    match *command {
        Command::Open { session, user: owner, at, life } => {
            // Only accounts that exist open sessions.
            if repos.users().by_id(UserId::from_i64(owner)).await?.is_none() {
                return said("nobody");
            }
            let mut new = builder::session(session, &user(owner, 0, 0), minute(at));
            new.expires_at = minute(at + life);
            said(repos.sessions().insert(&new, &token(session, 0, 0, at)).await?)
        }
        Command::WithUser { session } => said(repos.sessions().with_user(id(session)).await?),
        Command::Rotate { session, number, attempt, at } => {
            said(repos.sessions().rotate(id(session), &token(session, number, attempt, at)).await?)
        }
        Command::RotateWithUser { session, number, attempt, at } => {
            said(repos.sessions().rotate_with_user(id(session), &token(session, number, attempt, at)).await?)
        }
        Command::Present { session, number, attempt } => {
            said(repos.sessions().presented(&token(session, number, attempt, 0).digest).await?)
        }
        Command::End { session, at } => said(repos.sessions().end(id(session), ended(at)).await?),
        Command::EndAll { user, keep, at } => {
            said(repos.sessions().end_all(UserId::from_i64(user), keep.map(id), ended(at)).await?)
        }
        Command::LiveOf { user, at } => {
            said(repos.sessions().live_of(UserId::from_i64(user), minute(at)).await?)
        }
        Command::Extend { session, until } => {
            said(repos.sessions().extend(id(session), minute(until)).await?)
        }
        Command::Touch { session, at } => said(repos.sessions().touch(id(session), minute(at)).await?),
        Command::PurgeSessions { before } => said(repos.sessions().purge(minute(before), ALL).await?),
        _ => answer_about_messages(repos, command).await,
    }
}

async fn answer_about_messages(repos: &mut dyn Repos, command: &Command) -> Result<String, StoreError> {
    let link =
        |number, owner, reset, at| builder::link(number, purpose(reset), &user(owner, 0, 0), minute(at));
    let item = OutboxId::from_i64;
    match *command {
        Command::Replace { number, user: owner, reset, at } => {
            if repos.users().by_id(UserId::from_i64(owner)).await?.is_none() {
                return said("nobody");
            }
            said(repos.links().replace(&link(number, owner, reset, at)).await?)
        }
        Command::Find { number, at } => {
            said(repos.links().find(&link(number, 1, false, 0).digest, minute(at)).await?)
        }
        Command::Consume { number, at } => {
            said(repos.links().consume(&link(number, 1, false, 0).digest, minute(at)).await?)
        }
        Command::Withdraw { user, reset } => {
            said(repos.links().withdraw(UserId::from_i64(user), purpose(reset)).await?)
        }
        Command::PurgeLinks { before } => said(repos.links().purge(minute(before), ALL).await?),
        Command::Owe { item, at, once } => {
            let item = builder::outbox_item(item, minute(at));
            let digest = once.map(|which| Digest::of(&[which.into()]));
            said(repos.outbox().put(&OutboxItem { once: digest, ..item }).await?)
        }
        Command::Lease { at, limit } => {
            let oldest = repos.outbox().oldest_due().await?;
            let lent = repos.outbox().lease(minute(at), minute(at + 10), limit).await?;
            said((oldest, lent, repos.outbox().depth().await?))
        }
        Command::ListMessages { dead, after, limit } => {
            let state = if dead { OutboxState::Dead } else { OutboxState::Waiting };
            said(repos.outbox().list(state, after.map(item), limit).await?)
        }
        Command::RetryNow { item: id, at } => said(repos.outbox().retry_now(item(id), minute(at)).await?),
        Command::Discard { item: id, at } => said(repos.outbox().discard(item(id), minute(at)).await?),
        Command::Retry { item: id, at } => said(repos.outbox().retry(item(id), minute(at), "e\0").await?),
        Command::Bury { item: id, at } => said(repos.outbox().bury(item(id), minute(at), "e").await?),
        Command::Done { item: id } => said(repos.outbox().done(item(id)).await?),
        Command::PurgeLetters { before } => said(repos.outbox().purge(minute(before), ALL).await?),
        _ => unreachable!("it is about something else"),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every answer ends in it")]
fn said(answer: impl std::fmt::Debug) -> Result<String, StoreError> {
    Ok(format!("{answer:?}"))
}

/// What a transaction answered until it ended or failed, and how it ended.
async fn run(store: &dyn Store, (commands, commit): &Transaction) -> (Vec<String>, &'static str) {
    let mut tx = store.begin().await.expect("a transaction begins");
    let mut answers = Vec::new();
    for command in commands {
        match answer(&mut *tx, command).await {
            Ok(answer) => answers.push(answer),
            Err(error) => {
                let _ = tx.rollback().await;
                return (answers, kind(&error));
            }
        }
    }
    if !*commit {
        tx.rollback().await.expect("a rollback");
        return (answers, "rolled back");
    }
    match tx.commit().await {
        Ok(()) => (answers, "committed"),
        Err(error) => (answers, kind(&error)),
    }
}

fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Conflict => "conflict",
        other => panic!("nothing else can go wrong here: {other:?}"),
    }
}

struct Server {
    server: Postgres,
    template: String,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let server = Postgres::start();
    let template = server.database();
    let store = open(&server, &template);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(store.migrate()).expect("a schema");
    Server { server, template }
});

fn open(server: &Postgres, database: &str) -> PostgresStore {
    let config = PostgresConfig::from_url(&server.url(database)).expect("a URL");
    PostgresStore::open(&config).expect("a store")
}

async fn compare(transactions: &[Transaction]) {
    let Server { server, template } = &*SERVER;
    let database = server.copy_of(template);
    let postgres: Arc<dyn Store> = Arc::new(open(server, &database));
    let sqlite = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
    sqlite.migrate().await.expect("a schema");
    for (step, transaction) in transactions.iter().enumerate() {
        let (left, left_end) = run(&*postgres, transaction).await;
        let (right, right_end) = run(&sqlite, transaction).await;
        if transaction.1 {
            assert_eq!(left_end, right_end, "step {step}: {transaction:?}");
        }
        // A store may keep a statement back: it then answers more before it fails, or, if the
        // transaction was not to be committed, never notices.
        let both = left.len().min(right.len());
        assert_eq!(left[..both], right[..both], "step {step}: {transaction:?}");
        assert!(left.len() == right.len() || right_end == "conflict", "step {step}: {transaction:?}");
    }
    drop(postgres);
    server.remove(&database);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_answer_alike(
        transactions in proptest::collection::vec((proptest::collection::vec(command(), 1..12), prop::bool::weighted(0.85)), 1..20)
    ) {
        LazyLock::force(&SERVER); // has a runtime of its own, so it cannot begin within this one
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        runtime.block_on(compare(&transactions));
    }
}
