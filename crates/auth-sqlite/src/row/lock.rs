//! Rows of `login_locks`.

use std::fmt;

use auth_domain::{guard::lockout::LockState, port::StoreError};
use diesel::prelude::*;

use super::{micros, nullable, time};
use crate::{error::corrupt, schema::login_locks};

/// A failure count.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(
    table_name = login_locks,
    primary_key(key),
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false,
    treat_none_as_null = true
)]
pub(crate) struct LockRow {
    key: Vec<u8>,
    failures: i64,
    locked_until: Option<i64>,
    last_attempt_at: i64,
}

impl LockRow {
    pub(crate) fn new(key: &[u8; 32], state: &LockState) -> Self {
        Self {
            key: key.to_vec(),
            failures: i64::from(state.failures),
            locked_until: state.locked_until.map(micros),
            last_attempt_at: micros(state.last_attempt_at),
        }
    }

    /// The key, unless somebody put another number of bytes there.
    pub(crate) fn key(&self) -> Option<[u8; 32]> {
        self.key.as_slice().try_into().ok()
    }
}

impl TryFrom<LockRow> for LockState {
    type Error = StoreError;

    fn try_from(row: LockRow) -> Result<Self, StoreError> {
        // The key is a keyed hash and says nothing without the server's key.
        let key = || LowerHex(&row.key).to_string();
        state(&row).ok_or_else(|| corrupt("login_locks", &key()))
    }
}

fn state(row: &LockRow) -> Option<LockState> {
    Some(LockState {
        failures: u32::try_from(row.failures).ok()?,
        locked_until: nullable(row.locked_until, time)?,
        last_attempt_at: time(row.last_attempt_at)?,
    })
}

struct LowerHex<'a>(&'a [u8]);

impl fmt::Display for LowerHex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
