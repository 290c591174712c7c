//! Rows of `linked_identities`.

use auth_domain::{
    id::{IdentityId, UserId},
    port::{IdentityKey, StoreError},
    secret::Sealed,
    user::LinkedIdentity,
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{digest, nullable, time};
use crate::{error::corrupt, statement::Value};

/// The account of a provider that is linked to an account. Leases are none of its business.
#[derive(Queryable)]
pub(crate) struct IdentityRow {
    id: i64,
    user_id: i64,
    issuer: String,
    subject: String,
    linked_at: PgTimestamp,
    proved_at: PgTimestamp,
    checked_at: PgTimestamp,
    grant_sealed: Option<Vec<u8>>,
    migrated: Option<Vec<u8>>,
}

/// The columns of a link in their order, but for the lease.
pub(crate) fn identity_values(identity: &LinkedIdentity) -> [Value; 9] {
    [
        identity.id.as_i64().into(),
        identity.user.as_i64().into(),
        identity.key.issuer().into(),
        identity.key.subject().into(),
        identity.linked_at.into(),
        identity.proved_at.into(),
        identity.checked_at.into(),
        grant_value(identity),
        identity.migrated.into(),
    ]
}

pub(crate) fn grant_value(identity: &LinkedIdentity) -> Value {
    identity.grant.as_ref().map(|grant| grant.as_bytes().to_vec()).into()
}

impl TryFrom<IdentityRow> for LinkedIdentity {
    type Error = StoreError;

    fn try_from(row: IdentityRow) -> Result<Self, StoreError> {
        let id = row.id;
        identity(row).ok_or_else(|| corrupt("linked_identities", &id))
    }
}

fn identity(row: IdentityRow) -> Option<LinkedIdentity> {
    Some(LinkedIdentity {
        id: IdentityId::from_i64(row.id),
        user: UserId::from_i64(row.user_id),
        key: IdentityKey::new(&row.issuer, &row.subject).ok()?,
        linked_at: time(row.linked_at)?,
        proved_at: time(row.proved_at)?,
        checked_at: time(row.checked_at)?,
        grant: row.grant_sealed.map(Sealed::from_bytes),
        migrated: nullable(row.migrated, |bytes| digest(&bytes))?,
    })
}
