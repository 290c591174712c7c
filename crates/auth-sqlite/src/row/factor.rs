//! Rows of `totp_secrets` and `recovery_codes`.

use auth_domain::{
    factor::TimeStep,
    id::UserId,
    port::{PendingTotp, StoreError, StoredRecoveryCode, StoredTotp},
    secret::Sealed,
};
use diesel::prelude::*;

use super::{digest, micros, nullable, time};
use crate::{
    error::corrupt,
    schema::{recovery_codes, totp_secrets},
};

/// An authenticator app, its secrets sealed.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = totp_secrets,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct TotpRow {
    pub(crate) user_id: i64,
    secret: Option<Vec<u8>>,
    last_step: Option<i64>,
    pending: Option<Vec<u8>>,
    pending_since: Option<i64>,
}

impl TotpRow {
    pub(crate) fn new(user: UserId, stored: &StoredTotp) -> Self {
        let bytes = |sealed: &Sealed| sealed.as_bytes().to_vec();
        Self {
            user_id: user.as_i64(),
            secret: stored.secret.as_ref().map(bytes),
            last_step: stored.last_step.map(TimeStep::as_i64),
            pending: stored.pending.as_ref().map(|pending| bytes(&pending.secret)),
            pending_since: stored.pending.as_ref().map(|pending| micros(pending.since)),
        }
    }
}

impl TryFrom<TotpRow> for StoredTotp {
    type Error = StoreError;

    fn try_from(row: TotpRow) -> Result<Self, StoreError> {
        let id = row.user_id;
        totp(row).ok_or_else(|| corrupt("totp_secrets", &id))
    }
}

fn totp(row: TotpRow) -> Option<StoredTotp> {
    let pending = match (row.pending, row.pending_since) {
        (None, None) => None,
        (Some(secret), Some(since)) => {
            Some(PendingTotp { secret: Sealed::from_bytes(secret), since: time(since)? })
        }
        _ => return None,
    };
    if row.secret.is_none() && row.last_step.is_some() {
        return None;
    }
    Some(StoredTotp {
        secret: row.secret.map(Sealed::from_bytes),
        last_step: row.last_step.map(TimeStep::from_i64),
        pending,
    })
}

/// A recovery code.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = recovery_codes,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct RecoveryCodeRow {
    digest: Vec<u8>,
    user_id: i64,
    created_at: i64,
    used_at: Option<i64>,
}

impl From<&StoredRecoveryCode> for RecoveryCodeRow {
    fn from(code: &StoredRecoveryCode) -> Self {
        Self {
            digest: code.digest.as_bytes().to_vec(),
            user_id: code.user.as_i64(),
            created_at: micros(code.created_at),
            used_at: code.used_at.map(micros),
        }
    }
}

impl TryFrom<RecoveryCodeRow> for StoredRecoveryCode {
    type Error = StoreError;

    fn try_from(row: RecoveryCodeRow) -> Result<Self, StoreError> {
        // The digest stays out of the error: whose code it was is enough to find it.
        code(&row).ok_or_else(|| corrupt("recovery_codes", &format!("of user {}", row.user_id)))
    }
}

fn code(row: &RecoveryCodeRow) -> Option<StoredRecoveryCode> {
    Some(StoredRecoveryCode {
        digest: digest(&row.digest)?,
        user: UserId::from_i64(row.user_id),
        created_at: time(row.created_at)?,
        used_at: nullable(row.used_at, time)?,
    })
}
