//! Rows of `linked_identities`.

use auth_domain::{
    id::{IdentityId, UserId},
    port::{IdentityKey, StoreError},
    secret::Sealed,
    user::LinkedIdentity,
};
use diesel::prelude::*;

use super::{digest, micros, nullable, time};
use crate::{error::corrupt, schema::linked_identities};

/// The account of a provider that is linked to an account. Leases are none of its business.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = linked_identities,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct IdentityRow {
    pub(crate) id: i64,
    user_id: i64,
    issuer: String,
    subject: String,
    linked_at: i64,
    pub(crate) proved_at: i64,
    pub(crate) checked_at: i64,
    pub(crate) grant_sealed: Option<Vec<u8>>,
    pub(crate) migrated: Option<Vec<u8>>,
}

impl From<&LinkedIdentity> for IdentityRow {
    fn from(identity: &LinkedIdentity) -> Self {
        Self {
            id: identity.id.as_i64(),
            user_id: identity.user.as_i64(),
            issuer: identity.key.issuer().to_owned(),
            subject: identity.key.subject().to_owned(),
            linked_at: micros(identity.linked_at),
            proved_at: micros(identity.proved_at),
            checked_at: micros(identity.checked_at),
            grant_sealed: identity.grant.as_ref().map(|grant| grant.as_bytes().to_vec()),
            migrated: identity.migrated.map(|digest| digest.as_bytes().to_vec()),
        }
    }
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
