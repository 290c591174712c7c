//! `auth-server audit tail`, `audit export`, `audit verify` and `audit key`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]
#![expect(clippy::print_stderr, reason = "keeps hints out of what a program may read")]

mod export;
mod line;
mod moment;
mod read;
mod tail;

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    process::ExitCode,
};

use anyhow::Context as _;
use auth_domain::audit::{AuditKey, CheckReport};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

pub use self::moment::Moment;
pub(super) use self::{export::export, tail::tail};
use crate::{
    cli::VerifyAudit,
    wire::{self, Wiring},
};

/// Prints the public keys.
pub(super) async fn key(wiring: Wiring) -> anyhow::Result<()> {
    for (number, key) in wiring.engine.trail.keys().iter().enumerate() {
        println!("{key}{}", if number == 0 { "" } else { "  (of a former SECRET_KEY)" });
    }
    Ok(())
}

/// Checks the database.
pub(super) async fn verify(wiring: &Wiring, options: &VerifyAudit) -> anyhow::Result<()> {
    let trail = &wiring.engine.trail;
    if let Some(foreign) = options.keys.iter().find(|key| !trail.keys().contains(key)) {
        anyhow::bail!("{foreign} is not a key of this installation: its SECRET_KEY is another one");
    }
    let bar = progress()?;
    let report = trail.check(options.through, |seen| bar.set_position(seen)).await;
    bar.finish_and_clear();
    let report = report.context("cannot read the audit log")?;
    let waiting = trail.backlog().await.context("cannot read the audit log")?;
    conclude(&report, Some(waiting))
}

/// Checks an export, with nothing but the export.
pub(super) fn verify_file(file: &str, options: &VerifyAudit) -> anyhow::Result<ExitCode> {
    let input: Box<dyn BufRead> = if file == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).with_context(|| format!("cannot open {file}"))?))
    };
    let bar = progress()?;
    let verifier = wire::checkpoint_verifier();
    let checked =
        read::check(input, &options.keys, options.through, &verifier, |seen| bar.set_position(seen));
    bar.finish_and_clear();
    let (report, keys) = checked.with_context(|| format!("cannot read {file}"))?;
    if options.keys.is_empty() {
        warn_of_own_keys(&keys);
    }
    conclude(&report, None)?;
    Ok(ExitCode::SUCCESS)
}

fn warn_of_own_keys(keys: &[AuditKey]) {
    eprintln!(
        "warning: the export vouches for itself. Whoever made it up has signed it, too, unless one of these"
    );
    eprintln!(
        "warning: is the key that `auth-server audit key` printed; give that one with --key to be sure:"
    );
    for key in keys {
        eprintln!("warning:   {key}");
    }
}

/// Says what a check came to.
fn conclude(report: &CheckReport, waiting: Option<u64>) -> anyhow::Result<()> {
    for finding in &report.findings {
        println!("{finding}");
    }
    print!("{}", summary(report, waiting));
    match report.findings.len() {
        0 => Ok(()),
        1 => anyhow::bail!("the audit log is not as it was: 1 finding"),
        many => anyhow::bail!("the audit log is not as it was: {many} findings"),
    }
}

fn summary(report: &CheckReport, waiting: Option<u64>) -> String {
    let CheckReport { from, to, good_rows, good_checkpoints, erased_clients, unsigned_rows, .. } = report;
    let first = from.position + 1;
    let last = to.position;
    let mut lines = vec![format!(
        "{good_rows} entries and {good_checkpoints} checkpoints are good, from position {first} to {last}"
    )];
    if *erased_clients > 0 {
        lines.push(format!(
            "{erased_clients} of the entries are so old that only the client's network is left"
        ));
    }
    if *unsigned_rows > 0 {
        lines.push(format!("{unsigned_rows} entries at the end are chained and not signed yet"));
    }
    if let Some(waiting) = waiting {
        lines.push(format!("{waiting} entries wait to be chained"));
    }
    lines.join("\n") + "\n"
}

/// Shows how far it is, where somebody is looking.
fn progress() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{spinner} {human_pos} entries {per_sec}")
        .context("the template of the progress bar is wrong")?;
    Ok(ProgressBar::no_length().with_style(style))
}

fn counted(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{} entries", HumanCount(entries)) }
}

#[cfg(test)]
mod tests {
    use auth_domain::audit::{ChainHash, ChainHead, Finding, Flaw};

    use super::*;

    fn report() -> CheckReport {
        CheckReport {
            from: ChainHead { position: 5, hash: ChainHash::GENESIS },
            to: ChainHead { position: 9, hash: ChainHash::GENESIS },
            good_rows: 4,
            good_checkpoints: 2,
            erased_clients: 0,
            unsigned_rows: 0,
            findings: Vec::new(),
        }
    }

    #[test]
    fn a_summary_names_what_there_is() {
        let good = "4 entries and 2 checkpoints are good, from position 6 to 9\n";
        assert_eq!(summary(&report(), None), good);
        let more = CheckReport { erased_clients: 1, unsigned_rows: 2, ..report() };
        let text = summary(&more, Some(3));
        assert!(text.starts_with(good) && text.lines().count() == 4, "{text}");
        assert!(text.ends_with("3 entries wait to be chained\n"), "{text}");
    }

    #[test]
    fn a_finding_fails_the_check() {
        conclude(&report(), None).unwrap();
        let finding = Finding { position: 7, seq: Some(8), flaw: Flaw::Changed };
        let error = conclude(&CheckReport { findings: vec![finding], ..report() }, None).unwrap_err();
        assert_eq!(error.to_string(), "the audit log is not as it was: 1 finding");
    }
}
