//! What became of everybody, for a person or a program. Names rows and lines, never people.

#![expect(clippy::print_stdout, reason = "tells the operator what was done")]

use std::collections::BTreeMap;

use auth_domain::{
    port::Origin,
    usecase::{ImportCounts, ImportTerms, Refusal, Remark},
};
use serde_json::{Value, json};

/// The report about one source.
pub(super) struct Report {
    source: String,
    tenant: String,
    pub(super) dry_run: bool,
    pub(super) counts: ImportCounts,
    findings: Vec<Finding>,
}

struct Finding {
    origin: Origin,
    kind: &'static str,
    is_refusal: bool,
    text: String,
}

impl Report {
    pub(super) fn new(source: String, terms: &ImportTerms, dry_run: bool) -> Self {
        let tenant = terms.tenant.to_string();
        Self { source, tenant, dry_run, counts: ImportCounts::default(), findings: Vec::new() }
    }

    pub(super) fn refused(&mut self, origin: Origin, refusal: &Refusal) {
        let (kind, text) = (refusal.name(), refusal.to_string());
        self.findings.push(Finding { origin, kind, is_refusal: true, text });
    }

    pub(super) fn remarked(&mut self, origin: Origin, remark: Remark) {
        let (kind, text) = (remark.name(), remark.to_string());
        self.findings.push(Finding { origin, kind, is_refusal: false, text });
    }

    fn lines(&self) -> Vec<String> {
        let counts = &self.counts;
        let mut lines: Vec<String> = self
            .findings
            .iter()
            .map(|Finding { origin, is_refusal, text, .. }| {
                let left_out = if *is_refusal { "left out: " } else { "" };
                format!("{origin}: {left_out}{text}")
            })
            .collect();
        lines.push(format!("{} into tenant {}", self.source, self.tenant));
        let added = if self.dry_run { "would be taken over" } else { "taken over, read back and compared" };
        for (count, words) in [
            (counts.found, "found"),
            (counts.added, added),
            (counts.present, "here already, left as they are"),
            (counts.refusals(), "left out"),
        ] {
            lines.push(format!("{count:>9} {words}"));
        }
        lines.extend(shares(&counts.refused, "  of these"));
        if !counts.remarks.is_empty() {
            lines.push("Not taken over as they were:".to_owned());
            lines.extend(shares(&counts.remarks, ""));
        }
        lines
    }

    fn json(&self) -> Value {
        let counts = &self.counts;
        let findings = self.findings.iter().map(|Finding { origin, kind, is_refusal, text }| {
            let (key, number) = match *origin {
                Origin::Row(id) => ("user", json!(id)),
                Origin::Line(number) => ("line", json!(number)),
            };
            json!({key: number, "kind": kind, "left_out": is_refusal, "why": text})
        });
        json!({
            "source": self.source,
            "tenant": self.tenant,
            "dry_run": self.dry_run,
            "found": counts.found,
            "taken_over": counts.added,
            "here_already": counts.present,
            "left_out": counts.refused,
            "changed": counts.remarks,
            "findings": findings.collect::<Vec<_>>(),
        })
    }
}

fn shares<'a>(
    counts: &'a BTreeMap<&'static str, u64>,
    before: &'a str,
) -> impl Iterator<Item = String> + use<'a> {
    counts.iter().map(move |(kind, count)| format!("{count:>9} {before}{}", words(kind, before)))
}

fn words(kind: &str, before: &str) -> String {
    let separator = if before.is_empty() { "" } else { ": " };
    format!("{separator}{}", kind.replace('_', " "))
}

/// Prints the reports about all sources.
pub(super) fn print(reports: &mut [Report], as_json: bool) {
    for report in reports.iter_mut() {
        // They come batch by batch, those who are left out first.
        report.findings.sort_by_key(|finding| finding.origin);
    }
    if as_json {
        let reports: Vec<Value> = reports.iter().map(Report::json).collect();
        println!("{:#}", Value::Array(reports));
        return;
    }
    for line in reports.iter().flat_map(Report::lines) {
        println!("{line}");
    }
    if reports.iter().any(|report| report.dry_run) {
        println!("Nothing was written.");
    }
}
