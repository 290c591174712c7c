//! The schema's steps, carried inside the program.

use std::sync::Arc;

use auth_domain::port::StoreError;
use diesel::{
    OptionalExtension, RunQueryDsl, SqliteConnection,
    dsl::sql,
    migration::{Migration, MigrationSource},
    sql_types::Text,
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    error::Fault,
    pool::{Lease, Pool},
};

/// Every step, in order. `migrations/README.md` has the rules.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How often to wait for another process that migrates, each time for the whole busy timeout.
const TURNS: u32 = 15;

pub(crate) async fn run(writer: &Arc<Pool>) -> Result<Vec<String>, StoreError> {
    writer.lease().await?.run(up).await.1
}

fn up(lease: &mut Lease) -> Result<Vec<String>, Fault> {
    let conn = lease.conn()?;
    let mut turn = 1;
    loop {
        match all_steps(conn) {
            Err(Fault(StoreError::Unavailable(_))) if turn < TURNS => turn += 1,
            done => return done,
        }
    }
}

fn all_steps(conn: &mut SqliteConnection) -> Result<Vec<String>, Fault> {
    // The write lock comes before the look at what is missing: whoever had to wait finds nothing to do.
    conn.immediate_transaction(|conn| {
        let applied = conn.run_pending_migrations(MIGRATIONS).map_err(StoreError::Internal)?;
        Ok(applied.iter().map(ToString::to_string).collect())
    })
}

/// Compares names instead of asking the harness, which would first make its table.
pub(crate) fn pending(conn: &mut SqliteConnection) -> Result<Vec<String>, Fault> {
    let table = sql::<Text>("SELECT name FROM sqlite_schema WHERE name = '__diesel_schema_migrations'");
    let applied: Vec<String> = match table.get_result::<String>(conn).optional()? {
        Some(_) => sql::<Text>("SELECT version FROM __diesel_schema_migrations").load(conn)?,
        None => Vec::new(),
    };
    let known: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().map_err(StoreError::Internal)?;
    let mut names: Vec<String> = known
        .iter()
        .filter(|migration| !applied.contains(&migration.name().version().to_string()))
        .map(|migration| migration.name().to_string())
        .collect();
    names.sort();
    Ok(names)
}
