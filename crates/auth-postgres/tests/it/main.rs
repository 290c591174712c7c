//! Tests of the store on PostgreSQL, all in one binary.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

mod contract;
mod hang;
mod proxy;
mod schema;
mod support;
mod trips;
