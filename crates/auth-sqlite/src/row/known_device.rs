//! Rows of `known_devices`.

use auth_domain::{guard::known_device::KnownDevice, id::UserId, port::StoreError};
use diesel::prelude::*;

use super::{digest, micros, nullable, time};
use crate::{error::corrupt, schema::known_devices};

/// A device that an account signed in from.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = known_devices,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct KnownDeviceRow {
    pub(crate) digest: Vec<u8>,
    pub(crate) user_id: i64,
    created_at: i64,
    pub(crate) last_used_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) failures: i64,
    pub(crate) recent_failures: i64,
    pub(crate) last_attempt_at: Option<i64>,
}

impl From<&KnownDevice> for KnownDeviceRow {
    fn from(device: &KnownDevice) -> Self {
        Self {
            digest: device.digest.as_bytes().to_vec(),
            user_id: device.user.as_i64(),
            created_at: micros(device.created_at),
            last_used_at: micros(device.last_used_at),
            expires_at: micros(device.expires_at),
            failures: i64::from(device.failures),
            recent_failures: i64::from(device.recent_failures),
            last_attempt_at: device.last_attempt_at.map(micros),
        }
    }
}

impl TryFrom<KnownDeviceRow> for KnownDevice {
    type Error = StoreError;

    fn try_from(row: KnownDeviceRow) -> Result<Self, StoreError> {
        device(&row).ok_or_else(|| corrupt("known_devices", &row.user_id))
    }
}

fn device(row: &KnownDeviceRow) -> Option<KnownDevice> {
    Some(KnownDevice {
        digest: digest(&row.digest)?,
        user: UserId::from_i64(row.user_id),
        created_at: time(row.created_at)?,
        last_used_at: time(row.last_used_at)?,
        expires_at: time(row.expires_at)?,
        failures: u32::try_from(row.failures).ok()?,
        recent_failures: u32::try_from(row.recent_failures).ok()?,
        last_attempt_at: nullable(row.last_attempt_at, time)?,
    })
}
