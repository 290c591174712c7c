//! Writing an export.

use std::io::Write;

use anyhow::Context as _;
use auth_domain::{
    audit::{Checkpoint, CheckpointKind},
    usecase::{AuditTrail, Engine, Extract, Fault},
};
use serde_json::Value;

use super::{
    Moment, counted,
    line::{self, Header},
    progress,
};
use crate::{cli::ExportAudit, command::output, wire::Wiring, worker::settle_audit};

/// Read at once.
const PAGE: u32 = 1_000;

/// Writes the log to a file.
#[expect(clippy::print_stderr, reason = "keeps the conclusion out of what a program may read")]
pub(in crate::command) async fn export(wiring: &Wiring, options: &ExportAudit) -> anyhow::Result<()> {
    let now = wiring.clock.now();
    let resolve = |moment: Option<Moment>| moment.map(|moment| moment.resolve(now));
    let mut out = output::create(&options.to)?;
    settle(&wiring.engine).await?;
    let trail = &wiring.engine.trail;
    let extract = trail
        .extract(resolve(options.since), resolve(options.until))
        .await
        .context("cannot read the audit log")?;
    let header = Header { keys: extract.keys.clone(), from: extract.from, to: extract.to };
    write(&mut out, &line::header(&header, now))?;
    let checkpoints = checkpoints(trail, &extract, &mut out).await?;
    let rows = rows(trail, &extract, &mut out).await?;
    out.flush().context("cannot write")?;
    eprintln!("{} and {checkpoints} checkpoints exported", counted(rows));
    Ok(())
}

/// Has the end of the log signed. Where that is refused, the copy is wanted all the more: it ends at the last
/// checkpoint there is.
#[expect(clippy::print_stderr, reason = "keeps the warning out of what a program may read")]
async fn settle(engine: &Engine) -> anyhow::Result<()> {
    match settle_audit(engine).await {
        Err(Fault::AuditChain(broken)) => {
            eprintln!("warning: the end of the log is not signed: {broken}");
            Ok(())
        }
        settled => settled.context("cannot put the last entries into the chain"),
    }
}

fn write(out: &mut dyn Write, line: &Value) -> anyhow::Result<()> {
    writeln!(out, "{line}").context("cannot write")
}

/// From the first checkpoint about the extract to the last, with none of those between them left out.
async fn checkpoints(trail: &AuditTrail, extract: &Extract, out: &mut dyn Write) -> anyhow::Result<u64> {
    let begins = |checkpoint: &Checkpoint| checkpoint.head.position >= extract.from.position;
    let is_behind = |checkpoint: &Checkpoint| {
        checkpoint.kind == CheckpointKind::Regular && checkpoint.head.position > extract.to
    };
    let (mut number, mut written) = (0, 0);
    loop {
        let page = trail.checkpoints(number, PAGE).await.context("cannot read the checkpoints")?;
        let Some(last) = page.last() else { return Ok(written) };
        number = last.number;
        for checkpoint in &page {
            if is_behind(checkpoint) {
                return Ok(written);
            }
            if written > 0 || begins(checkpoint) {
                write(out, &line::checkpoint(checkpoint))?;
                written += 1;
            }
        }
    }
}

async fn rows(trail: &AuditTrail, extract: &Extract, out: &mut dyn Write) -> anyhow::Result<u64> {
    let bar = progress()?;
    let (mut position, mut written) = (extract.from.position, 0);
    while position < extract.to {
        let page = trail.page(position, PAGE).await.context("cannot read the audit log")?;
        let Some(last) = page.last() else { break };
        position = last.link.position;
        for chained in page.iter().take_while(|chained| chained.link.position <= extract.to) {
            write(out, &line::row(chained))?;
            written += 1;
        }
        bar.set_position(written);
    }
    bar.finish_and_clear();
    Ok(written)
}
