//! Rows of `signing_keys`.

use auth_domain::{
    port::StoreError,
    secret::Sealed,
    token::{KeyId, SigningKey},
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{nullable, time};
use crate::{error::corrupt, statement::Value};

/// A signing key, its private half sealed.
#[derive(Queryable)]
pub(crate) struct KeyRow {
    id: String,
    algorithm: String,
    private: Vec<u8>,
    public_jwk: String,
    created_at: PgTimestamp,
    activates_at: PgTimestamp,
    retires_at: Option<PgTimestamp>,
}

/// The columns of a key in their order.
pub(crate) fn key_values(key: &SigningKey) -> [Value; 7] {
    [
        key.id.as_str().into(),
        key.algorithm.as_str().into(),
        key.private.as_bytes().into(),
        key.public_jwk.as_str().into(),
        key.created_at.into(),
        key.activates_at.into(),
        key.retires_at.into(),
    ]
}

impl TryFrom<KeyRow> for SigningKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let id = row.id.clone();
        key(row).ok_or_else(|| corrupt("signing_keys", &id))
    }
}

fn key(row: KeyRow) -> Option<SigningKey> {
    Some(SigningKey {
        id: KeyId::new(row.id),
        algorithm: row.algorithm.parse().ok()?,
        private: Sealed::from_bytes(row.private),
        public_jwk: row.public_jwk,
        created_at: time(row.created_at)?,
        activates_at: time(row.activates_at)?,
        retires_at: nullable(row.retires_at, time)?,
    })
}
