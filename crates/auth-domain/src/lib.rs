//! The rules of authentication, without input or output.
#![warn(missing_docs)]

pub mod audit;
pub mod client;
pub mod guard;
pub mod id;
pub mod outbox;
pub mod port;
pub mod secret;
pub mod session;
pub mod tenant;
pub mod token;
pub mod usecase;
pub mod user;
