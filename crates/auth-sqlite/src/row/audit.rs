//! Rows of `audit_events`.

use auth_domain::{
    audit::{AuditEntry, AuditRecord},
    id::{SessionId, UserId},
    port::StoreError,
    tenant::TenantId,
};
use diesel::prelude::*;
use serde::Serialize;

use super::{agent_text, client, ip_text, micros, time};
use crate::{error::corrupt, schema::audit_events};

/// An entry to append; the store gives the position.
#[derive(Insertable)]
#[diesel(table_name = audit_events, treat_none_as_default_value = false)]
pub(crate) struct NewAuditRow {
    at: i64,
    tenant: String,
    event: &'static str,
    outcome: &'static str,
    actor: Option<i64>,
    subject: Option<i64>,
    session: Option<i64>,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    details: String,
}

impl TryFrom<&AuditRecord> for NewAuditRow {
    type Error = StoreError;

    fn try_from(record: &AuditRecord) -> Result<Self, StoreError> {
        Ok(Self {
            at: micros(record.at),
            tenant: record.tenant.to_string(),
            event: record.event.as_str(),
            outcome: record.event.outcome().as_str(),
            actor: record.actor.map(UserId::as_i64),
            subject: record.subject.map(UserId::as_i64),
            session: record.session.map(SessionId::as_i64),
            ip: ip_text(record.client.ip),
            user_agent: agent_text(record.client.user_agent.as_ref()),
            request_id: record.client.request_id.clone(),
            details: details_text(&record.details)?,
        })
    }
}

impl TryFrom<&AuditEntry> for NewAuditRow {
    type Error = StoreError;

    fn try_from(entry: &AuditEntry) -> Result<Self, StoreError> {
        let details = entry.details.clone();
        let record = AuditRecord {
            at: entry.at,
            tenant: entry.tenant.clone(),
            event: entry.event,
            actor: entry.actor,
            subject: entry.subject,
            session: entry.session,
            client: entry.client.clone(),
            details: Vec::new(),
        };
        Ok(Self { details: details_text(&details)?, ..Self::try_from(&record)? })
    }
}

/// Pairs, not an object: the order stays, and a key may come twice.
fn details_text(pairs: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(pairs).map_err(|error| StoreError::Internal(Box::new(error)))
}

/// An entry as it is kept.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct AuditRow {
    seq: i64,
    at: i64,
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
