//! Rows of `api_keys`.

use auth_domain::{
    api_key::{ApiKey, ApiKeyName, KeyPrefix},
    id::{ApiKeyId, UserId},
    port::StoreError,
    tenant::TenantId,
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{digest, nullable, time};
use crate::{error::corrupt, statement::Value};

/// A key of a program.
#[derive(Queryable)]
pub(crate) struct ApiKeyRow {
    id: i64,
    tenant: String,
    user_id: Option<i64>,
    made_by: i64,
    name: String,
    prefix: String,
    digest: Vec<u8>,
    scopes: String,
    created_at: PgTimestamp,
    expires_at: PgTimestamp,
    last_used_at: Option<PgTimestamp>,
    revoked_at: Option<PgTimestamp>,
}

/// The columns of a key in their order.
pub(crate) fn api_key_values(key: &ApiKey) -> [Value; 12] {
    [
        key.id.as_i64().into(),
        key.tenant.as_str().into(),
        key.person.map(UserId::as_i64).into(),
        key.made_by.as_i64().into(),
        key.name.as_str().into(),
        key.prefix.as_str().into(),
        (&key.digest).into(),
        key.scopes.to_string().into(),
        key.created_at.into(),
        key.expires_at.into(),
        key.last_used_at.into(),
        key.revoked_at.into(),
    ]
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: ApiKeyRow) -> Result<Self, StoreError> {
        api_key(&row).ok_or_else(|| corrupt("api_keys", &row.id))
    }
}

fn api_key(row: &ApiKeyRow) -> Option<ApiKey> {
    Some(ApiKey {
        id: ApiKeyId::from_i64(row.id),
        tenant: TenantId::parse(&row.tenant).ok()?,
        person: row.user_id.map(UserId::from_i64),
        made_by: UserId::from_i64(row.made_by),
        name: ApiKeyName::parse(&row.name).ok()?,
        prefix: KeyPrefix::parse(&row.prefix)?,
        digest: digest(&row.digest)?,
        scopes: row.scopes.parse().ok()?,
        created_at: time(row.created_at)?,
        expires_at: time(row.expires_at)?,
        last_used_at: nullable(row.last_used_at, time)?,
        revoked_at: nullable(row.revoked_at, time)?,
    })
}
