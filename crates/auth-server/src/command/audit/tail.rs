//! Printing the newest entries.

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use std::{fmt::Write as _, time::Duration};

use anyhow::Context as _;
use auth_domain::{
    audit::{StoredRow, time_text},
    port::AuditFilter,
};

use super::line;
use crate::{cli::TailAudit, wire::Wiring};

/// How soon a new entry is looked for.
const PAUSE: Duration = Duration::from_millis(500);
const PAGE: u32 = 1_000;

/// Prints entries, the newest last.
pub(in crate::command) async fn tail(wiring: &Wiring, options: &TailAudit) -> anyhow::Result<()> {
    let trail = &wiring.engine.trail;
    let filter = AuditFilter {
        event: options.event,
        subject: options.user,
        since: options.since.map(|since| since.resolve(wiring.clock.now())),
        ..AuditFilter::default()
    };
    let position = trail.head().await.context("cannot read the audit log")?.position;
    let entries = trail.list(&filter, options.lines).await.context("cannot read the audit log")?;
    let mut last = None;
    for entry in entries.into_iter().rev() {
        let row = StoredRow::from(entry);
        last = last.max(Some(row.seq));
        show(&row, options.json);
    }
    if options.follow { follow(wiring, options, &filter, position, last).await } else { Ok(()) }
}

/// Prints what comes into the chain behind a position, until somebody stops it.
async fn follow(
    wiring: &Wiring,
    options: &TailAudit,
    filter: &AuditFilter,
    mut position: i64,
    shown: Option<i64>,
) -> anyhow::Result<()> {
    loop {
        let page = wiring.engine.trail.page(position, PAGE).await.context("cannot read the audit log")?;
        for chained in &page {
            position = chained.link.position;
            // What was printed before may have come into the chain meanwhile.
            let is_new = |row: &&StoredRow| shown.is_none_or(|last| row.seq > last) && fits(row, filter);
            if let Some(row) = chained.row.as_ref().filter(is_new) {
                show(row, options.json);
            }
        }
        if page.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn fits(row: &StoredRow, filter: &AuditFilter) -> bool {
    filter.event.is_none_or(|event| row.event == event.as_str())
        && filter.subject.is_none_or(|subject| row.subject == Some(subject.as_i64()))
        && filter.since.is_none_or(|since| row.at >= since)
}

fn show(row: &StoredRow, json: bool) {
    if json { println!("{}", line::entry(row)) } else { println!("{}", text(row)) }
}

/// One line for people, with nothing in it that could disguise the next. A value of several words is quoted, so
/// that none looks like a field.
fn text(row: &StoredRow) -> String {
    let mut text = format!("{} {} {}", time_text(row.at), row.event, row.outcome);
    let number = |number: Option<i64>| number.map(|number| number.to_string());
    let fields = [
        ("tenant", Some(row.tenant.clone())),
        ("subject", number(row.subject)),
        ("actor", number(row.actor.filter(|actor| row.subject != Some(*actor)))),
        ("session", number(row.session)),
        ("ip", row.ip.clone()),
        ("request", row.request_id.clone()),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    for (name, value) in fields.chain(row.details.iter().cloned()) {
        let is_one_word = !value.is_empty() && !value.contains([' ', '=', '"']);
        let value = if is_one_word { value.escape_debug().to_string() } else { format!("{value:?}") };
        // Writing to a String cannot fail.
        let _ = write!(text, " {}={value}", name.escape_debug());
    }
    text
}

#[cfg(test)]
mod tests {
    use auth_domain::{
        audit::{AuditEvent, AuditRecord},
        client::Client,
        id::UserId,
        tenant::TenantId,
    };
    use chrono::DateTime;

    use super::*;

    fn row() -> StoredRow {
        let (tenant, client) = (TenantId::default(), Client::default());
        let record = AuditRecord::new(AuditEvent::EmailChanged, &tenant, &client, DateTime::UNIX_EPOCH)
            .by(UserId::from_i64(7))
            .with("to", "a\u{1b}b\nc")
            .with("reason", "left; actor=7");
        StoredRow::of(3, &record)
    }

    #[test]
    fn an_entry_is_one_line_without_disguise() {
        let expected = "1970-01-01T00:00:00.000000Z email.changed success tenant=default subject=7 \
             to=a\\u{1b}b\\nc reason=\"left; actor=7\"";
        assert_eq!(text(&row()), expected);
    }

    #[test]
    fn every_filter_counts() {
        let all = AuditFilter {
            event: Some(AuditEvent::EmailChanged),
            subject: Some(UserId::from_i64(7)),
            since: Some(DateTime::UNIX_EPOCH),
            ..AuditFilter::default()
        };
        assert!(fits(&row(), &all) && fits(&row(), &AuditFilter::default()));
        let later = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(1);
        assert!(!fits(&row(), &AuditFilter { since: Some(later), ..all.clone() }));
        assert!(!fits(&row(), &AuditFilter { event: Some(AuditEvent::Logout), ..all.clone() }));
        assert!(!fits(&row(), &AuditFilter { subject: Some(UserId::from_i64(8)), ..all }));
    }
}
