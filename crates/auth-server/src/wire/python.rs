//! The service before this one, as a source of people.

use anyhow::Context as _;
use auth_postgres::{PostgresConfig, PythonService};

use crate::settings::Database;

/// Opens the database of the service before this one, to be read.
///
/// # Errors
/// One sentence about what does not open, without the password.
pub(crate) async fn python_service(database: &Database) -> anyhow::Result<PythonService> {
    let Database::Postgres(dsn) = database else {
        anyhow::bail!("--from: expected postgresql://USER:PASSWORD@HOST/NAME");
    };
    let config = PostgresConfig::from_url(dsn.expose_secret()).context("--from")?;
    PythonService::open(&config).await.with_context(|| format!("cannot read {database}"))
}
