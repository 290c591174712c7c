//! Rows of `trusted_devices`.

use auth_domain::{
    factor::{Fingerprint, TrustedDevice},
    id::{DeviceId, UserId},
    port::StoreError,
    token::AuthMethod,
};
use diesel::prelude::*;

use super::{agent, agent_text, digest, ip, ip_text, micros, time};
use crate::{error::corrupt, schema::trusted_devices};

/// A device that proved a second factor.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = trusted_devices,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct DeviceRow {
    id: i64,
    pub(crate) user_id: i64,
    pub(crate) fingerprint: Vec<u8>,
    method: String,
    ip: Option<String>,
    user_agent: Option<String>,
    platform: Option<String>,
    verified_at: i64,
    expires_at: i64,
}

impl From<&TrustedDevice> for DeviceRow {
    fn from(device: &TrustedDevice) -> Self {
        Self {
            id: device.id.as_i64(),
            user_id: device.user.as_i64(),
            fingerprint: device.fingerprint.digest().as_bytes().to_vec(),
            method: device.method.as_str().to_owned(),
            ip: ip_text(device.ip),
            user_agent: agent_text(device.user_agent.as_ref()),
            platform: device.platform.clone(),
            verified_at: micros(device.verified_at),
            expires_at: micros(device.expires_at),
        }
    }
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
