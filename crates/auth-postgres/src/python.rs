//! The tables of the service before this one, read and never written.
//!
//! Everything is read in one transaction that sees the tables as they were when it began, however long it takes,
//! and in which nothing can be written.

mod row;

use async_trait::async_trait;
use auth_domain::port::{Comer, PeopleSource, StoreError};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::{
    config::{OpenError, PostgresConfig},
    connect::Connector,
    error::Failure,
};

/// What begins the names of schemas that belong to one tenant each.
const TENANT: &str = "auth_";

/// A database of the service before this one.
pub struct PythonService {
    conn: AsyncPgConnection,
}

/// A table of accounts there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonTable {
    /// The schema that it is in.
    pub schema: String,
    /// How many rows it has.
    pub rows: u64,
}

impl PythonTable {
    /// The tenant whose table it is; `None` for the one that all share.
    pub fn tenant(&self) -> Option<&str> {
        self.schema.strip_prefix(TENANT)
    }
}

/// The database of the service before this one cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PythonError {
    /// The connection cannot be set up.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(QueryableByName)]
struct SchemaRow {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// No `Debug`: it holds a hash and a secret.
#[derive(QueryableByName)]
struct UserRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    row: String,
}

impl PythonService {
    /// Connects, also to a server that accepts no writes, and begins the one transaction.
    ///
    /// # Errors
    /// [`PythonError`].
    pub async fn open(config: &PostgresConfig) -> Result<Self, PythonError> {
        let connector = Connector::reading(config)?;
        let mut conn = connector.connect().await.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(failed)?;
        Ok(Self { conn })
    }

    /// The tables of accounts: `users` of `public` and of the tenants' schemas, in the order of their names.
    ///
    /// # Errors
    /// [`PythonError`].
    pub async fn tables(&mut self) -> Result<Vec<PythonTable>, PythonError> {
        let schemas: Vec<SchemaRow> =
            diesel::sql_query(SCHEMAS).load(&mut self.conn).await.map_err(failed)?;
        let mut tables = Vec::with_capacity(schemas.len());
        for SchemaRow { name } in schemas {
            let rows = self.count(&name).await?;
            tables.push(PythonTable { schema: name, rows });
        }
        Ok(tables)
    }

    /// The accounts of one of these tables.
    pub fn users(&mut self, schema: &str) -> PythonUsers<'_> {
        PythonUsers { service: self, schema: schema.to_owned(), after: i64::MIN }
    }

    async fn count(&mut self, schema: &str) -> Result<u64, StoreError> {
        let count = format!("SELECT count(*) AS count FROM {}.users", quoted(schema));
        let row: CountRow = diesel::sql_query(count).get_result(&mut self.conn).await.map_err(failed)?;
        Ok(row.count.unsigned_abs())
    }

    async fn page(&mut self, schema: &str, after: i64, limit: u32) -> Result<Vec<UserRow>, StoreError> {
        // A row as JSON: whatever columns this version of the schema has, under their names.
        let page = format!(
            "SELECT u.id::bigint AS id, to_jsonb(u)::text AS row FROM {}.users u WHERE u.id > $1 ORDER BY u.id LIMIT $2",
            quoted(schema)
        );
        let page = diesel::sql_query(page).bind::<BigInt, _>(after).bind::<BigInt, _>(i64::from(limit));
        page.load(&mut self.conn).await.map_err(failed)
    }
}

/// The accounts of one table, in the order of their ids.
pub struct PythonUsers<'a> {
    service: &'a mut PythonService,
    schema: String,
    after: i64,
}

#[async_trait]
impl PeopleSource for PythonUsers<'_> {
    async fn count(&mut self) -> Result<Option<u64>, StoreError> {
        self.service.count(&self.schema).await.map(Some)
    }

    async fn rewind(&mut self) -> Result<(), StoreError> {
        self.after = i64::MIN;
        Ok(())
    }

    async fn next(&mut self, limit: u32) -> Result<Vec<Comer>, StoreError> {
        let rows = self.service.page(&self.schema, self.after, limit).await?;
        if let Some(last) = rows.last() {
            self.after = last.id;
        }
        Ok(rows.into_iter().map(|row| row::comer(row.id, &row.row)).collect())
    }
}

fn failed(error: diesel::result::Error) -> StoreError {
    Failure::from(error).error
}

/// A name as PostgreSQL reads it literally.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Only tables that look like those of that service: another one's are no business of ours.
const SCHEMAS: &str = "SELECT table_schema::text AS name FROM information_schema.columns
     WHERE table_name = 'users' AND column_name IN ('id', 'email', 'hashed_password')
     AND (table_schema = 'public' OR starts_with(table_schema, 'auth_'))
     GROUP BY table_schema HAVING count(*) = 3 ORDER BY table_schema";
