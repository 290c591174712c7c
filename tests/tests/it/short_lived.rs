//! Short-lived state in memory and on Redis: the same commands, the same outcomes.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use auth_domain::{
    id::UserId,
    port::{
        Admission, ChallengeStore, CodeMac, CodePurpose, CodeSlot, CodeStore, Quota, RateLimiter, Redemption,
        SmsLedger, StoredChallenge, StoredCode,
    },
    secret::{Digest, Sealed},
};
use auth_memory::{MemoryChallenges, MemoryCodes, MemoryLedger, MemoryLimiter};
use auth_redis::{RedisConfig, RedisState};
use auth_testkit::{
    fake::FakeCipher,
    part::redis::{RedisCluster, RedisServer},
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

static SINGLE: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);
static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

/// One command; numbers choose among few users, codes and tokens, so that they meet.
#[derive(Clone, Debug)]
enum Command {
    /// Time goes on by so many seconds, or a little back, as it does between replicas.
    Wait(i64),
    Put {
        user: u8,
        code: u8,
        tries: u32,
        seconds: i64,
    },
    Redeem {
        user: u8,
        code: u8,
    },
    Discard {
        user: u8,
    },
    Open {
        token: u8,
        tries: u32,
        seconds: i64,
    },
    Attempt {
        token: u8,
    },
    Consume {
        token: u8,
    },
    Admit {
        key: u8,
        limit: u32,
        seconds: u64,
    },
    Count {
        key: u8,
        by: u32,
        seconds: u64,
    },
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let (user, code, token) = (0u8..2, 0u8..3, 0u8..3);
    let command = prop_oneof![
        2 => (-5i64..60).prop_map(Command::Wait),
        3 => (user.clone(), code.clone(), 0u32..4, -5i64..120)
            .prop_map(|(user, code, tries, seconds)| Command::Put { user, code, tries, seconds }),
        6 => (user.clone(), code).prop_map(|(user, code)| Command::Redeem { user, code }),
        1 => user.prop_map(|user| Command::Discard { user }),
        3 => (token.clone(), 0u32..4, -5i64..120)
            .prop_map(|(token, tries, seconds)| Command::Open { token, tries, seconds }),
        5 => token.clone().prop_map(|token| Command::Attempt { token }),
        2 => token.prop_map(|token| Command::Consume { token }),
        4 => (0u8..2, 0u32..4, prop_oneof![Just(10), Just(60)])
            .prop_map(|(key, limit, seconds)| Command::Admit { key, limit, seconds }),
        4 => (0u8..2, 0u32..4, prop_oneof![Just(10), Just(60)])
            .prop_map(|(key, by, seconds)| Command::Count { key, by, seconds }),
    ];
    prop::collection::vec(command, 1..60)
}

/// What can be seen of a command.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Redeemed(Redemption),
    Attempted(Option<Sealed>),
    Consumed(bool),
    Admitted(Admission),
    Counted(u32),
}

/// The ports of one adapter.
struct Ports {
    codes: Arc<dyn CodeStore>,
    challenges: Arc<dyn ChallengeStore>,
    limiter: Arc<dyn RateLimiter>,
    ledger: Arc<dyn SmsLedger>,
}

impl Ports {
    fn in_memory() -> Self {
        Self {
            codes: Arc::new(MemoryCodes::new()),
            challenges: Arc::new(MemoryChallenges::new()),
            limiter: Arc::new(MemoryLimiter::new()),
            ledger: Arc::new(MemoryLedger::new()),
        }
    }

    fn on_redis(urls: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("case-{}:", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut config = RedisConfig::parse(urls).unwrap().with_prefix(&prefix).unwrap();
        config.connect_timeout = Duration::from_secs(10);
        config.operation_timeout = Duration::from_secs(10);
        config.pool_size = 1;
        let state = Arc::new(RedisState::new(&config, Arc::new(FakeCipher::default())).unwrap());
        Self { codes: state.clone(), challenges: state.clone(), limiter: state.clone(), ledger: state }
    }

    async fn run(&self, command: &Command, now: DateTime<Utc>) -> Outcome {
        match *command {
            Command::Wait(_) => Outcome::Done,
            Command::Put { .. } | Command::Redeem { .. } | Command::Discard { .. } => {
                self.run_code(command, now).await
            }
            Command::Open { token, tries, seconds } => {
                let payload = Sealed::from_bytes(vec![token; 9]);
                let stored = StoredChallenge::new(payload, tries, now + TimeDelta::seconds(seconds)).unwrap();
                self.challenges.open(&Digest::of(&[token]), &stored, now).await.unwrap();
                Outcome::Done
            }
            Command::Attempt { token } => {
                Outcome::Attempted(self.challenges.attempt(&Digest::of(&[token]), now).await.unwrap())
            }
            Command::Consume { token } => {
                Outcome::Consumed(self.challenges.consume(&Digest::of(&[token]), now).await.unwrap())
            }
            Command::Admit { key, limit, seconds } => {
                let quota = Quota { limit, window: Duration::from_secs(seconds) };
                Outcome::Admitted(self.limiter.admit(&key.to_string(), quota, now).await.unwrap())
            }
            Command::Count { key, by, seconds } => {
                let window = Duration::from_secs(seconds);
                Outcome::Counted(self.ledger.add(&key.to_string(), by, window, now).await.unwrap())
            }
        }
    }

    async fn run_code(&self, command: &Command, now: DateTime<Utc>) -> Outcome {
        let slot =
            |user: u8| CodeSlot { purpose: CodePurpose::SmsLogin, user: UserId::from_i64(user.into()) };
        let mac = |code: u8| CodeMac::from_bytes([code; 32]);
        match *command {
            Command::Put { user, code, tries, seconds } => {
                let expires_at = now + TimeDelta::seconds(seconds);
                let code = StoredCode { mac: mac(code), tries, expires_at };
                self.codes.put(slot(user), &code, now).await.unwrap();
            }
            Command::Redeem { user, code } => {
                return Outcome::Redeemed(self.codes.redeem(slot(user), &mac(code), now).await.unwrap());
            }
            Command::Discard { user } => self.codes.discard(slot(user)).await.unwrap(),
            _ => unreachable!("the caller sends commands about codes only"),
        }
        Outcome::Done
    }
}

/// Runs the commands on both and compares each outcome.
async fn agree(commands: &[Command], redis: &Ports) {
    let memory = Ports::in_memory();
    let mut now = auth_testkit::builder::noon();
    for (number, command) in commands.iter().enumerate() {
        if let Command::Wait(seconds) = command {
            now += TimeDelta::seconds(*seconds);
        }
        let (expected, found) = (memory.run(command, now).await, redis.run(command, now).await);
        assert_eq!(expected, found, "command {number} of {commands:?}");
    }
}

/// One runtime for all cases: connections live on the one that made them.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn compare(cases: u32, urls: &str) {
    let (runtime, config) = (runtime(), ProptestConfig::with_cases(cases));
    proptest!(config, |(commands in commands())| {
        runtime.block_on(async { agree(&commands, &Ports::on_redis(urls)).await });
    });
}

#[test]
fn memory_and_one_redis_server_agree() {
    compare(300, &SINGLE.url());
}

#[test]
fn memory_and_a_redis_cluster_agree() {
    compare(60, &CLUSTER.urls());
}
