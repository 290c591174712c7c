//! Rows of `signing_keys`.

use auth_domain::{
    port::StoreError,
    secret::Sealed,
    token::{KeyId, SigningKey},
};
use diesel::prelude::*;

use super::{micros, nullable, time};
use crate::{error::corrupt, schema::signing_keys};

/// A signing key, its private half sealed.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = signing_keys,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct KeyRow {
    id: String,
    algorithm: String,
    private: Vec<u8>,
    public_jwk: String,
    created_at: i64,
    activates_at: i64,
    retires_at: Option<i64>,
}

impl From<&SigningKey> for KeyRow {
    fn from(key: &SigningKey) -> Self {
        Self {
            id: key.id.to_string(),
            algorithm: key.algorithm.to_string(),
            private: key.private.as_bytes().to_vec(),
            public_jwk: key.public_jwk.clone(),
            created_at: micros(key.created_at),
            activates_at: micros(key.activates_at),
            retires_at: key.retires_at.map(micros),
        }
    }
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
