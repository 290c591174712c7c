//! Rows of `one_time_links`.

use auth_domain::{id::UserId, port::StoreError, tenant::TenantId, token::Link};
use diesel::prelude::*;

use super::{digest, email, micros, time};
use crate::{error::corrupt, schema::one_time_links};

/// A link; whether it was used is asked in the statement, not read.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = one_time_links, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct LinkRow {
    digest: Vec<u8>,
    tenant: String,
    pub(crate) user_id: i64,
    pub(crate) purpose: String,
    email: String,
    created_at: i64,
    expires_at: i64,
}

impl From<&Link> for LinkRow {
    fn from(link: &Link) -> Self {
        Self {
            digest: link.digest.as_bytes().to_vec(),
            tenant: link.tenant.to_string(),
            user_id: link.user.as_i64(),
            purpose: link.purpose.as_str().to_owned(),
            email: link.email.as_str().to_owned(),
            created_at: micros(link.created_at),
            expires_at: micros(link.expires_at),
        }
    }
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        // The digest stays out of the error: whose link it was is enough to find it.
        let id = format!("{} of user {}", row.purpose, row.user_id);
        link(&row).ok_or_else(|| corrupt("one_time_links", &id))
    }
}

fn link(row: &LinkRow) -> Option<Link> {
    Some(Link {
        digest: digest(&row.digest)?,
        tenant: TenantId::parse(&row.tenant).ok()?,
        user: UserId::from_i64(row.user_id),
        purpose: row.purpose.parse().ok()?,
        email: email(&row.email)?,
        created_at: time(row.created_at)?,
        expires_at: time(row.expires_at)?,
    })
}
