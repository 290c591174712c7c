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

use super::{entities, entity, users::by_email};
use crate::{
    exchange::{Count, Find},
    row::{KnownDeviceRow, known_device_values},
    runner::{Access, Repositories, Runner},
    schema::{KnownDevices, known_devices},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> KnownDeviceRepo for Repositories<R> {
    async fn insert(&mut self, device: &KnownDevice, at_most: u32) -> Result<(), StoreError> {
        let room = Statement::new(MAKE_ROOM).with(device.user.as_i64()).with(at_most.saturating_sub(1));
        let insert = Statement::new(INSERT).with_all(known_device_values(device));
        self.0.tell(vec![room, insert]).await
    }

    async fn lock(&mut self, digest: &Digest) -> Result<Option<KnownDevice>, StoreError> {
        self.0.ask(Access::Read, Vec::new(), by_digest(digest), entity).await
    }

    async fn lock_with_account(
        &mut self,
        digest: &Digest,
        tenant: &TenantId,
        email: &Email,
    ) -> Result<(Option<KnownDevice>, Option<User>), StoreError> {
        let both = (by_digest(digest), by_email(tenant, email));
        let read = |(devices, users)| Ok((entity(devices)?, entity(users)?));
        self.0.ask(Access::Read, Vec::new(), both, read).await
    }

    async fn save(&mut self, device: &KnownDevice) -> Result<(), StoreError> {
        let save = Statement::new(SAVE)
            .with(device.last_used_at)
            .with(device.expires_at)
            .with(device.failures)
            .with(device.recent_failures)
            .with(device.last_attempt_at)
            .with(&device.digest);
        self.0.tell(vec![save]).await
    }

    async fn forget(&mut self, digest: &Digest) -> Result<bool, StoreError> {
        let forget = Count(Statement::new(FORGET).with(digest));
        self.0.ask(Access::Write, Vec::new(), forget, |rows| Ok(rows == 1)).await
    }

    async fn forget_all(&mut self, user: UserId) -> Result<u64, StoreError> {
        let forget = Statement::new(FORGET_ALL).with(user.as_i64());
        self.0.ask(Access::Write, Vec::new(), Count(forget), Ok).await
    }

    async fn list(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<KnownDevice>, StoreError> {
        let list = Statement::new(LIST).with(user.as_i64()).with(now);
        let list = Find::<KnownDevices, KnownDeviceRow>::new(list);
        self.0.ask(Access::Read, Vec::new(), list, entities).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let purge = Statement::new(PURGE).with(before).with(limit);
        self.0.ask(Access::Write, Vec::new(), Count(purge), Ok).await
    }
}

fn by_digest(digest: &Digest) -> Find<KnownDevices, KnownDeviceRow> {
    Find::new(Statement::new(BY_DIGEST).with(digest))
}

const MAKE_ROOM: &str = "DELETE FROM known_devices WHERE digest = ANY (ARRAY(
         SELECT digest FROM known_devices WHERE user_id = ?
         ORDER BY last_used_at > created_at DESC, last_used_at DESC, digest DESC OFFSET ?
     ))";

const INSERT: &str = "INSERT INTO known_devices VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

/// A row that does not exist need not be waited for: it does not come into being with that digest.
const BY_DIGEST: &str =
    concat!("SELECT ", known_devices!(), " FROM known_devices WHERE digest = ? FOR NO KEY UPDATE");

const SAVE: &str = "UPDATE known_devices SET last_used_at = ?, expires_at = ?, failures = ?,
     recent_failures = ?, last_attempt_at = ? WHERE digest = ?";

const FORGET: &str = "DELETE FROM known_devices WHERE digest = ?";

const FORGET_ALL: &str = "DELETE FROM known_devices WHERE user_id = ?";

const LIST: &str = concat!(
    "SELECT ",
    known_devices!(),
    " FROM known_devices WHERE user_id = ? AND expires_at > ? ORDER BY last_used_at DESC, digest DESC"
);

const PURGE: &str = "DELETE FROM known_devices WHERE digest = ANY (ARRAY(
         SELECT digest FROM known_devices WHERE expires_at < ? ORDER BY expires_at LIMIT ?
     ))";
