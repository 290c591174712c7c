//! Devices that proved a second factor.

use async_trait::async_trait;
use auth_domain::{
    factor::{Fingerprint, TrustedDevice},
    id::UserId,
    port::{DeviceRepo, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::{count, entities, entity};
use crate::{
    error::Fault,
    row::{DeviceRow, micros},
    runner::{Repositories, Runner},
    schema::trusted_devices,
};

#[async_trait]
impl<R: Runner> DeviceRepo for Repositories<R> {
    async fn remember(&mut self, device: &TrustedDevice) -> Result<(), StoreError> {
        let row = DeviceRow::from(device);
        self.0.write(move |conn| remember(conn, &row)).await
    }

    async fn find(
        &mut self,
        user: UserId,
        fingerprint: &Fingerprint,
        now: DateTime<Utc>,
    ) -> Result<Option<TrustedDevice>, StoreError> {
        let fingerprint = *fingerprint;
        self.0.read(move |conn| find(conn, user, fingerprint, now)).await
    }

    async fn list(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<TrustedDevice>, StoreError> {
        self.0.read(move |conn| list(conn, user, now)).await
    }

    async fn forget_all(&mut self, user: UserId, now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.0.write(move |conn| forget_all(conn, user, now)).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| purge(conn, before, limit)).await
    }
}

fn remember(conn: &mut SqliteConnection, row: &DeviceRow) -> Result<(), Fault> {
    let known = trusted_devices::table
        .filter(trusted_devices::user_id.eq(row.user_id))
        .filter(trusted_devices::fingerprint.eq(&row.fingerprint));
    diesel::delete(known).execute(conn)?;
    diesel::insert_into(trusted_devices::table).values(row).execute(conn)?;
    Ok(())
}

fn find(
    conn: &mut SqliteConnection,
    user: UserId,
    fingerprint: Fingerprint,
    now: DateTime<Utc>,
) -> Result<Option<TrustedDevice>, Fault> {
    let row: Option<DeviceRow> = trusted_devices::table
        .filter(trusted_devices::user_id.eq(user.as_i64()))
        .filter(trusted_devices::fingerprint.eq(fingerprint.digest().as_bytes().as_slice()))
        .filter(trusted_devices::expires_at.gt(micros(now)))
        .select(DeviceRow::as_select())
        .first(conn)
        .optional()?;
    entity(row)
}

fn list(conn: &mut SqliteConnection, user: UserId, now: DateTime<Utc>) -> Result<Vec<TrustedDevice>, Fault> {
    let rows: Vec<DeviceRow> = trusted_devices::table
        .filter(trusted_devices::user_id.eq(user.as_i64()))
        .filter(trusted_devices::expires_at.gt(micros(now)))
        .order((trusted_devices::verified_at.desc(), trusted_devices::id.desc()))
        .select(DeviceRow::as_select())
        .load(conn)?;
    entities(rows)
}

fn forget_all(conn: &mut SqliteConnection, user: UserId, now: DateTime<Utc>) -> Result<u64, Fault> {
    let all = trusted_devices::table.filter(trusted_devices::user_id.eq(user.as_i64()));
    let good: i64 = all.filter(trusted_devices::expires_at.gt(micros(now))).count().get_result(conn)?;
    diesel::delete(all).execute(conn)?;
    Ok(good.unsigned_abs())
}

fn purge(conn: &mut SqliteConnection, before: DateTime<Utc>, limit: u32) -> Result<u64, Fault> {
    let deleted = sql_query(
        "DELETE FROM trusted_devices WHERE id IN
         (SELECT id FROM trusted_devices WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
    )
    .bind::<BigInt, _>(micros(before))
    .bind::<BigInt, _>(i64::from(limit))
    .execute(conn)?;
    Ok(count(deleted))
}
