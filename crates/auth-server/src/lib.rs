//! The authentication server: settings, wiring, command line, workers.

pub mod settings;
pub mod telemetry;
