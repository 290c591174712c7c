//! Devices that proved a second factor.

use async_trait::async_trait;
use auth_domain::{
    factor::{Fingerprint, TrustedDevice},
    id::UserId,
    port::{DeviceRepo, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::sql_types::BigInt;

use super::{entities, entity};
use crate::{
    exchange::{Count, Find},
    row::{DeviceRow, device_values},
    runner::{Access, Repositories, Runner},
    schema::{TrustedDevices, trusted_devices},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> DeviceRepo for Repositories<R> {
    async fn remember(&mut self, device: &TrustedDevice) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(REMEMBER).with_all(device_values(device))]).await
    }

    async fn find(
        &mut self,
        user: UserId,
        fingerprint: &Fingerprint,
        now: DateTime<Utc>,
    ) -> Result<Option<TrustedDevice>, StoreError> {
        let find = Statement::new(FIND).with(user.as_i64()).with(fingerprint.digest()).with(now);
        let find = Find::<TrustedDevices, DeviceRow>::new(find);
        self.0.ask(Access::Read, Vec::new(), find, entity).await
    }

    async fn list(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<TrustedDevice>, StoreError> {
        let list = Statement::new(LIST).with(user.as_i64()).with(now);
        let list = Find::<TrustedDevices, DeviceRow>::new(list);
        self.0.ask(Access::Read, Vec::new(), list, entities).await
    }

    async fn forget_all(&mut self, user: UserId, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let forget = Statement::new(FORGET_ALL).with(user.as_i64()).with(now);
        let forget = Find::<BigInt, i64>::new(forget);
        let first = |rows: Vec<i64>| Ok(rows.first().map_or(0, |good| good.unsigned_abs()));
        self.0.ask(Access::Write, Vec::new(), forget, first).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let purge = Statement::new(PURGE).with(before).with(limit);
        self.0.ask(Access::Write, Vec::new(), Count(purge), Ok).await
    }
}

/// Replaces in one step: two logins of one device do not get in each other's way.
const REMEMBER: &str = "INSERT INTO trusted_devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (user_id, fingerprint) DO UPDATE SET id = excluded.id, method = excluded.method,
     ip = excluded.ip, user_agent = excluded.user_agent, platform = excluded.platform,
     verified_at = excluded.verified_at, expires_at = excluded.expires_at";

const FIND: &str = concat!(
    "SELECT ",
    trusted_devices!(),
    " FROM trusted_devices WHERE user_id = ? AND fingerprint = ? AND expires_at > ?"
);

const LIST: &str = concat!(
    "SELECT ",
    trusted_devices!(),
    " FROM trusted_devices WHERE user_id = ? AND expires_at > ? ORDER BY verified_at DESC, id DESC"
);

const FORGET_ALL: &str = "WITH forgotten AS (
         DELETE FROM trusted_devices WHERE user_id = ? RETURNING expires_at
     )
     SELECT count(*) FROM forgotten WHERE expires_at > ?";

const PURGE: &str = "DELETE FROM trusted_devices WHERE id = ANY (ARRAY(
         SELECT id FROM trusted_devices WHERE expires_at < ? ORDER BY expires_at LIMIT ?
     ))";
