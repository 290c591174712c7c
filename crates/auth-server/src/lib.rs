//! The authentication server: settings, wiring, command line, workers.

pub mod settings;
