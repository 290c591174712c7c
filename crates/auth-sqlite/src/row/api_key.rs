//! Rows of `api_keys`.

use auth_domain::{
    api_key::{ApiKey, ApiKeyName, KeyPrefix},
    id::{ApiKeyId, UserId},
    port::StoreError,
    tenant::TenantId,
};
use diesel::prelude::*;

use super::{digest, micros, nullable, time};
use crate::{error::corrupt, schema::api_keys};

/// A key of a program.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = api_keys,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct ApiKeyRow {
    id: i64,
    tenant: String,
    user_id: Option<i64>,
    made_by: i64,
    name: String,
    prefix: String,
    digest: Vec<u8>,
    scopes: String,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.as_i64(),
            tenant: key.tenant.as_str().to_owned(),
            user_id: key.person.map(UserId::as_i64),
            made_by: key.made_by.as_i64(),
            name: key.name.as_str().to_owned(),
            prefix: key.prefix.as_str().to_owned(),
            digest: key.digest.as_bytes().to_vec(),
            scopes: key.scopes.to_string(),
            created_at: micros(key.created_at),
            expires_at: micros(key.expires_at),
            last_used_at: key.last_used_at.map(micros),
            revoked_at: key.revoked_at.map(micros),
        }
    }
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
