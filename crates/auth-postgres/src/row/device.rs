//! Rows of `trusted_devices`.

use auth_domain::{
    factor::{Fingerprint, TrustedDevice},
    id::{DeviceId, UserId},
    port::StoreError,
    token::AuthMethod,
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{agent, agent_value, digest, ip, ip_value, time};
use crate::{error::corrupt, statement::Value};

/// A device that proved a second factor.
#[derive(Queryable)]
pub(crate) struct DeviceRow {
    id: i64,
    user_id: i64,
    fingerprint: Vec<u8>,
    method: String,
    ip: Option<String>,
    user_agent: Option<String>,
    platform: Option<String>,
    verified_at: PgTimestamp,
    expires_at: PgTimestamp,
}

/// The columns of a device in their order.
pub(crate) fn device_values(device: &TrustedDevice) -> [Value; 9] {
    [
        device.id.as_i64().into(),
        device.user.as_i64().into(),
        device.fingerprint.digest().into(),
        device.method.as_str().into(),
        ip_value(device.ip),
        agent_value(device.user_agent.as_ref()),
        device.platform.clone().into(),
        device.verified_at.into(),
        device.expires_at.into(),
    ]
}

impl TryFrom<DeviceRow> for TrustedDevice {
    type Error = StoreError;

    fn try_from(row: DeviceRow) -> Result<Self, StoreError> {
        let id = row.id;
        device(row).ok_or_else(|| corrupt("trusted_devices", &id))
    }
}

fn device(row: DeviceRow) -> Option<TrustedDevice> {
    Some(TrustedDevice {
        id: DeviceId::from_i64(row.id),
        user: UserId::from_i64(row.user_id),
        fingerprint: Fingerprint::from_digest(digest(&row.fingerprint)?),
        method: row.method.parse().ok().filter(|method: &AuthMethod| method.is_second())?,
        ip: ip(row.ip)?,
        user_agent: agent(row.user_agent)?,
        platform: row.platform,
        verified_at: time(row.verified_at)?,
        expires_at: time(row.expires_at)?,
    })
}
