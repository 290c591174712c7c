//! The authentication server: settings, wiring, command line, workers.
