//! The audit log.

use async_trait::async_trait;
use auth_domain::{
    audit::{AuditEntry, AuditRecord},
    port::{AuditFilter, AuditLog, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Text},
};

use super::{count, entities};
use crate::{
    error::Fault,
    row::{AuditRow, NewAuditRow, micros},
    runner::{Repositories, Runner},
    schema::audit_events,
};

#[async_trait]
impl<R: Runner> AuditLog for Repositories<R> {
    async fn append(&mut self, record: &AuditRecord) -> Result<(), StoreError> {
        let row = NewAuditRow::try_from(record)?;
        self.0.write(move |conn| append(conn, &row)).await
    }

    async fn list(&mut self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let filter = filter.clone();
        self.0.read(move |conn| list(conn, &filter, limit)).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| purge(conn, micros(before), limit)).await
    }
}

fn append(conn: &mut SqliteConnection, row: &NewAuditRow) -> Result<(), Fault> {
    diesel::insert_into(audit_events::table).values(row).execute(conn)?;
    Ok(())
}

fn list(conn: &mut SqliteConnection, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, Fault> {
    // SQLite walks one index, and guesses which. The narrowest filter gets it: a subject, else an
    // event, else a tenant. A `+` hides a column from the guess.
    let mut query = audit_events::table
        .order(audit_events::seq.desc())
        .limit(i64::from(limit))
        .select(AuditRow::as_select())
        .into_boxed();
    if let Some(before) = filter.before {
        query = query.filter(audit_events::seq.lt(before));
    }
    if let Some(subject) = filter.subject {
        query = query.filter(audit_events::subject.eq(subject.as_i64()));
    }
    if let Some(event) = filter.event {
        let column = if filter.subject.is_some() { "+event = " } else { "event = " };
        query = query.filter(sql::<Bool>(column).bind::<Text, _>(event.as_str()));
    }
    if let Some(tenant) = &filter.tenant {
        let narrowed = filter.subject.is_some() || filter.event.is_some();
        let column = if narrowed { "+tenant = " } else { "tenant = " };
        query = query.filter(sql::<Bool>(column).bind::<Text, _>(tenant.as_str()));
    }
    for (column, bound) in [("+at >= ", filter.since), ("+at < ", filter.until)] {
        if let Some(bound) = bound {
            query = query.filter(sql::<Bool>(column).bind::<BigInt, _>(micros(bound)));
        }
    }
    entities(query.load::<AuditRow>(conn)?)
}

fn purge(conn: &mut SqliteConnection, before: i64, limit: u32) -> Result<u64, Fault> {
    // The rule of the table lets go of what is older than its horizon.
    sql_query("UPDATE audit_retention SET horizon = ?1 WHERE one = 1 AND horizon < ?1")
        .bind::<BigInt, _>(before)
        .execute(conn)?;
    let deleted = sql_query(
        "DELETE FROM audit_events WHERE seq IN
         (SELECT seq FROM audit_events WHERE at < ?1
             AND NOT EXISTS (SELECT 1 FROM audit_chain WHERE audit_chain.seq = audit_events.seq)
         ORDER BY at, seq LIMIT ?2)",
    )
    .bind::<BigInt, _>(before)
    .bind::<BigInt, _>(i64::from(limit))
    .execute(conn)?;
    Ok(count(deleted))
}
