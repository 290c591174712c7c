//! Rows of `audit_chain` and `audit_checkpoints`, and of `audit_events` as they are.

use auth_domain::{
    audit::{
        AuditKey, ChainHash, ChainHead, ChainLink, ChainedRow, Checkpoint, ClientSeal, Salt, Signature,
        StoredRow,
    },
    port::StoreError,
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{nullable, time, timestamp};
use crate::{error::corrupt, statement::Value};

/// An entry of the log, taken as it is.
#[derive(Queryable)]
pub(crate) struct StoredAuditRow {
    seq: i64,
    at: PgTimestamp,
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
#[derive(Queryable)]
pub(crate) struct ChainRow {
    position: i64,
    seq: i64,
    at: PgTimestamp,
    hash: Vec<u8>,
    client: Option<Vec<u8>>,
    salt: Option<Vec<u8>>,
}

impl TryFrom<ChainRow> for ChainLink {
    type Error = StoreError;

    fn try_from(row: ChainRow) -> Result<Self, StoreError> {
        let position = row.position;
        link(row).ok_or_else(|| corrupt("audit_chain", &position))
    }
}

fn link(row: ChainRow) -> Option<ChainLink> {
    Some(ChainLink {
        position: row.position,
        seq: row.seq,
        at: time(row.at)?,
        hash: ChainHash::from_bytes(row.hash.try_into().ok()?),
        client: nullable(row.client, |bytes| bytes.try_into().ok().map(ClientSeal::from_bytes))?,
        salt: nullable(row.salt, |bytes| bytes.try_into().ok().map(Salt::from_bytes))?,
    })
}

/// The columns of one link in their order.
pub(crate) fn chain_values(link: &ChainLink) -> [Value; 6] {
    [
        link.position.into(),
        link.seq.into(),
        link.at.into(),
        link.hash.as_bytes().as_slice().into(),
        link.client.map(|client| client.as_bytes().to_vec()).into(),
        link.salt.map(|salt| salt.as_bytes().to_vec()).into(),
    ]
}

/// The columns of many links in their order, each as an array.
pub(crate) fn links_values(links: &[ChainLink]) -> [Value; 6] {
    let positions: Vec<i64> = links.iter().map(|link| link.position).collect();
    let entries: Vec<i64> = links.iter().map(|link| link.seq).collect();
    let times: Vec<PgTimestamp> = links.iter().map(|link| timestamp(link.at)).collect();
    let hashes: Vec<Vec<u8>> = links.iter().map(|link| link.hash.as_bytes().to_vec()).collect();
    let clients: Vec<Option<Vec<u8>>> =
        links.iter().map(|link| link.client.map(|client| client.as_bytes().to_vec())).collect();
    let salts: Vec<Option<Vec<u8>>> =
        links.iter().map(|link| link.salt.map(|salt| salt.as_bytes().to_vec())).collect();
    [positions.into(), entries.into(), times.into(), hashes.into(), clients.into(), salts.into()]
}

/// Reads a link and the entry it covers.
pub(crate) fn chained((link, row): (ChainRow, Option<StoredAuditRow>)) -> Result<ChainedRow, StoreError> {
    Ok(ChainedRow { link: link.try_into()?, row: row.map(StoredRow::try_from).transpose()? })
}

/// A checkpoint.
#[derive(Queryable)]
pub(crate) struct CheckpointRow {
    number: i64,
    kind: String,
    position: i64,
    hash: Vec<u8>,
    at: PgTimestamp,
    key: Vec<u8>,
    signature: Vec<u8>,
}

/// The columns of a checkpoint in their order.
pub(crate) fn checkpoint_values(checkpoint: &Checkpoint) -> [Value; 7] {
    [
        checkpoint.number.into(),
        checkpoint.kind.as_str().into(),
        checkpoint.head.position.into(),
        checkpoint.head.hash.as_bytes().as_slice().into(),
        checkpoint.at.into(),
        checkpoint.key.as_bytes().as_slice().into(),
        checkpoint.signature.as_bytes().as_slice().into(),
    ]
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
