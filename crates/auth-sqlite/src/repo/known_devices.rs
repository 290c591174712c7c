//! Devices that accounts signed in from.

use async_trait::async_trait;
use auth_domain::{
    guard::known_device::KnownDevice,
    id::UserId,
    port::{KnownDeviceRepo, StoreError},
    secret::Digest,
    tenant::TenantId,
    user::{Email, User},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::{count, entities, entity, users::by_email};
use crate::{
    error::Fault,
    row::{KnownDeviceRow, micros},
    runner::{Repositories, Runner},
    schema::known_devices,
};

#[async_trait]
impl<R: Runner> KnownDeviceRepo for Repositories<R> {
    async fn insert(&mut self, device: &KnownDevice, at_most: u32) -> Result<(), StoreError> {
        let row = KnownDeviceRow::from(device);
        self.0.write(move |conn| insert(conn, &row, at_most)).await
    }

    async fn lock(&mut self, digest: &Digest) -> Result<Option<KnownDevice>, StoreError> {
        // A transaction has the only write lock there is.
        let digest = *digest;
        self.0.read(move |conn| by_digest(conn, &digest)).await
    }

    async fn lock_with_account(
        &mut self,
        digest: &Digest,
        tenant: &TenantId,
        email: &Email,
    ) -> Result<(Option<KnownDevice>, Option<User>), StoreError> {
        let (digest, tenant, email) = (*digest, tenant.clone(), email.clone());
        self.0.read(move |conn| Ok((by_digest(conn, &digest)?, by_email(conn, &tenant, &email)?))).await
    }

    async fn save(&mut self, device: &KnownDevice) -> Result<(), StoreError> {
        let row = KnownDeviceRow::from(device);
        self.0.write(move |conn| save(conn, &row)).await
    }

    async fn forget(&mut self, digest: &Digest) -> Result<bool, StoreError> {
        let digest = *digest;
        self.0.write(move |conn| forget(conn, &digest)).await
    }

    async fn forget_all(&mut self, user: UserId) -> Result<u64, StoreError> {
        self.0.write(move |conn| forget_all(conn, user)).await
    }

    async fn list(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<KnownDevice>, StoreError> {
        self.0.read(move |conn| list(conn, user, now)).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| purge(conn, before, limit)).await
    }
}

fn insert(conn: &mut SqliteConnection, row: &KnownDeviceRow, at_most: u32) -> Result<(), Fault> {
    sql_query(
        "DELETE FROM known_devices WHERE digest IN
         (SELECT digest FROM known_devices WHERE user_id = ?1
          ORDER BY last_used_at > created_at DESC, last_used_at DESC, digest DESC LIMIT -1 OFFSET ?2)",
    )
    .bind::<BigInt, _>(row.user_id)
    .bind::<BigInt, _>(i64::from(at_most.saturating_sub(1)))
    .execute(conn)?;
    diesel::insert_into(known_devices::table).values(row).execute(conn)?;
    Ok(())
}

fn by_digest(conn: &mut SqliteConnection, digest: &Digest) -> Result<Option<KnownDevice>, Fault> {
    let row: Option<KnownDeviceRow> = known_devices::table
        .find(digest.as_bytes().as_slice())
        .select(KnownDeviceRow::as_select())
        .first(conn)
        .optional()?;
    entity(row)
}

fn save(conn: &mut SqliteConnection, row: &KnownDeviceRow) -> Result<(), Fault> {
    diesel::update(known_devices::table.find(&row.digest))
        .set((
            known_devices::last_used_at.eq(row.last_used_at),
            known_devices::expires_at.eq(row.expires_at),
            known_devices::failures.eq(row.failures),
            known_devices::recent_failures.eq(row.recent_failures),
            known_devices::last_attempt_at.eq(row.last_attempt_at),
        ))
        .execute(conn)?;
    Ok(())
}

fn forget(conn: &mut SqliteConnection, digest: &Digest) -> Result<bool, Fault> {
    Ok(diesel::delete(known_devices::table.find(digest.as_bytes().as_slice())).execute(conn)? == 1)
}

fn forget_all(conn: &mut SqliteConnection, user: UserId) -> Result<u64, Fault> {
    let all = known_devices::table.filter(known_devices::user_id.eq(user.as_i64()));
    Ok(count(diesel::delete(all).execute(conn)?))
}

fn list(conn: &mut SqliteConnection, user: UserId, now: DateTime<Utc>) -> Result<Vec<KnownDevice>, Fault> {
    let rows: Vec<KnownDeviceRow> = known_devices::table
        .filter(known_devices::user_id.eq(user.as_i64()))
        .filter(known_devices::expires_at.gt(micros(now)))
        .order((known_devices::last_used_at.desc(), known_devices::digest.desc()))
        .select(KnownDeviceRow::as_select())
        .load(conn)?;
    entities(rows)
}

fn purge(conn: &mut SqliteConnection, before: DateTime<Utc>, limit: u32) -> Result<u64, Fault> {
    let deleted = sql_query(
        "DELETE FROM known_devices WHERE digest IN
         (SELECT digest FROM known_devices WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
    )
    .bind::<BigInt, _>(micros(before))
    .bind::<BigInt, _>(i64::from(limit))
    .execute(conn)?;
    Ok(count(deleted))
}
