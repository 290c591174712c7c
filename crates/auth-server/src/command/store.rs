//! `auth-server store copy`

#![expect(clippy::print_stdout, reason = "tells the operator what was done")]

use std::process::ExitCode;

use anyhow::Context as _;
use auth_domain::{
    port::RecordKind,
    usecase::{Progress, Transfer, TransferError, Transferred},
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::CopyStore,
    settings::{Database, Settings},
    telemetry,
    wire::{Claim, Stores},
};

/// Copies everything from one store to another.
pub(super) fn copy(options: &CopyStore) -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    telemetry::start(&settings)?;
    let from = database("--from", &options.from)?;
    let to = match &options.to {
        Some(to) => database("--to", to)?,
        None => settings.database.clone(),
    };
    anyhow::ensure!(to != from, "both databases are {to}; give another one with --to");
    let done = super::runtime()?.block_on(async {
        let (from, _from) = opened(&from, &settings, false).await?;
        let (to, _to) = opened(&to, &settings, true).await?;
        transfer(&from, &to, options.resume).await
    })?;
    for Transferred { kind, copied, total } in done {
        println!("{:<15} {copied:>9} copied, {total:>9} in all", kind.as_str());
    }
    println!(
        "Both hold the same now. Give the new installation the SECRET_KEY of the old one: it opens the signing keys."
    );
    Ok(ExitCode::SUCCESS)
}

fn database(argument: &str, address: &str) -> anyhow::Result<Database> {
    Database::from_argument(address).map_err(|reason| anyhow::anyhow!("{argument}: {reason}"))
}

/// A store at the schema of this version, and the claim that keeps servers away from an embedded one.
async fn opened(
    database: &Database,
    settings: &Settings,
    may_be_new: bool,
) -> anyhow::Result<(Stores, Option<Claim>)> {
    if let Database::Sqlite(path) = database {
        // SQLite would make a new, empty one.
        anyhow::ensure!(path.exists() || may_be_new, "there is no file {}", path.display());
    }
    let stores = Stores::at(database, settings.database_pool_size)
        .with_context(|| format!("cannot open {database}"))?;
    let claim = stores.claim().with_context(|| format!("a server is using {database}"))?;
    stores.migrate().await.with_context(|| format!("cannot bring {database} up to date"))?;
    Ok((stores, claim))
}

async fn transfer(from: &Stores, to: &Stores, resume: bool) -> anyhow::Result<Vec<Transferred>> {
    let bar = ProgressBar::no_length().with_style(style()?);
    let mut shown = None;
    let transfer = Transfer::new(from.archive(), to.archive());
    let outcome = transfer.run(resume, |progress| show(&bar, &mut shown, progress)).await;
    bar.finish_and_clear();
    outcome.map_err(|error| {
        let advice = match &error {
            TransferError::NotEmpty { .. } => "; if an earlier try left them there, add --resume",
            TransferError::NothingToMove => "; is --from the right one?",
            TransferError::Differs { .. } => {
                "; was a server running on one of them since? Empty the new one and copy again"
            }
            TransferError::Store(_) => "; what was copied stays, run it again with --resume",
        };
        anyhow::Error::from(error).context(format!("not everything was copied{advice}"))
    })
}

fn show(bar: &ProgressBar, shown: &mut Option<RecordKind>, progress: Progress) {
    if shown.replace(progress.kind) != Some(progress.kind) {
        bar.set_message(progress.kind.as_str());
        bar.reset();
    }
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}

fn style() -> anyhow::Result<ProgressStyle> {
    ProgressStyle::with_template("{msg:<15} {bar:30} {human_pos}/{human_len} {per_sec} {eta} left")
        .context("the template of the progress bar is wrong")
}
