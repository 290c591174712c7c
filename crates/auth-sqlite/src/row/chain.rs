//! Rows of `audit_chain` and `audit_checkpoints`, and of `audit_events` as they are.

use auth_domain::{
    audit::{
        AuditKey, ChainHash, ChainHead, ChainLink, ChainedRow, Checkpoint, ClientSeal, Salt, Signature,
        StoredRow,
    },
    port::StoreError,
};
use diesel::prelude::*;

use super::{micros, nullable, time};
use crate::{
    error::corrupt,
    schema::{audit_chain, audit_checkpoints, audit_events},
};

/// An entry of the log, taken as it is.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct StoredAuditRow {
    seq: i64,
    at: i64,
    tenant: String,
    event: String,
    outcome: String,
    actor: Option<i64>,
    subject: Option<i64>,
    session: Option<i64>,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    details: String,
}

impl TryFrom<StoredAuditRow> for StoredRow {
    type Error = StoreError;

    fn try_from(row: StoredAuditRow) -> Result<Self, StoreError> {
        let at = time(row.at).ok_or_else(|| corrupt("audit_events", &row.seq))?;
        // Whoever tampered with details need not have left them legible.
        let details = serde_json::from_str(&row.details)
            .unwrap_or_else(|_| vec![("illegible".to_owned(), row.details.clone())]);
        let StoredAuditRow { seq, tenant, event, outcome, actor, subject, session, .. } = row;
        let StoredAuditRow { ip, user_agent, request_id, .. } = row;
        Ok(Self {
            seq,
            at,
            tenant,
            event,
            outcome,
            actor,
            subject,
            session,
            ip,
            user_agent,
            request_id,
            details,
        })
    }
}

/// A link of the chain.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(
    table_name = audit_chain,
    treat_none_as_default_value = false,
    check_for_backend(diesel::sqlite::Sqlite)
)]
pub(crate) struct LinkRow {
    position: i64,
    seq: i64,
    at: i64,
    hash: Vec<u8>,
    client: Option<Vec<u8>>,
    salt: Option<Vec<u8>>,
}

impl From<&ChainLink> for LinkRow {
    fn from(link: &ChainLink) -> Self {
        Self {
            position: link.position,
            seq: link.seq,
            at: micros(link.at),
            hash: link.hash.as_bytes().to_vec(),
            client: link.client.map(|client| client.as_bytes().to_vec()),
            salt: link.salt.map(|salt| salt.as_bytes().to_vec()),
        }
    }
}

impl TryFrom<LinkRow> for ChainLink {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        let position = row.position;
        link(row).ok_or_else(|| corrupt("audit_chain", &position))
    }
}

fn link(row: LinkRow) -> Option<ChainLink> {
    Some(ChainLink {
        position: row.position,
        seq: row.seq,
        at: time(row.at)?,
        hash: ChainHash::from_bytes(row.hash.try_into().ok()?),
        client: nullable(row.client, |bytes| bytes.try_into().ok().map(ClientSeal::from_bytes))?,
        salt: nullable(row.salt, |bytes| bytes.try_into().ok().map(Salt::from_bytes))?,
    })
}

/// A link and the entry it covers.
pub(crate) type LinkedRow = (LinkRow, Option<StoredAuditRow>);

/// Reads a link and the entry it covers.
pub(crate) fn chained((link, row): LinkedRow) -> Result<ChainedRow, StoreError> {
    Ok(ChainedRow { link: link.try_into()?, row: row.map(StoredRow::try_from).transpose()? })
}

/// A checkpoint.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_checkpoints, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct CheckpointRow {
    number: i64,
    kind: String,
    position: i64,
    hash: Vec<u8>,
    at: i64,
    key: Vec<u8>,
    signature: Vec<u8>,
}

impl From<&Checkpoint> for CheckpointRow {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            number: checkpoint.number,
            kind: checkpoint.kind.as_str().to_owned(),
            position: checkpoint.head.position,
            hash: checkpoint.head.hash.as_bytes().to_vec(),
            at: micros(checkpoint.at),
            key: checkpoint.key.as_bytes().to_vec(),
            signature: checkpoint.signature.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<CheckpointRow> for Checkpoint {
    type Error = StoreError;

    fn try_from(row: CheckpointRow) -> Result<Self, StoreError> {
        let number = row.number;
        checkpoint(row).ok_or_else(|| corrupt("audit_checkpoints", &number))
    }
}

fn checkpoint(row: CheckpointRow) -> Option<Checkpoint> {
    Some(Checkpoint {
        number: row.number,
        kind: row.kind.parse().ok()?,
        head: ChainHead { position: row.position, hash: ChainHash::from_bytes(row.hash.try_into().ok()?) },
        at: time(row.at)?,
        key: AuditKey::from_bytes(row.key.try_into().ok()?),
        signature: Signature::from_bytes(row.signature.try_into().ok()?),
    })
}
