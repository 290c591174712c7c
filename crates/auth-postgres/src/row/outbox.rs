//! Rows of `outbox`.

use auth_domain::{
    id::{OutboxId, UserId},
    outbox::{Intent, OutboxEntry, OutboxItem},
    port::StoreError,
    secret::{Digest, Sealed},
    tenant::TenantId,
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{agent_value, client, email, ip_value, nullable, time};
use crate::{error::corrupt, statement::Value};

/// A message that is owed.
#[derive(Queryable)]
pub(crate) struct OutboxRow {
    id: i64,
    tenant: String,
    user_id: Option<i64>,
    kind: String,
    email: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    created_at: PgTimestamp,
    due_at: PgTimestamp,
    attempts: i64,
    once: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
}

/// The columns of a message in their order.
pub(crate) fn outbox_values(item: &OutboxItem) -> [Value; 13] {
    [
        item.id.as_i64().into(),
        item.tenant.as_str().into(),
        item.user.map(UserId::as_i64).into(),
        item.intent.kind().into(),
        item.intent.email().map(|email| email.as_str().to_owned()).into(),
        ip_value(item.client.ip),
        agent_value(item.client.user_agent.as_ref()),
        item.client.request_id.clone().into(),
        item.created_at.into(),
        item.due_at.into(),
        item.attempts.into(),
        item.once.into(),
        item.intent.sealed().map(|sealed| sealed.as_bytes().to_vec()).into(),
    ]
}

impl TryFrom<OutboxRow> for OutboxItem {
    type Error = StoreError;

    fn try_from(row: OutboxRow) -> Result<Self, StoreError> {
        let id = row.id;
        item(row).ok_or_else(|| corrupt("outbox", &id))
    }
}

fn item(row: OutboxRow) -> Option<OutboxItem> {
    let address = nullable(row.email, |text| email(&text))?;
    Some(OutboxItem {
        id: OutboxId::from_i64(row.id),
        tenant: TenantId::parse(&row.tenant).ok()?,
        user: row.user_id.map(UserId::from_i64),
        intent: Intent::from_parts(&row.kind, address, row.sealed.map(Sealed::from_bytes)).ok()?,
        client: client(row.ip, row.user_agent, row.request_id)?,
        created_at: time(row.created_at)?,
        due_at: time(row.due_at)?,
        attempts: u32::try_from(row.attempts).ok()?,
        once: nullable(row.once, |bytes| bytes.try_into().ok().map(Digest::from_bytes))?,
    })
}

/// A message and what became of it so far: until when it is leased, when it was buried, its last error.
pub(crate) type EntryRow = (OutboxRow, Option<PgTimestamp>, Option<PgTimestamp>, Option<String>);

/// Makes an entry of a row.
pub(crate) fn outbox_entry((row, leased, buried, last_error): EntryRow) -> Result<OutboxEntry, StoreError> {
    let item = OutboxItem::try_from(row)?;
    let known = |stored| nullable(stored, time).ok_or_else(|| corrupt("outbox", &item.id));
    let (leased_until, buried_at) = (known(leased)?, known(buried)?);
    Ok(OutboxEntry { item, leased_until, buried_at, last_error })
}
