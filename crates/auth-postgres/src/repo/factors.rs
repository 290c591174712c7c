//! Secrets of authenticator apps, and recovery codes.

use async_trait::async_trait;
use auth_domain::{
    factor::TimeStep,
    id::UserId,
    port::{FactorRepo, PendingTotp, StoreError, StoredTotp},
    secret::Digest,
};
use chrono::{DateTime, Utc};
use diesel::sql_types::BigInt;

use super::{LOCK_OWNER, entity};
use crate::{
    exchange::{Count, Find},
    row::TotpRow,
    runner::{Access, Repositories, Runner},
    schema::{TotpSecrets, totp_secrets},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> FactorRepo for Repositories<R> {
    async fn totp(&mut self, user: UserId) -> Result<StoredTotp, StoreError> {
        let find = Find::<TotpSecrets, TotpRow>::new(Statement::new(TOTP).with(user.as_i64()));
        let stored: Option<StoredTotp> = self.0.ask(Access::Read, Vec::new(), find, entity).await?;
        Ok(stored.unwrap_or_default())
    }

    async fn put_pending_totp(&mut self, user: UserId, pending: &PendingTotp) -> Result<(), StoreError> {
        let put = Statement::new(PUT_PENDING)
            .with(user.as_i64())
            .with(pending.secret.as_bytes())
            .with(pending.since);
        self.0.tell(vec![put]).await
    }

    async fn activate_totp(
        &mut self,
        user: UserId,
        pending: &PendingTotp,
        step: TimeStep,
    ) -> Result<bool, StoreError> {
        let activate = Statement::new(ACTIVATE)
            .with(step.as_i64())
            .with(user.as_i64())
            .with(pending.secret.as_bytes())
            .with(pending.since);
        self.0.ask(Access::Write, Vec::new(), Count(activate), |rows| Ok(rows == 1)).await
    }

    async fn advance_step(&mut self, user: UserId, step: TimeStep) -> Result<bool, StoreError> {
        let step = step.as_i64();
        let advance = Statement::new(ADVANCE_STEP).with(step).with(user.as_i64()).with(step);
        self.0.ask(Access::Write, Vec::new(), Count(advance), |rows| Ok(rows == 1)).await
    }

    async fn remove_totp(&mut self, user: UserId) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(REMOVE_TOTP).with(user.as_i64())]).await
    }

    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[Digest],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let user = user.as_i64();
        let owner = Statement::new(LOCK_OWNER).with(user);
        let remove = Statement::new(REMOVE_CODES).with(user);
        let add = Statement::new(ADD_CODES).with(codes).with(user).with(now);
        self.0.tell(vec![owner, remove, add]).await
    }

    async fn consume_recovery_code(
        &mut self,
        user: UserId,
        code: &Digest,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let consume = Statement::new(CONSUME_CODE).with(now).with(code).with(user.as_i64());
        self.0.ask(Access::Write, Vec::new(), Count(consume), |rows| Ok(rows == 1)).await
    }

    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u32, StoreError> {
        let left = Find::<BigInt, i64>::new(Statement::new(CODES_LEFT).with(user.as_i64()));
        let first =
            |rows: Vec<i64>| Ok(rows.first().map_or(0, |&left| u32::try_from(left).unwrap_or(u32::MAX)));
        self.0.ask(Access::Read, Vec::new(), left, first).await
    }
}

const TOTP: &str = concat!("SELECT ", totp_secrets!(), " FROM totp_secrets WHERE user_id = ?");

const PUT_PENDING: &str = "INSERT INTO totp_secrets (user_id, pending, pending_since) VALUES (?, ?, ?)
     ON CONFLICT (user_id) DO UPDATE SET pending = excluded.pending, pending_since = excluded.pending_since";

/// Of parallel calls the first takes away what the others look for.
const ACTIVATE: &str = "UPDATE totp_secrets
     SET secret = pending, last_step = ?, pending = NULL, pending_since = NULL
     WHERE user_id = ? AND pending = ? AND pending_since = ?";

/// Parallel calls take turns on the row, and look at the step again when their turn comes.
const ADVANCE_STEP: &str = "UPDATE totp_secrets SET last_step = ?
     WHERE user_id = ? AND secret IS NOT NULL AND (last_step IS NULL OR last_step < ?)";

const REMOVE_TOTP: &str = "DELETE FROM totp_secrets WHERE user_id = ?";

const REMOVE_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = ?";

const ADD_CODES: &str = "INSERT INTO recovery_codes (digest, user_id, created_at) SELECT unnest(?), ?, ?";

const CONSUME_CODE: &str =
    "UPDATE recovery_codes SET used_at = ? WHERE digest = ? AND user_id = ? AND used_at IS NULL";

const CODES_LEFT: &str = "SELECT count(*) FROM recovery_codes WHERE user_id = ? AND used_at IS NULL";
