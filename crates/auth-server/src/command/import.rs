//! `auth-server import python` and `import users`

mod csv;
mod fields;
mod file;
mod lines;
mod report;

use anyhow::Context as _;
use auth_domain::{
    port::PeopleSource,
    tenant::TenantId,
    usecase::{ImportCounts, ImportError, ImportNews, ImportStep, ImportTerms},
};
use indicatif::{ProgressBar, ProgressStyle};

use self::{file::FileSource, report::Report};
use crate::{
    cli::{ImportPython, ImportUsers},
    settings::{Database, Settings},
    wire::{PythonTable, Wiring, python_service},
};

/// Takes people over from the tables of the Python service.
pub(super) async fn python(wiring: &Wiring, options: &ImportPython) -> anyhow::Result<()> {
    let from = Database::from_argument(&options.from).map_err(|why| anyhow::anyhow!("--from: {why}"))?;
    let mut service = python_service(&from).await?;
    let tables = chosen(service.tables().await.context("cannot read the old database")?, options)?;
    for (_, tenant) in &tables {
        check_tenant(tenant)?;
    }
    let mut reports = Vec::new();
    for (table, tenant) in &tables {
        let terms = ImportTerms { tenant: tenant.clone(), region: region()?, strict: false };
        let mut report = Report::new(format!("{}.users", table.schema), &terms, options.dry_run);
        let counts = import(wiring, &mut service.users(&table.schema), &terms, &mut report).await;
        report.counts = counts.with_context(|| advice(options.dry_run))?;
        reports.push(report);
    }
    report::print(&mut reports, options.output.json);
    Ok(())
}

/// Which tables are meant, and whose tenant each is.
fn chosen(tables: Vec<PythonTable>, options: &ImportPython) -> anyhow::Result<Vec<(PythonTable, TenantId)>> {
    let names = tables.iter().map(|table| format!("{} ({} users)", table.schema, table.rows));
    let names = names.collect::<Vec<_>>().join(", ");
    anyhow::ensure!(!tables.is_empty(), "there is no table `users` of the Python service");
    let is_chosen = |table: &PythonTable| {
        if options.schemas.is_empty() { table.rows > 0 } else { options.schemas.contains(&table.schema) }
    };
    let mut chosen = Vec::new();
    for table in tables.into_iter().filter(is_chosen) {
        let tenant = match (&options.tenant, table.tenant()) {
            (Some(tenant), _) => tenant.clone(),
            (None, Some(name)) => TenantId::parse(name)
                .with_context(|| format!("schema {}: give the tenant with --tenant", table.schema))?,
            (None, None) => TenantId::default(),
        };
        chosen.push((table, tenant));
    }
    for schema in &options.schemas {
        let is_there = chosen.iter().any(|(table, _)| table.schema == *schema);
        anyhow::ensure!(is_there, "there is no table {schema}.users; there are {names}");
    }
    anyhow::ensure!(!chosen.is_empty(), "no table has users: {names}");
    let mut tenants: Vec<&TenantId> = chosen.iter().map(|(_, tenant)| tenant).collect();
    tenants.sort();
    tenants.dedup();
    anyhow::ensure!(
        tenants.len() == chosen.len(),
        "several tables would go into one tenant: choose with --schema and --tenant from {names}"
    );
    Ok(chosen)
}

/// Takes people over from a file.
pub(super) async fn users(wiring: &Wiring, options: &ImportUsers) -> anyhow::Result<()> {
    check_tenant(&options.tenant)?;
    let mut source = FileSource::open(&options.file, options.format)?;
    let terms = ImportTerms { tenant: options.tenant.clone(), region: region()?, strict: true };
    let mut report = Report::new(options.file.display().to_string(), &terms, true);
    report.counts = import(wiring, &mut source, &terms, &mut report).await.context("nothing was written")?;
    let is_stopped = report.counts.refusals() > 0 && !options.keep_going;
    if !options.dry_run && !is_stopped {
        report = Report::new(options.file.display().to_string(), &terms, false);
        let counts = import(wiring, &mut source, &terms, &mut report).await;
        report.counts = counts.with_context(|| advice(false))?;
    }
    report::print(&mut [report], options.output.json);
    anyhow::ensure!(
        options.dry_run || !is_stopped,
        "nothing was written: mend these lines, or leave them out with --continue"
    );
    Ok(())
}

const fn advice(dry_run: bool) -> &'static str {
    if dry_run { "nothing was written" } else { "who was taken over stays; run it again to go on" }
}

/// People of a tenant that the server does not serve could not sign in.
fn check_tenant(tenant: &TenantId) -> anyhow::Result<()> {
    anyhow::ensure!(
        Settings::load()?.tenants.contains(tenant),
        "TENANTS does not name {tenant}: add it there, or choose another one with --tenant"
    );
    Ok(())
}

/// The region of telephone numbers without a calling code.
fn region() -> anyhow::Result<String> {
    Ok(Settings::load()?.sms_default_region)
}

async fn import(
    wiring: &Wiring,
    source: &mut dyn PeopleSource,
    terms: &ImportTerms,
    report: &mut Report,
) -> Result<ImportCounts, ImportError> {
    let total = source.count().await.map_err(ImportError::Source)?;
    let bar = ProgressBar::no_length();
    if let Ok(style) = style() {
        bar.set_style(style);
    }
    // Everybody is looked at twice.
    bar.set_length(total.unwrap_or_default() * 2);
    let dry_run = report.dry_run;
    let outcome = wiring.engine.imports.run(source, terms, dry_run, |news| match news {
        ImportNews::Progress(ImportStep::RollCall, done) => show(&bar, "looking", total, done),
        ImportNews::Progress(ImportStep::Adding, done) => {
            let word = if dry_run { "judging" } else { "adding" };
            show(&bar, word, total.map(|_| 0), total.unwrap_or(done) + done);
        }
        ImportNews::Refused(origin, refusal) => report.refused(origin, &refusal),
        ImportNews::Remarked(origin, remark) => report.remarked(origin, remark),
    });
    let outcome = outcome.await;
    bar.finish_and_clear();
    outcome
}

fn show(bar: &ProgressBar, word: &'static str, total: Option<u64>, done: u64) {
    bar.set_message(word);
    if total.is_none() {
        bar.set_length(done * 2);
    }
    bar.set_position(done);
}

fn style() -> anyhow::Result<ProgressStyle> {
    ProgressStyle::with_template("{msg:<8} {bar:30} {percent}% {per_sec} {eta} left")
        .context("the template of the progress bar is wrong")
}
