//! Checking an export, line by line.

use std::io::BufRead;

use anyhow::Context as _;
use auth_domain::{
    audit::{AuditKey, ChainCheck, ChainHead, CheckReport, Finding, Flaw},
    port::CheckpointVerifier,
};

use chrono::{DateTime, Utc};

use super::line::{self, Line};

/// How often `progress` hears of it.
const OFTEN: u64 = 1_000;

/// Checks an export against `keys`, or against its own when there are none. Gives the export's own keys, too.
pub(super) fn check(
    input: impl BufRead,
    keys: &[AuditKey],
    through: Option<ChainHead>,
    verifier: &dyn CheckpointVerifier,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<(CheckReport, Vec<AuditKey>)> {
    let mut lines = input.lines().zip(1_u64..).map(|(text, number)| {
        let read = || line::read(&text.context("cannot read on")?);
        read().with_context(|| format!("line {number}"))
    });
    let header = match lines.next().context("it is empty")?? {
        Line::Header(header) => header,
        Line::Checkpoint(_) | Line::Row(_) => anyhow::bail!("it does not begin with a header"),
    };
    let believed = if keys.is_empty() { header.keys.clone() } else { keys.to_vec() };
    let check = ChainCheck::new(verifier, believed, header.from).through(through);
    // An export ends at a checkpoint: whatever stands behind the last one was put there later.
    let mut check = check.signed_since(DateTime::<Utc>::MAX_UTC);
    let mut seen = 0_u64;
    for line in lines {
        match line? {
            Line::Header(_) => anyhow::bail!("it has a second header"),
            Line::Checkpoint(_) if seen > 0 => anyhow::bail!("it has checkpoints between the entries"),
            Line::Checkpoint(checkpoint) => check.checkpoint(&checkpoint),
            Line::Row(chained) => {
                // The link names the entry: another one beside it is not the one that was chained.
                let row = chained.row.filter(|row| row.seq == chained.link.seq);
                check.link(&chained.link, row.as_ref());
                seen += 1;
                if seen.is_multiple_of(OFTEN) {
                    progress(seen);
                }
            }
        }
    }
    let mut report = check.finish();
    if report.to.position < header.to && report.is_good() {
        let position = report.to.position + 1;
        report.findings.push(Finding { position, seq: None, flaw: Flaw::LinksMissing });
    }
    Ok((report, header.keys))
}
