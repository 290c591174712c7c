//! The store on PostgreSQL, the one to grow on: the ports of [`auth_domain::port`] on a database that
//! any number of servers share.
//!
//! ```no_run
//! use auth_domain::port::Store;
//! use auth_postgres::{PostgresConfig, PostgresStore};
//! use auth_testkit::builder;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = PostgresConfig::from_url("postgres://auth:secret@db1,db2/auth?sslmode=verify-full")?;
//! config.max_connections = 32;
//! let store = PostgresStore::open(&config)?; // connects when it is first used
//! store.migrate().await?;
//!
//! let ada = builder::user(1, builder::noon());
//! let mut tx = store.begin().await?;
//! tx.users().insert(&ada).await??;
//! tx.outbox().put(&builder::outbox_item(1, builder::noon())).await?; // kept, goes out with the commit
//! tx.commit().await?; // durable from here on; dropping `tx` instead would have kept nothing
//!
//! assert_eq!(store.reserved().read().await?.users().by_id(ada.id).await?, Some(ada));
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! ```text
//! PostgresStore ─ begin() ─▶ Transaction ─┐                              ┌─ repo/*  one file per port
//!   store.rs   └─ read() ──▶ Autocommit ──┴─▶ Repositories ──────────────┤    row/*  rows ⇄ entities
//!                  │              │                                      └─ schema.rs
//!                  │              └─▶ exchange.rs: one round trip of statement.rs's statements
//!                  └─▶ Pool ×2 (pool.rs) ─▶ Lease ─▶ connect.rs: hosts, url.rs, tls.rs
//! ```
//!
//! # How it works
//!
//! - **Few round trips.** Statements whose answer nobody needs are kept and go out with the next one
//!   that has an answer, or with `COMMIT`; `BEGIN` goes out with the first. Every statement is prepared
//!   once per connection. A check of an access token is one round trip, a refresh three, a login four;
//!   `docs/decisions/007-postgres-round-trips.md` has the reasons, a test has the numbers.
//! - **Everything ends in time.** PostgreSQL ends a statement, a wait for a lock and an idle transaction
//!   by the limits of the session; one second later the client gives up by itself and closes the
//!   connection. Waiting for a free connection has a limit, and so has connecting to each host.
//! - **A failed statement ends its transaction:** what follows fails, and so does the commit. Duplicates
//!   that a port expects are not failures. Deadlocks and clashes are
//!   [`Conflict`](auth_domain::port::StoreError::Conflict).
//! - **A transaction that is dropped closes its connection,** which is the only prompt rollback.
//! - **Failover.** Of several hosts the first that accepts writes is used. A connection whose server
//!   became read-only or goes down is thrown away; the next call finds the new primary. A read, or the
//!   beginning of a transaction, that meets a dead connection is tried once more on a fresh one.
//! - **A host that vanishes** without a word takes all its connections along. The first call that waits for
//!   an answer in vain, or meets a dead connection, has all of that age replaced, so that no later call
//!   waits for one of them. The system closes those it has asked in vain after some seconds (keep-alive).
//! - **Reserved connections.** `ping` and [`PostgresStore::reserved`] work when every other connection
//!   is taken.
//! - **The schema** is in `migrations/postgres` and keeps rules of its own: checks, foreign keys, unique
//!   indexes, and a trigger that refuses to change the audit log.
//!
//! # What it asks of the server
//!
//! PostgreSQL 14 or newer, and the right to create tables in the first schema of the search path. A pooler in
//! between must keep a session on one connection (session mode): statements are prepared by name. The
//! server's messages must be English (`lc_messages`), or some passing troubles are reported as internal
//! errors. A commit is as durable as the server makes it: leave `synchronous_commit` on, and with
//! standbys that may be promoted set `synchronous_standby_names`.
#![warn(missing_docs)]

mod archive;
mod config;
mod connect;
mod error;
mod exchange;
mod migrate;
mod pool;
mod python;
mod repo;
mod row;
mod runner;
mod schema;
mod statement;
mod store;
mod tls;
mod transaction;
mod url;

pub use config::{OpenError, PostgresConfig, SslMode, UrlError};
pub use migrate::MIGRATIONS;
pub use pool::PoolLoad;
pub use python::{PythonError, PythonService, PythonTable, PythonUsers};
pub use store::PostgresStore;
