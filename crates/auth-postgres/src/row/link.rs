//! Rows of `one_time_links`.

use auth_domain::{id::UserId, port::StoreError, tenant::TenantId, token::Link};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{digest, email, time};
use crate::{error::corrupt, statement::Value};

/// A link.
#[derive(Queryable)]
pub(crate) struct LinkRow {
    digest: Vec<u8>,
    tenant: String,
    user_id: i64,
    purpose: String,
    email: String,
    created_at: PgTimestamp,
    expires_at: PgTimestamp,
}

/// The columns of a link in their order.
pub(crate) fn link_values(link: &Link) -> [Value; 7] {
    [
        (&link.digest).into(),
        link.tenant.as_str().into(),
        link.user.as_i64().into(),
        link.purpose.as_str().into(),
        (&link.email).into(),
        link.created_at.into(),
        link.expires_at.into(),
    ]
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
