//! Tests of the store on PostgreSQL, all in one binary.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]
#![expect(clippy::print_stderr, reason = "what was measured is part of what a test says")]

mod contract;
mod failover;
mod hang;
mod plans;
mod proxy;
mod schema;
mod support;
mod tls;
mod trips;
