//! The store on SQLite, the embedded default.

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

pub use claim::{Claim, ClaimError};
pub use config::{Location, OpenError, SqliteConfig};
pub use migrate::MIGRATIONS;
pub use store::SqliteStore;
