//! Real parts for tests: throw-away servers on free loopback ports, started as nobody and gone with
//! the test process, however it ends.
//!
//! They need the programs of the part installed; `scripts/test` sees to that.

mod daemon;
pub mod postgres;
pub mod redis;

pub use daemon::{Daemon, Part, free_port};
