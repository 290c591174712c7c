//! Real parts for tests: throw-away servers on free loopback ports, started as nobody and gone with
//! the test process, however it ends.
//!
//! They need the programs of the part installed; `scripts/test` sees to that.

mod certificates;
mod cognito_local;
mod daemon;
mod moto;
pub mod postgres;
mod python;
pub mod ranges;
pub mod redis;
mod smtp;
mod user_pool;

pub use certificates::Certificates;
pub use cognito_local::CognitoLocal;
pub use daemon::{Daemon, Part, free_port};
pub use moto::{Moto, MotoSms};
pub use python::python;
pub use smtp::{KeptMail, SmtpMode, SmtpServer};
pub use user_pool::{PoolKind, UserPool};
