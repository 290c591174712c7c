//! The audit log.

use async_trait::async_trait;
use auth_domain::{
    audit::{AuditEntry, AuditRecord},
    port::{AuditFilter, AuditLog, StoreError},
};
use diesel::{dsl::sql, prelude::*, sql_types::Bool, sql_types::Text};

use super::entities;
use crate::{
    error::Fault,
    row::{AuditRow, NewAuditRow},
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
    entities(query.load::<AuditRow>(conn)?)
}
