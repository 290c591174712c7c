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

/// Rows under their headings, in columns as wide as they need to be.
pub(super) fn table<const COLUMNS: usize>(
    headings: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let rows: Vec<_> = std::iter::once(headings.map(str::to_owned)).chain(rows).collect();
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Text that somebody chose, without what would steer a terminal.
pub(super) fn harmless(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] }).collect()
}

/// A text, or a dash where there is none.
pub(super) fn or_dash<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need_to_be() {
        let rows = [["7", "zoë"], ["1234", "-"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(["ID", "NAME"], rows), "ID    NAME\n7     zoë\n1234  -\n");
    }

    #[test]
    fn names_do_not_steer_the_terminal() {
        assert_eq!(harmless("Zoë \u{1b}[2J\n'x'"), "Zoë \\u{1b}[2J\\n'x'");
    }
}
