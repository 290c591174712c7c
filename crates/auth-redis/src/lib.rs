//! Short-lived state on Redis or Redis Cluster: one-time codes, login challenges, rate limits, counts of
//! text messages.
//!
//! [`RedisState`] is [`CodeStore`], [`ChallengeStore`], [`RateLimiter`] and [`SmsLedger`] at once. All replicas of a
//! server share what it holds; nothing in it has to survive a restart of Redis.
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth_domain::port::{Admission, Quota, RateLimiter};
//! use auth_redis::{RedisConfig, RedisState};
//! use auth_testkit::{builder::noon, fake::FakeCipher, part::redis::RedisServer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = RedisServer::start(); // a throw-away one
//! let config = RedisConfig::parse(&server.url())?; // or "redis://a:7000,redis://b:7000", a cluster
//! let names = Arc::new(FakeCipher::default()); // the keys of the server here
//! let state = RedisState::new(&config, names)?;
//! state.ping().await?;
//!
//! let once = Quota::per_minute(1);
//! assert_eq!(state.admit("ada", once, noon()).await?, Admission::Admitted);
//! assert!(matches!(state.admit("ada", once, noon()).await?, Admission::Refused { .. }));
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! ```text
//!   one file per port                     │    names, deadlines
//!   windows in window.rs                  ├─▶ Pool ─▶ Lease ─▶ one server or a cluster (pool.rs)
//!                                         └─▶ Invocation ─▶ Lua (script.rs)
//! ```
//!
//! # How it works
//!
//! - **One script, one key, one step.** Each operation is a Lua script on one key: `EVALSHA`, and `EVAL`
//!   where the server does not know the script yet or has been restarted. A cluster routes it by its key.
//! - **The caller's clock decides.** Ends are compared with the `now` of the call, to the microsecond. The
//!   time to live that every key has is a minute longer and only bounds memory.
//! - **Names say nothing.** A key is the prefix, the kind of state and a keyed hash, such as
//!   `auth:code:{5f0c…}`. A code is there as the keyed hash the domain made, a challenge under the keyed
//!   hash of its token's digest, its payload sealed.
//! - **Little patience.** 100 ms to connect (three times that to a cluster, which takes several steps),
//!   50 ms to wait for a connection and 50 ms for an answer. After five failures in a row calls fail at
//!   once for five seconds; then one call tries. Connections that broke are replaced, so service is back
//!   within those five seconds after the server is.
//! - **Lost answers are safe.** When an answer does not come, the step may have been taken. A code or
//!   challenge is then used up or has a try less, an event is counted: never the other way round. Nothing
//!   is asked again here; the client of a cluster repeats a step when its node went away under it.
//!
//! # Rights
//!
//! The server needs [`RedisConfig::ACL_COMMANDS`] on its prefix, [`RedisConfig::ACL_CLUSTER_COMMANDS`] in a
//! cluster, and `+select` for another database than 0:
//!
//! ```text
//! ACL SETUSER auth on >PASSWORD resetchannels ~auth:* -@all +ping +eval +evalsha +get +incr +incrby +pexpire +del +hset +hmget +hincrby
//! ```
//!
//! Set `maxmemory-policy noeviction`: an evicted counter is a limit that begins anew.
//!
//! # What it cannot promise
//!
//! Replication is asynchronous. A replica that takes over may lack the last steps, so a code or challenge
//! used up in the moments before may be accepted once more, and a limit may admit a little more.
//!
//! [`CodeStore`]: auth_domain::port::CodeStore
//! [`ChallengeStore`]: auth_domain::port::ChallengeStore
//! [`RateLimiter`]: auth_domain::port::RateLimiter
//! [`SmsLedger`]: auth_domain::port::SmsLedger
#![warn(missing_docs)]

mod challenges;
mod codes;
mod config;
mod error;
mod ledger;
mod limiter;
mod pool;
mod script;
mod state;
mod window;

pub use config::{RedisConfig, RedisConfigError, ServerParts};
pub use error::RedisFailure;
pub use state::RedisState;
