//! Contract suites: what every adapter must do, as plain async functions.

pub mod archive;
pub mod challenges;
pub mod codes;
pub mod computing;
pub mod identity;
pub mod ledger;
pub mod limiter;
pub mod mailbox;
pub mod mailer;
pub mod sms;
pub mod store;

pub use computing::{cipher, hasher, tokens, totp};
