//! Messages as a table for people and as JSON for programs.

use auth_domain::{id::UserId, outbox::OutboxEntry};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::command::print::{or_dash, table, time};

/// A table under its headings. All messages are in one state.
pub(super) fn text(entries: &[OutboxEntry], now: DateTime<Utc>) -> String {
    let dead = entries.iter().any(|entry| entry.buried_at.is_some());
    let when = if dead { "GIVEN UP" } else { "DUE" };
    let headings = ["ID", "KIND", "TENANT", "USER", when, "TRIES", "LAST ERROR"];
    table(headings, entries.iter().map(|entry| row(entry, now)))
}

fn row(entry: &OutboxEntry, now: DateTime<Utc>) -> [String; 7] {
    let item = &entry.item;
    let is_being_sent = entry.leased_until.is_some_and(|until| now < until);
    let when = match entry.buried_at {
        Some(buried) => time(buried),
        None if is_being_sent => "being sent".to_owned(),
        None => time(item.due_at),
    };
    [
        item.id.to_string(),
        item.intent.kind().to_owned(),
        item.tenant.to_string(),
        or_dash(item.user, |user| user.to_string()),
        when,
        item.attempts.to_string(),
        // Rows of an older version may hold anything.
        entry.last_error.as_deref().unwrap_or("-").escape_debug().to_string(),
    ]
}

/// A list of objects.
pub(super) fn json(entries: &[OutboxEntry]) -> Value {
    entries.iter().map(object).collect()
}

fn object(entry: &OutboxEntry) -> Value {
    let item = &entry.item;
    json!({
        "id": item.id.as_i64(),
        "kind": item.intent.kind(),
        "tenant": item.tenant.as_str(),
        "user_id": item.user.map(UserId::as_i64),
        "created_at": long(item.created_at),
        "due_at": long(item.due_at),
        "leased_until": entry.leased_until.map(long),
        "buried_at": entry.buried_at.map(long),
        "expires_at": long(item.expires_at()),
        "attempts": item.attempts,
        "last_error": entry.last_error,
    })
}

/// As the API writes times.
fn long(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use auth_domain::{
        client::Client,
        id::OutboxId,
        outbox::{Intent, OutboxItem},
        tenant::TenantId,
    };
    use chrono::TimeDelta;

    use super::*;

    fn entry(id: i64, user: Option<i64>) -> OutboxEntry {
        let user = user.map(UserId::from_i64);
        let intent = if user.is_some() { Intent::VerifyEmail } else { Intent::Nothing };
        let item = OutboxItem::new(
            OutboxId::from_i64(id),
            TenantId::default(),
            user,
            intent,
            Client::default(),
            DateTime::UNIX_EPOCH,
        );
        OutboxEntry { item, leased_until: None, buried_at: None, last_error: None }
    }

    #[test]
    fn a_table_lines_up_and_tells_what_is_being_sent() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(10);
        let leased = OutboxEntry { leased_until: Some(now + TimeDelta::seconds(1)), ..entry(7, Some(42)) };
        let tried = OutboxEntry { last_error: Some("450 busy\u{1b}[2J".to_owned()), ..entry(1234, None) };
        let expected = "\
ID    KIND          TENANT   USER  DUE                   TRIES  LAST ERROR
7     verify_email  default  42    being sent            0      -
1234  nothing       default  -     1970-01-01T00:00:00Z  0      450 busy\\u{1b}[2J
";
        assert_eq!(text(&[leased, tried], now), expected);
    }

    #[test]
    fn dead_letters_say_since_when() {
        let buried_at = Some(DateTime::UNIX_EPOCH + TimeDelta::days(1));
        let table = text(&[OutboxEntry { buried_at, ..entry(7, Some(42)) }], DateTime::UNIX_EPOCH);
        assert!(table.contains("GIVEN UP") && table.contains("1970-01-02T00:00:00Z"), "{table}");
    }

    #[test]
    fn json_has_numbers_and_nulls() {
        let expected = json!([{
            "id": 7, "kind": "verify_email", "tenant": "default", "user_id": 42,
            "created_at": "1970-01-01T00:00:00.000000Z", "due_at": "1970-01-01T00:00:00.000000Z",
            "leased_until": null, "buried_at": null, "expires_at": "1970-01-02T00:00:00.000000Z",
            "attempts": 0, "last_error": null,
        }]);
        assert_eq!(json(&[entry(7, Some(42))]), expected);
        assert_eq!(json(&[]), json!([]));
    }
}
