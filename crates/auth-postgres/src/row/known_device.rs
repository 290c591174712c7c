//! Rows of `known_devices`.

use auth_domain::{guard::known_device::KnownDevice, id::UserId, port::StoreError};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{digest, nullable, time};
use crate::{error::corrupt, statement::Value};

/// A device that an account signed in from.
#[derive(Queryable)]
pub(crate) struct KnownDeviceRow {
    digest: Vec<u8>,
    user_id: i64,
    created_at: PgTimestamp,
    last_used_at: PgTimestamp,
    expires_at: PgTimestamp,
    failures: i64,
    recent_failures: i64,
    last_attempt_at: Option<PgTimestamp>,
}

/// The columns of a device in their order.
pub(crate) fn known_device_values(device: &KnownDevice) -> [Value; 8] {
    [
        (&device.digest).into(),
        device.user.as_i64().into(),
        device.created_at.into(),
        device.last_used_at.into(),
        device.expires_at.into(),
        device.failures.into(),
        device.recent_failures.into(),
        device.last_attempt_at.into(),
    ]
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
