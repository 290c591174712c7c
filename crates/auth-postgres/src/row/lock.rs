//! Rows of `login_locks`.

use std::fmt;

use auth_domain::{guard::lockout::LockState, port::StoreError};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{nullable, time};
use crate::{error::corrupt, statement::Value};

/// A failure count.
#[derive(Queryable)]
pub(crate) struct LockRow {
    key: Vec<u8>,
    failures: i64,
    locked_until: Option<PgTimestamp>,
    last_attempt_at: PgTimestamp,
}

impl LockRow {
    /// The key, unless somebody put another number of bytes there.
    pub(crate) fn key(&self) -> Option<[u8; 32]> {
        self.key.as_slice().try_into().ok()
    }
}

/// The columns of a failure count in their order.
pub(crate) fn lock_values(key: &[u8; 32], state: &LockState) -> [Value; 4] {
    [key.as_slice().into(), state.failures.into(), state.locked_until.into(), state.last_attempt_at.into()]
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
