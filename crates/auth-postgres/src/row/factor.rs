//! Rows of `totp_secrets` and `recovery_codes`.

use auth_domain::{
    factor::TimeStep,
    id::UserId,
    port::{PendingTotp, StoreError, StoredRecoveryCode, StoredTotp},
    secret::Sealed,
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{digest, nullable, time};
use crate::{error::corrupt, statement::Value};

/// An authenticator app, its secrets sealed.
#[derive(Queryable)]
pub(crate) struct TotpRow {
    user_id: i64,
    secret: Option<Vec<u8>>,
    last_step: Option<i64>,
    pending: Option<Vec<u8>>,
    pending_since: Option<PgTimestamp>,
}

impl TotpRow {
    /// Whose app it is.
    pub(crate) const fn user(&self) -> UserId {
        UserId::from_i64(self.user_id)
    }
}

/// The columns of an authenticator app in their order.
pub(crate) fn totp_values(user: UserId, stored: &StoredTotp) -> [Value; 5] {
    let bytes = |sealed: &Sealed| sealed.as_bytes().to_vec();
    [
        user.as_i64().into(),
        stored.secret.as_ref().map(bytes).into(),
        stored.last_step.map(TimeStep::as_i64).into(),
        stored.pending.as_ref().map(|pending| bytes(&pending.secret)).into(),
        stored.pending.as_ref().map(|pending| pending.since).into(),
    ]
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
#[derive(Queryable)]
pub(crate) struct RecoveryCodeRow {
    digest: Vec<u8>,
    user_id: i64,
    created_at: PgTimestamp,
    used_at: Option<PgTimestamp>,
}

/// The columns of a recovery code in their order.
pub(crate) fn recovery_code_values(code: &StoredRecoveryCode) -> [Value; 4] {
    [(&code.digest).into(), code.user.as_i64().into(), code.created_at.into(), code.used_at.into()]
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
