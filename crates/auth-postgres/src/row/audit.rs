//! Rows of `audit_events`.

use auth_domain::{
    audit::{AuditEntry, AuditRecord},
    id::{SessionId, UserId},
    port::StoreError,
    tenant::TenantId,
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};
use serde::Serialize;

use super::{agent_value, client, ip_value, time};
use crate::{error::corrupt, statement::Value};

/// An entry as it is kept.
#[derive(Queryable)]
pub(crate) struct AuditRow {
    seq: i64,
    at: PgTimestamp,
    tenant: String,
    event: String,
    actor: Option<i64>,
    subject: Option<i64>,
    session: Option<i64>,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    details: String,
}

/// The columns of a new entry in their order; the store gives the position.
pub(crate) fn audit_values(record: &AuditRecord) -> Result<[Value; 11], StoreError> {
    let AuditRecord { at, tenant, event, actor, subject, session, client, details } = record;
    Ok([
        (*at).into(),
        tenant.as_str().into(),
        event.as_str().into(),
        event.outcome().as_str().into(),
        actor.map(UserId::as_i64).into(),
        subject.map(UserId::as_i64).into(),
        session.map(SessionId::as_i64).into(),
        ip_value(client.ip),
        agent_value(client.user_agent.as_ref()),
        client.request_id.clone().into(),
        details_value(details)?,
    ])
}

/// The columns of an entry that comes from another store, in their order, but for its position.
pub(crate) fn entry_values(entry: &AuditEntry) -> Result<[Value; 11], StoreError> {
    let AuditEntry { seq: _, at, tenant, event, actor, subject, session, client, details } = entry.clone();
    let record = AuditRecord { at, tenant, event, actor, subject, session, client, details: Vec::new() };
    let mut values = audit_values(&record)?;
    values[10] = details_value(&details)?;
    Ok(values)
}

/// Pairs, not an object: the order stays, and a key may come twice.
fn details_value(pairs: &impl Serialize) -> Result<Value, StoreError> {
    let text = serde_json::to_string(pairs).map_err(|error| StoreError::Internal(Box::new(error)))?;
    Ok(text.into())
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self, StoreError> {
        let seq = row.seq;
        entry(row).ok_or_else(|| corrupt("audit_events", &seq))
    }
}

fn entry(row: AuditRow) -> Option<AuditEntry> {
    Some(AuditEntry {
        seq: row.seq,
        at: time(row.at)?,
        tenant: TenantId::parse(&row.tenant).ok()?,
        event: row.event.parse().ok()?,
        actor: row.actor.map(UserId::from_i64),
        subject: row.subject.map(UserId::from_i64),
        session: row.session.map(SessionId::from_i64),
        client: client(row.ip, row.user_agent, row.request_id)?,
        details: serde_json::from_str(&row.details).ok()?,
    })
}
