//! What all commands that print share.

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

/// Prints a value for programs.
pub(super) fn json(value: &Value) {
    println!("{value:#}");
}

/// A time as people and programs read it, to the second.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
