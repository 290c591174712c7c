//! Text messages through AWS SNS.
//!
//! | Module | What it holds |
//! |---|---|
//! | `config` | [`SnsConfig`]: account, region, sender id, limits |
//! | `sender` | [`SnsSmsSender`]: the port, one attempt within three seconds |
//! | `refusal` | SNS's errors in the words of the port |
#![warn(missing_docs)]

mod config;
mod refusal;
mod sender;

pub use config::{SnsConfig, SnsConfigError, SnsCredentials};
pub use sender::SnsSmsSender;
