//! Random commands on second factors, run on the store and on a model of a few lines: both must answer
//! alike.

use std::{cmp::Reverse, fmt::Debug};

use auth_domain::{
    factor::{TimeStep, TrustedDevice},
    id::{DeviceId, UserId},
    port::{PendingTotp, Store, StoredTotp},
    secret::Sealed,
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::builder;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

/// A thing to do. Small numbers, so that commands meet each other; times are minutes.
#[derive(Clone, Debug)]
enum Command {
    SetUp { user: i64, app: u32 },
    Activate { user: i64, app: u32, step: i64 },
    Advance { user: i64, step: i64 },
    Totp { user: i64 },
    Remove { user: i64 },
    Replace { user: i64, codes: Vec<u32> },
    Consume { user: i64, code: u32 },
    Left { user: i64 },
    Remember { id: i64, user: i64, device: i64, at: i64 },
    Find { user: i64, device: i64, at: i64 },
    List { user: i64, at: i64 },
    Forget { user: i64, at: i64 },
    Purge { before: i64 },
}

fn command() -> impl Strategy<Value = Command> {
    let (user, app, step, code, device, at) = (1..3i64, 0..3u32, 0..6i64, 0..6u32, 0..4i64, 0..12i64);
    let codes = proptest::sample::subsequence((0..6u32).collect::<Vec<_>>(), 0..4);
    prop_oneof![
        (user.clone(), app.clone()).prop_map(|(user, app)| Command::SetUp { user, app }),
        (user.clone(), app, step.clone()).prop_map(|(user, app, step)| Command::Activate { user, app, step }),
        (user.clone(), step).prop_map(|(user, step)| Command::Advance { user, step }),
        user.clone().prop_map(|user| Command::Totp { user }),
        user.clone().prop_map(|user| Command::Remove { user }),
        (user.clone(), codes).prop_map(|(user, codes)| Command::Replace { user, codes }),
        (user.clone(), code).prop_map(|(user, code)| Command::Consume { user, code }),
        user.clone().prop_map(|user| Command::Left { user }),
        (0..6i64, user.clone(), device.clone(), at.clone())
            .prop_map(|(id, user, device, at)| Command::Remember { id, user, device, at }),
        (user.clone(), device, at.clone()).prop_map(|(user, device, at)| Command::Find { user, device, at }),
        (user.clone(), at.clone()).prop_map(|(user, at)| Command::List { user, at }),
        (user, at.clone()).prop_map(|(user, at)| Command::Forget { user, at }),
        at.prop_map(|before| Command::Purge { before }),
    ]
}

fn minute(number: i64) -> DateTime<Utc> {
    builder::noon() + TimeDelta::minutes(number)
}

fn app(number: u32) -> PendingTotp {
    builder::pending_totp(number, builder::noon())
}

/// A code has one owner: two accounts never get the same.
fn code(user: i64, number: u32) -> u32 {
    number + if user == 1 { 0 } else { 100 }
}

/// Good for five minutes.
fn device(id: i64, user: i64, device: i64, at: i64) -> TrustedDevice {
    let known = builder::device(device, UserId::from_i64(user), minute(at));
    TrustedDevice { id: DeviceId::from_i64(id), ..known }
}

/// What a command answers with, as text: `None` where the store must fail.
type Answer = Option<String>;

fn said<T: Debug, E>(answer: Result<T, E>) -> Answer {
    answer.ok().map(|answer| format!("{answer:?}"))
}

async fn run(store: &SqliteStore, command: &Command) -> Answer {
    let mut repos = store.read().await.unwrap();
    let (id, step) = (UserId::from_i64, TimeStep::from_i64);
    let code = |user, number| builder::recovery_code(code(user, number));
    match command.clone() {
        Command::SetUp { user, app: number } => {
            said(repos.factors().put_pending_totp(id(user), &app(number)).await)
        }
        Command::Activate { user, app: number, step: first } => {
            said(repos.factors().activate_totp(id(user), &app(number), step(first)).await)
        }
        Command::Advance { user, step: next } => {
            said(repos.factors().advance_step(id(user), step(next)).await)
        }
        Command::Totp { user } => repos.factors().totp(id(user)).await.ok().map(|totp| shown(&totp)),
        Command::Remove { user } => said(repos.factors().remove_totp(id(user)).await),
        Command::Replace { user, codes } => {
            let codes: Vec<_> = codes.into_iter().map(|number| code(user, number)).collect();
            said(repos.factors().replace_recovery_codes(id(user), &codes, minute(0)).await)
        }
        Command::Consume { user, code: number } => {
            said(repos.factors().consume_recovery_code(id(user), &code(user, number), minute(0)).await)
        }
        Command::Left { user } => said(repos.factors().recovery_codes_left(id(user)).await),
        Command::Remember { id, user, device: number, at } => {
            said(repos.devices().remember(&device(id, user, number, at)).await)
        }
        Command::Find { user, device: number, at } => {
            let known = device(0, user, number, 0).fingerprint;
            said(repos.devices().find(id(user), &known, minute(at)).await)
        }
        Command::List { user, at } => said(repos.devices().list(id(user), minute(at)).await),
        Command::Forget { user, at } => said(repos.devices().forget_all(id(user), minute(at)).await),
        Command::Purge { before } => said(repos.devices().purge(minute(before), 1000).await),
    }
}

/// `Debug` shows no sealed bytes; here they are the point.
fn shown(totp: &StoredTotp) -> String {
    let waiting = totp.pending.as_ref().map(|pending| pending.secret.as_bytes());
    format!("{:?} {:?} {waiting:?}", totp.secret.as_ref().map(Sealed::as_bytes), totp.last_step)
}

/// What the store should hold: apps and codes by user, and devices.
#[derive(Default)]
struct Model {
    apps: [StoredTotp; 3],
    codes: [Vec<u32>; 3],
    devices: Vec<TrustedDevice>,
}

impl Model {
    fn answer(&mut self, command: &Command) -> Answer {
        let place = |user: i64| usize::try_from(user).unwrap();
        let yes: fn(bool) -> Answer = |done| said(Ok::<_, ()>(done));
        match command.clone() {
            Command::SetUp { user, app: number } => {
                self.apps[place(user)].pending = Some(app(number));
            }
            Command::Activate { user, app: number, step } => {
                let stored = &mut self.apps[place(user)];
                let Some(proved) = stored.pending.take_if(|pending| *pending == app(number)) else {
                    return yes(false);
                };
                let last_step = Some(TimeStep::from_i64(step));
                *stored = StoredTotp { secret: Some(proved.secret), last_step, pending: None };
                return yes(true);
            }
            Command::Advance { user, step } => {
                let stored = &mut self.apps[place(user)];
                let accepted = stored.secret.is_some() && stored.last_step < Some(TimeStep::from_i64(step));
                if accepted {
                    stored.last_step = Some(TimeStep::from_i64(step));
                }
                return yes(accepted);
            }
            Command::Totp { user } => return Some(shown(&self.apps[place(user)])),
            Command::Remove { user } => self.apps[place(user)] = StoredTotp::default(),
            Command::Replace { user, codes } => self.codes[place(user)] = codes,
            Command::Consume { user, code } => {
                let codes = &mut self.codes[place(user)];
                let found = codes.iter().position(|known| *known == code);
                return yes(found.map(|at| codes.remove(at)).is_some());
            }
            Command::Left { user } => return said(Ok::<_, ()>(self.codes[place(user)].len())),
            _ => return self.answer_about_devices(command),
        }
        said(Ok::<_, ()>(()))
    }

    fn answer_about_devices(&mut self, command: &Command) -> Answer {
        let of = |user: i64| move |known: &TrustedDevice| known.user == UserId::from_i64(user);
        let count = self.devices.len();
        match *command {
            Command::Remember { id, user, device: number, at } => {
                let new = device(id, user, number, at);
                let same = |known: &TrustedDevice| of(user)(known) && known.fingerprint == new.fingerprint;
                if self.devices.iter().any(|known| known.id == new.id && !same(known)) {
                    return None;
                }
                self.devices.retain(|known| !same(known));
                self.devices.push(new);
                said(Ok::<_, ()>(()))
            }
            Command::Find { user, device: number, at } => {
                let wanted = device(0, user, number, 0).fingerprint;
                let mut good = self.good(user, at).into_iter();
                said(Ok::<_, ()>(good.find(|known| known.fingerprint == wanted)))
            }
            Command::List { user, at } => said(Ok::<_, ()>(self.good(user, at))),
            Command::Forget { user, at } => {
                let good = self.good(user, at).len();
                self.devices.retain(|known| !of(user)(known));
                said(Ok::<_, ()>(good))
            }
            Command::Purge { before } => {
                self.devices.retain(|known| known.expires_at >= minute(before));
                said(Ok::<_, ()>(count - self.devices.len()))
            }
            _ => unreachable!("it is about apps and codes"),
        }
    }

    fn good(&self, user: i64, at: i64) -> Vec<TrustedDevice> {
        let good = |known: &&TrustedDevice| known.user.as_i64() == user && known.expires_at > minute(at);
        let mut devices: Vec<TrustedDevice> = self.devices.iter().filter(good).cloned().collect();
        devices.sort_by_key(|known| Reverse((known.verified_at, known.id)));
        devices
    }
}

async fn compare(commands: &[Command]) {
    let store = SqliteStore::open(SqliteConfig::in_memory()).unwrap();
    store.migrate().await.unwrap();
    for number in 1..3 {
        let user = builder::user(number, builder::noon());
        store.read().await.unwrap().users().insert(&user).await.unwrap().unwrap();
    }
    let mut model = Model::default();
    for (step, command) in commands.iter().enumerate() {
        assert_eq!(run(&store, command).await, model.answer(command), "step {step}: {command:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_its_model_does(commands in proptest::collection::vec(command(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(&commands));
    }
}
