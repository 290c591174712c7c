//! Tests of the verifier, all in one binary.
#![expect(clippy::unwrap_used, reason = "the helpers are parts of tests")]

#[cfg(feature = "actix")]
mod extractor;
mod forged;
mod live;
mod remote;
mod signer;
mod stub;
