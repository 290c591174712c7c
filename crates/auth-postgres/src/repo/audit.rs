//! The audit log.

use async_trait::async_trait;
use auth_domain::{
    audit::{AuditEntry, AuditRecord},
    port::{AuditFilter, AuditLog, StoreError},
};
use chrono::{DateTime, Utc};

use super::entities;
use crate::{
    exchange::{Count, Find},
    row::{AuditRow, audit_values},
    runner::{Access, Repositories, Runner},
    schema::{AuditEvents, audit_events},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> AuditLog for Repositories<R> {
    async fn append(&mut self, record: &AuditRecord) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(APPEND).with_all(audit_values(record)?)]).await
    }

    async fn list(&mut self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let find = Find::<AuditEvents, AuditRow>::new(list(filter, limit));
        self.0.ask(Access::Read, Vec::new(), find, entities).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let horizon = Statement::new(HORIZON).with(before).with(before);
        let purge = Statement::new(PURGE).with(before).with(limit);
        self.0.ask(Access::Write, vec![horizon], Count(purge), Ok).await
    }
}

/// Each text walks one index from its newest entry on. The narrowest filter gets it: a subject, else an
/// event, else a tenant; the others are asked of what it finds.
fn list(filter: &AuditFilter, limit: u32) -> Statement {
    let event = filter.event.map(|event| event.as_str().to_owned());
    let tenant = filter.tenant.as_ref().map(|tenant| tenant.as_str().to_owned());
    let list = match (filter.subject, event, tenant) {
        (Some(subject), event, tenant) => {
            Statement::new(OF_SUBJECT).with(subject.as_i64()).with(event).with(tenant)
        }
        (None, Some(event), tenant) => Statement::new(OF_EVENT).with(event).with(tenant),
        (None, None, Some(tenant)) => Statement::new(OF_TENANT).with(tenant),
        (None, None, None) => Statement::new(OF_ALL),
    };
    let (since, until) = (filter.since, filter.until);
    let list = list.with(since).with(since).with(until).with(until);
    list.with(filter.before.unwrap_or(i64::MAX)).with(limit)
}

// The times stand in a form that is no condition at all where they are not given.
macro_rules! list {
    ($filter:literal) => {
        concat!(
            "SELECT ",
            audit_events!(),
            " FROM audit_events WHERE ",
            $filter,
            " CASE WHEN ? IS NULL THEN true ELSE at >= ? END AND CASE WHEN ? IS NULL THEN true ELSE at < ? END
             AND seq < ? ORDER BY seq DESC LIMIT ?"
        )
    };
}

const OF_SUBJECT: &str =
    list!("subject = ? AND event = coalesce(?, event) AND tenant = coalesce(?, tenant) AND");
const OF_EVENT: &str = list!("event = ? AND tenant = coalesce(?, tenant) AND");
const OF_TENANT: &str = list!("tenant = ? AND");
const OF_ALL: &str = list!("");

const APPEND: &str = "INSERT INTO audit_events (at, tenant, event, outcome, actor, subject, session, ip,
     user_agent, request_id, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::json)";

/// The rule of the table lets go of what is older than its horizon.
pub(super) const HORIZON: &str = "UPDATE audit_retention SET horizon = ? WHERE one = 1 AND horizon < ?";

const PURGE: &str = "DELETE FROM audit_events WHERE seq = ANY (ARRAY(
         SELECT seq FROM audit_events e WHERE at < ?
             AND NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.seq = e.seq)
         ORDER BY at, seq LIMIT ?
     ))";
