//! Random commands, run on the store and on a model of a few lines: both must answer alike.

mod expected;

use auth_domain::{
    guard::lockout::OldLocks,
    id::SessionId,
    port::Store,
    session::{Authentication, EndReason, rotation::Generation},
    token::{AuthMethod, Link, LinkPurpose},
    user::User,
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::builder;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use self::expected::Model;

/// A thing to do. Small numbers, so that commands meet each other; times are minutes.
#[derive(Clone, Debug)]
enum Command {
    Open { session: i64, user: i64, at: i64, life: i64 },
    Rotate { session: i64, number: u32, attempt: u32, at: i64 },
    Present { session: i64, number: u32, attempt: u32 },
    End { session: i64, at: i64 },
    EndAll { user: i64, keep: Option<i64>, at: i64 },
    LiveOf { user: i64, at: i64 },
    Extend { session: i64, until: i64 },
    StepUp { session: i64, at: i64, second: Option<i64> },
    Touch { session: i64, at: i64 },
    PurgeSessions { before: i64 },
    Replace { number: u32, user: i64, reset: bool, at: i64 },
    Find { number: u32, at: i64 },
    Consume { number: u32, at: i64 },
    Withdraw { user: i64, reset: bool },
    PurgeLinks { before: i64 },
    Lock { key: u8 },
    Put { key: u8, failures: u32, at: i64 },
    Clear { key: u8 },
    PurgeLocks { before: i64, closed_at: u32, grace: i64 },
}

fn command() -> impl Strategy<Value = Command> {
    let (session, user, number) = (1..5i64, 1..3i64, 0..4u32);
    let (attempt, key, at) = (0..2u32, 0..3u8, 0..200i64);
    let token = (session.clone(), number.clone(), attempt);
    prop_oneof![
        (session.clone(), user.clone(), at.clone(), 1..100i64)
            .prop_map(|(session, user, at, life)| Command::Open { session, user, at, life }),
        (token.clone(), at.clone()).prop_map(|((session, number, attempt), at)| Command::Rotate {
            session,
            number,
            attempt,
            at
        }),
        token.prop_map(|(session, number, attempt)| Command::Present { session, number, attempt }),
        (session.clone(), at.clone()).prop_map(|(session, at)| Command::End { session, at }),
        (user.clone(), proptest::option::of(session.clone()), at.clone())
            .prop_map(|(user, keep, at)| Command::EndAll { user, keep, at }),
        (user.clone(), at.clone()).prop_map(|(user, at)| Command::LiveOf { user, at }),
        (session.clone(), at.clone()).prop_map(|(session, until)| Command::Extend { session, until }),
        (session.clone(), at.clone(), proptest::option::of(at.clone()))
            .prop_map(|(session, at, second)| Command::StepUp { session, at, second }),
        (session, at.clone()).prop_map(|(session, at)| Command::Touch { session, at }),
        at.clone().prop_map(|before| Command::PurgeSessions { before }),
        (number.clone(), user.clone(), any::<bool>(), at.clone())
            .prop_map(|(number, user, reset, at)| Command::Replace { number, user, reset, at }),
        (number.clone(), at.clone()).prop_map(|(number, at)| Command::Find { number, at }),
        (number, at.clone()).prop_map(|(number, at)| Command::Consume { number, at }),
        (user, any::<bool>()).prop_map(|(user, reset)| Command::Withdraw { user, reset }),
        at.clone().prop_map(|before| Command::PurgeLinks { before }),
        key.clone().prop_map(|key| Command::Lock { key }),
        (key.clone(), 0..9u32, at.clone()).prop_map(|(key, failures, at)| Command::Put { key, failures, at }),
        key.prop_map(|key| Command::Clear { key }),
        (at, 0..9u32, 0..100i64).prop_map(|(before, closed_at, grace)| Command::PurgeLocks {
            before,
            closed_at,
            grace
        }),
    ]
}

fn minute(number: i64) -> DateTime<Utc> {
    builder::noon() + TimeDelta::minutes(number)
}

fn user(number: i64) -> User {
    builder::user(number, builder::noon())
}

/// The same digest whenever it is made.
fn token(session: i64, number: u32, attempt: u32, at: i64) -> Generation {
    builder::generation_of(SessionId::from_i64(session), number, attempt, minute(at))
}

fn proved(at: i64, second: Option<i64>) -> Authentication {
    let methods = vec![AuthMethod::Password, AuthMethod::Totp];
    Authentication { at: minute(at), methods, second_factor_at: second.map(minute) }
}

fn link(number: u32, owner: i64, reset: bool, at: i64) -> Link {
    builder::link(number, purpose(reset), &user(owner), minute(at))
}

fn purpose(reset: bool) -> LinkPurpose {
    if reset { LinkPurpose::ResetPassword } else { LinkPurpose::VerifyEmail }
}

/// What a command answers with, as text: `None` where the store must fail.
type Answer = Option<String>;

#[expect(clippy::unnecessary_wraps, reason = "every answer that is no failure ends in it")]
fn said(answer: impl std::fmt::Debug) -> Answer {
    Some(format!("{answer:?}"))
}

/// Far more rows than a case makes.
const ALL: u32 = 1000;

async fn run(store: &SqliteStore, command: &Command) -> Answer {
    let mut repos = store.read().await.unwrap();
    let id = SessionId::from_i64;
    let ended = |at| builder::ended(EndReason::Revoked, minute(at));
    match *command {
        Command::Open { session, user: owner, at, life } => {
            let mut new = builder::session(session, &user(owner), minute(at));
            new.expires_at = minute(at + life);
            repos.sessions().insert(&new, &token(session, 0, 0, at)).await.ok().and_then(said)
        }
        Command::Rotate { session, number, attempt, at } => {
            let next = token(session, number, attempt, at);
            repos.sessions().rotate(id(session), &next).await.ok().and_then(said)
        }
        Command::Present { session, number, attempt } => {
            let digest = token(session, number, attempt, 0).digest;
            repos.sessions().presented(&digest).await.ok().and_then(said)
        }
        Command::End { session, at } => {
            repos.sessions().end(id(session), ended(at)).await.ok().and_then(said)
        }
        Command::EndAll { user: owner, keep, at } => {
            repos.sessions().end_all(user(owner).id, keep.map(id), ended(at)).await.ok().and_then(said)
        }
        Command::LiveOf { user: owner, at } => {
            repos.sessions().live_of(user(owner).id, minute(at)).await.ok().and_then(said)
        }
        Command::Extend { session, until } => {
            repos.sessions().extend(id(session), minute(until)).await.ok().and_then(said)
        }
        Command::StepUp { session, at, second } => {
            repos.sessions().step_up(id(session), &proved(at, second)).await.ok().and_then(said)
        }
        Command::Touch { session, at } => {
            repos.sessions().touch(id(session), minute(at)).await.ok().and_then(said)
        }
        Command::PurgeSessions { before } => {
            repos.sessions().purge(minute(before), ALL).await.ok().and_then(said)
        }
        Command::Replace { number, user, reset, at } => {
            repos.links().replace(&link(number, user, reset, at)).await.ok().and_then(said)
        }
        Command::Find { number, at } => {
            let digest = link(number, 1, false, 0).digest;
            repos.links().find(&digest, minute(at)).await.ok().and_then(said)
        }
        Command::Consume { number, at } => {
            let digest = link(number, 1, false, 0).digest;
            repos.links().consume(&digest, minute(at)).await.ok().and_then(said)
        }
        Command::Withdraw { user: owner, reset } => {
            repos.links().withdraw(user(owner).id, purpose(reset)).await.ok().and_then(said)
        }
        Command::PurgeLinks { before } => repos.links().purge(minute(before), ALL).await.ok().and_then(said),
        Command::Lock { key } => repos.locks().lock(&builder::lock_key(key)).await.ok().and_then(said),
        Command::Put { key, failures, at } => {
            let state = builder::lock_state(failures, minute(at));
            repos.locks().put(&builder::lock_key(key), &state).await.ok().and_then(said)
        }
        Command::Clear { key } => repos.locks().clear(&builder::lock_key(key)).await.ok().and_then(said),
        Command::PurgeLocks { before, closed_at, grace } => {
            let (before, closed_before) = (minute(before), minute(before - grace));
            let old = OldLocks { before, closed_at, closed_before };
            repos.locks().purge(old, ALL).await.ok().and_then(said)
        }
    }
}

async fn compare(commands: &[Command]) {
    let store = SqliteStore::open(SqliteConfig::in_memory()).unwrap();
    store.migrate().await.unwrap();
    for number in 1..3 {
        store.read().await.unwrap().users().insert(&user(number)).await.unwrap().unwrap();
    }
    let mut model = Model::default();
    for (step, command) in commands.iter().enumerate() {
        assert_eq!(run(&store, command).await, model.answer(command), "step {step}: {command:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_its_model_does(commands in proptest::collection::vec(command(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(&commands));
    }
}
