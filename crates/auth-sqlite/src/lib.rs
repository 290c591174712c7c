//! The store on SQLite, the embedded default: the ports of [`auth_domain::port`] on one file.
//!
//! ```
//! use auth_domain::port::Store;
//! use auth_sqlite::{SqliteConfig, SqliteStore};
//! use auth_testkit::builder;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open(SqliteConfig::in_memory())?; // or SqliteConfig::file("auth.db")
//! let _claim = store.claim()?; // a server does this, a command line tool does not
//! store.migrate().await?;
//!
//! let ada = builder::user(1, builder::noon());
//! let mut tx = store.begin().await?;
//! tx.users().insert(&ada).await??;
//! tx.outbox().put(&builder::outbox_item(1, builder::noon())).await?;
//! tx.commit().await?; // durable from here on; dropping `tx` instead would have kept nothing
//!
//! assert_eq!(store.read().await?.users().by_id(ada.id).await?, Some(ada));
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! ```text
//! SqliteStore ── begin() ─▶ Transaction ─┐                              ┌─ repo/*  one file per port
//!   store.rs  └─ read() ──▶ Autocommit ──┴─▶ Repositories (runner.rs) ──┤    row/*  rows ⇄ entities
//!                  │                                                    └─ schema.rs
//!                  └─▶ Pool ×2 (pool.rs) ─▶ Lease: a turn and a connection (connection.rs)
//! ```
//!
//! # How it works
//!
//! - **One writer, several readers.** SQLite has one write lock; so there is one connection that writes,
//!   with a fair queue in front. A transaction takes the lock when it begins (`BEGIN IMMEDIATE`) and
//!   cannot meet another one half-way, which makes every `lock` method a plain read. Readers see the
//!   last commit and wait for nobody (write-ahead log).
//! - **No work on async threads.** Each statement runs on a blocking thread, which owns the connection
//!   meanwhile. A caller may drop its future at any moment: the thread finishes, rolls back and returns
//!   the connection. A panic closes the connection and frees the turn.
//! - **A failed statement ends its transaction:** what follows fails, and so does the commit. Duplicates
//!   that a port expects are not failures.
//! - **Settings.** `synchronous = FULL`: a commit is on disk when it returns. `foreign_keys = ON`.
//!   `trusted_schema = OFF` and `cell_size_check = ON` against files from elsewhere. Readers are
//!   `query_only`. The file, its log and its lock are for the owner alone (0600).
//! - **The schema** is in `migrations/sqlite` and keeps rules of its own: `STRICT` tables, checks, and
//!   triggers that refuse to change the audit log.
#![warn(missing_docs)]

mod archive;
mod claim;
mod config;
mod connection;
mod error;
mod migrate;
mod pool;
mod repo;
mod row;
mod runner;
mod schema;
mod store;

#[cfg(test)]
mod plans;

pub use claim::{Claim, ClaimError};
pub use config::{Location, OpenError, SqliteConfig};
pub use migrate::MIGRATIONS;
pub use store::SqliteStore;
