//! Secrets of authenticator apps, and recovery codes.

use async_trait::async_trait;
use auth_domain::{
    factor::TimeStep,
    id::UserId,
    port::{FactorRepo, PendingTotp, StoreError, StoredRecoveryCode, StoredTotp},
    secret::Digest,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::entity;
use crate::{
    error::Fault,
    row::{RecoveryCodeRow, TotpRow, micros},
    runner::{Repositories, Runner},
    schema::{recovery_codes, totp_secrets},
};

#[async_trait]
impl<R: Runner> FactorRepo for Repositories<R> {
    async fn totp(&mut self, user: UserId) -> Result<StoredTotp, StoreError> {
        self.0.read(move |conn| totp(conn, user)).await
    }

    async fn put_pending_totp(&mut self, user: UserId, pending: &PendingTotp) -> Result<(), StoreError> {
        let pending = pending.clone();
        self.0.write(move |conn| put_pending(conn, user, &pending)).await
    }

    async fn activate_totp(
        &mut self,
        user: UserId,
        pending: &PendingTotp,
        step: TimeStep,
    ) -> Result<bool, StoreError> {
        let pending = pending.clone();
        self.0.write(move |conn| activate(conn, user, &pending, step)).await
    }

    async fn advance_step(&mut self, user: UserId, step: TimeStep) -> Result<bool, StoreError> {
        self.0.write(move |conn| advance_step(conn, user, step)).await
    }

    async fn remove_totp(&mut self, user: UserId) -> Result<(), StoreError> {
        self.0.write(move |conn| remove_totp(conn, user)).await
    }

    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[Digest],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = |&digest| StoredRecoveryCode { digest, user, created_at: now, used_at: None };
        let rows: Vec<_> = codes.iter().map(|code| RecoveryCodeRow::from(&row(code))).collect();
        self.0.write(move |conn| replace_codes(conn, user, &rows)).await
    }

    async fn consume_recovery_code(
        &mut self,
        user: UserId,
        code: &Digest,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let code = *code;
        self.0.write(move |conn| consume_code(conn, user, &code, now)).await
    }

    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u32, StoreError> {
        self.0.read(move |conn| codes_left(conn, user)).await
    }
}

fn totp(conn: &mut SqliteConnection, user: UserId) -> Result<StoredTotp, Fault> {
    let row = totp_secrets::table.find(user.as_i64()).select(TotpRow::as_select()).first(conn).optional()?;
    Ok(entity(row)?.unwrap_or_default())
}

fn put_pending(conn: &mut SqliteConnection, user: UserId, pending: &PendingTotp) -> Result<(), Fault> {
    let columns = (
        totp_secrets::pending.eq(pending.secret.as_bytes()),
        totp_secrets::pending_since.eq(micros(pending.since)),
    );
    diesel::insert_into(totp_secrets::table)
        .values((totp_secrets::user_id.eq(user.as_i64()), columns))
        .on_conflict(totp_secrets::user_id)
        .do_update()
        .set(columns)
        .execute(conn)?;
    Ok(())
}

fn activate(
    conn: &mut SqliteConnection,
    user: UserId,
    pending: &PendingTotp,
    step: TimeStep,
) -> Result<bool, Fault> {
    let waiting = totp_secrets::table
        .find(user.as_i64())
        .filter(totp_secrets::pending.eq(pending.secret.as_bytes()))
        .filter(totp_secrets::pending_since.eq(micros(pending.since)));
    let activated = diesel::update(waiting)
        .set((
            totp_secrets::secret.eq(totp_secrets::pending),
            totp_secrets::last_step.eq(step.as_i64()),
            totp_secrets::pending.eq(None::<Vec<u8>>),
            totp_secrets::pending_since.eq(None::<i64>),
        ))
        .execute(conn)?;
    Ok(activated == 1)
}

fn advance_step(conn: &mut SqliteConnection, user: UserId, step: TimeStep) -> Result<bool, Fault> {
    let step = step.as_i64();
    let earlier = totp_secrets::table
        .find(user.as_i64())
        .filter(totp_secrets::secret.is_not_null())
        .filter(totp_secrets::last_step.is_null().or(totp_secrets::last_step.lt(step)));
    Ok(diesel::update(earlier).set(totp_secrets::last_step.eq(step)).execute(conn)? == 1)
}

fn remove_totp(conn: &mut SqliteConnection, user: UserId) -> Result<(), Fault> {
    diesel::delete(totp_secrets::table.find(user.as_i64())).execute(conn)?;
    Ok(())
}

fn replace_codes(conn: &mut SqliteConnection, user: UserId, rows: &[RecoveryCodeRow]) -> Result<(), Fault> {
    let old = recovery_codes::table.filter(recovery_codes::user_id.eq(user.as_i64()));
    diesel::delete(old).execute(conn)?;
    for row in rows {
        diesel::insert_into(recovery_codes::table).values(row).execute(conn)?;
    }
    Ok(())
}

fn consume_code(
    conn: &mut SqliteConnection,
    user: UserId,
    code: &Digest,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let unused = recovery_codes::table
        .find(code.as_bytes().as_slice())
        .filter(recovery_codes::user_id.eq(user.as_i64()))
        .filter(recovery_codes::used_at.is_null());
    Ok(diesel::update(unused).set(recovery_codes::used_at.eq(micros(now))).execute(conn)? == 1)
}

fn codes_left(conn: &mut SqliteConnection, user: UserId) -> Result<u32, Fault> {
    let left: i64 = recovery_codes::table
        .filter(recovery_codes::user_id.eq(user.as_i64()))
        .filter(recovery_codes::used_at.is_null())
        .count()
        .get_result(conn)?;
    Ok(u32::try_from(left).unwrap_or(u32::MAX))
}
