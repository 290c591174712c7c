//! Rows of `outbox`.

use auth_domain::{
    id::{OutboxId, UserId},
    outbox::{Intent, OutboxEntry, OutboxItem},
    port::StoreError,
    secret::{Digest, Sealed},
    tenant::TenantId,
};
use diesel::prelude::*;

use super::{agent_text, client, email, ip_text, micros, nullable, time};
use crate::{error::corrupt, schema::outbox};

/// A message that is owed.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = outbox,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct OutboxRow {
    id: i64,
    tenant: String,
    user_id: Option<i64>,
    kind: String,
    email: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    created_at: i64,
    due_at: i64,
    attempts: i64,
    once: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
}

impl From<&OutboxItem> for OutboxRow {
    fn from(item: &OutboxItem) -> Self {
        Self {
            id: item.id.as_i64(),
            tenant: item.tenant.to_string(),
            user_id: item.user.map(UserId::as_i64),
            kind: item.intent.kind().to_owned(),
            email: item.intent.email().map(|email| email.as_str().to_owned()),
            ip: ip_text(item.client.ip),
            user_agent: agent_text(item.client.user_agent.as_ref()),
            request_id: item.client.request_id.clone(),
            created_at: micros(item.created_at),
            due_at: micros(item.due_at),
            attempts: i64::from(item.attempts),
            once: item.once.map(|once| once.as_bytes().to_vec()),
            sealed: item.intent.sealed().map(|sealed| sealed.as_bytes().to_vec()),
        }
    }
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

/// A message and what became of it so far.
#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct EntryRow {
    #[diesel(embed)]
    item: OutboxRow,
    leased_until: Option<i64>,
    buried_at: Option<i64>,
    last_error: Option<String>,
}

impl TryFrom<EntryRow> for OutboxEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let item = OutboxItem::try_from(row.item)?;
        let known = |stored| nullable(stored, time).ok_or_else(|| corrupt("outbox", &item.id));
        let (leased_until, buried_at) = (known(row.leased_until)?, known(row.buried_at)?);
        Ok(Self { item, leased_until, buried_at, last_error: row.last_error })
    }
}
