//! The authentication server: settings, wiring, command line, workers.
//!
//! The binary is this library and an allocator. Tests and other programs boot the same types.

pub mod cli;
pub mod command;
pub mod settings;
pub mod telemetry;
