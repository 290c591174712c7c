//! The framework around the operations, with toy operations behind it.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

mod body;
mod cookies;
mod cors;
mod credentials;
mod document;
mod edge;
mod headers;
mod health;
mod keyed;
mod limits;
mod log;
mod metrics;
mod order;
mod patience;
mod protection;
mod socket;
mod toy;
