//! The schema's steps, carried inside the program.

use std::{sync::Arc, thread};

use auth_domain::port::StoreError;
use diesel::{
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::{runtime, sync::oneshot};

use crate::{
    connect::Connector,
    error::Failure,
    exchange::Find,
    runner::{Access, Autocommit, Runner},
    statement::Statement,
};

/// Every step, in order. `migrations/README.md` has the rules.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Held by whoever migrates this database, until its connection ends. Spells `auth-db`.
const TURN: &str = "SELECT pg_advisory_lock(27438034208465506)";

/// The database was migrated by a program that knows more steps than this one.
#[derive(Debug, thiserror::Error)]
#[error("the database is newer than this program, which does not know migration {}", .0.join(", "))]
struct Newer(Vec<String>);

/// Runs what is missing, on a thread and a runtime of its own: diesel's harness blocks, and needs a
/// runtime of several threads, which the caller may not have.
pub(crate) async fn run(connector: Arc<Connector>) -> Result<Vec<String>, StoreError> {
    let (done, outcome) = oneshot::channel();
    let work = move || {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let result = match runtime {
            Ok(runtime) => runtime.block_on(up(&connector)),
            Err(error) => Err(StoreError::Unavailable(Box::new(error))),
        };
        // Nobody listens when the caller went away; the steps are done all the same.
        let _ = done.send(result);
    };
    thread::Builder::new()
        .name("migrate".to_owned())
        .spawn(work)
        .map_err(|e| StoreError::Unavailable(e.into()))?;
    outcome.await.unwrap_or_else(|_| Err(StoreError::Internal("the migration panicked".into())))
}

async fn up(connector: &Connector) -> Result<Vec<String>, StoreError> {
    let mut conn = connector.connect().await.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    // The turn comes before the look at what is missing: whoever had to wait finds nothing to do.
    conn.batch_execute(TURN).await.map_err(|error| Failure::from(error).error)?;
    let mut harness = AsyncMigrationHarness::new(conn);
    all_steps(&mut harness)
}

fn all_steps(harness: &mut AsyncMigrationHarness<AsyncPgConnection>) -> Result<Vec<String>, StoreError> {
    let applied = harness.applied_migrations().map_err(StoreError::Internal)?;
    let applied: Vec<String> = applied.iter().map(ToString::to_string).collect();
    let names = missing(&applied)?;
    harness.run_pending_migrations(MIGRATIONS).map_err(StoreError::Internal)?;
    Ok(names)
}

/// Compares names instead of asking the harness, which would first make its table.
pub(crate) async fn pending(runner: &mut Autocommit) -> Result<Vec<String>, StoreError> {
    let table = Statement::new("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL");
    let exists = Find::<Bool, bool>::new(table);
    let exists = runner.ask(Access::Read, Vec::new(), exists, |rows| Ok(rows == [true])).await?;
    if !exists {
        return missing(&[]);
    }
    let versions =
        Find::<Text, String>::new(Statement::new("SELECT version FROM __diesel_schema_migrations"));
    runner.ask(Access::Read, Vec::new(), versions, |applied| missing(&applied)).await
}

/// The names of the known migrations that were not applied.
fn missing(applied: &[String]) -> Result<Vec<String>, StoreError> {
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(StoreError::Internal)?;
    let version = |migration: &dyn Migration<Pg>| migration.name().version().to_string();
    let unknown = |name: &&String| !known.iter().any(|migration| version(&**migration) == **name);
    let unknown: Vec<String> = applied.iter().filter(unknown).cloned().collect();
    if !unknown.is_empty() {
        return Err(StoreError::Internal(Box::new(Newer(unknown))));
    }
    let missing = known.iter().filter(|migration| !applied.contains(&version(&***migration)));
    let mut names: Vec<String> = missing.map(|migration| migration.name().to_string()).collect();
    names.sort();
    Ok(names)
}
