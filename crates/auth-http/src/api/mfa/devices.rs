//! `GET /api/auth/me/mfa-devices`, `POST /api/auth/me/revoke-mfa-devices`

use std::fmt::Write as _;

use actix_web::web::{Data, Json};
use auth_domain::{factor::TrustedDevice, usecase::Engine};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Operation, Problem, api::view::Message, body::NoBody, extract::Signed, problem::method_name,
    time::wire_time,
};

/// A device that proved a second factor a moment ago and need not prove it again yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MfaDevice)]
pub(in crate::api) struct DeviceView {
    id: i64,
    /// The first sixteen digits of it, and three dots.
    device_fingerprint: String,
    ip_address: Option<String>,
    #[schema(format = DateTime)]
    verified_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    /// `TOTP`, `SMS`, `Email` or `Recovery`.
    mfa_method: &'static str,
    platform: Option<String>,
}

impl From<&TrustedDevice> for DeviceView {
    fn from(device: &TrustedDevice) -> Self {
        Self {
            id: device.id.as_i64(),
            device_fingerprint: abbreviated(device.fingerprint.digest().as_bytes()),
            ip_address: device.ip.map(|ip| ip.to_string()),
            verified_at: wire_time(device.verified_at),
            expires_at: wire_time(device.expires_at),
            mfa_method: method_name(device.method),
            platform: device.platform.clone(),
        }
    }
}

fn abbreviated(bytes: &[u8]) -> String {
    let digits = bytes.iter().take(8).fold(String::new(), |mut digits, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    digits + "..."
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MfaDevices)]
struct DevicesView {
    device_verifications: Vec<DeviceView>,
}

pub(super) fn list() -> Operation {
    Operation::get("/api/auth/me/mfa-devices", handle_list)
        .tag("mfa")
        .summary("Lists one's own devices that need no second factor for now")
        .answers::<DevicesView>(200, "The devices, newest first")
}

async fn handle_list(request: Signed<NoBody>, engine: Data<Engine>) -> Result<Json<DevicesView>, Problem> {
    let devices = engine.factors.devices(&request.caller).await?;
    Ok(Json(DevicesView { device_verifications: devices.iter().map(DeviceView::from).collect() }))
}

pub(super) fn revoke() -> Operation {
    Operation::post("/api/auth/me/revoke-mfa-devices", handle_revoke)
        .tag("mfa")
        .summary("Has all of one's own devices prove the second factor again")
        .answers::<Message>(200, "`Revoked N MFA device verifications`")
}

async fn handle_revoke(request: Signed<NoBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let revoked = engine.factors.revoke_devices(&request.caller, &request.context.client).await?;
    Ok(Json(Message::new(format!("Revoked {revoked} MFA device verifications"))))
}

#[cfg(test)]
mod tests {
    use auth_domain::{
        factor::Fingerprint,
        id::{DeviceId, UserId},
        secret::Digest,
        token::AuthMethod,
    };
    use chrono::{DateTime, TimeDelta};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_device_has_the_fields_clients_know() {
        let now = DateTime::UNIX_EPOCH;
        let device = TrustedDevice {
            id: DeviceId::from_i64(7),
            user: UserId::from_i64(1),
            fingerprint: Fingerprint::from_digest(Digest::from_bytes([0x0a; 32])),
            method: AuthMethod::RecoveryCode,
            ip: Some("192.0.2.1".parse().unwrap()),
            user_agent: None,
            platform: Some("ios".to_owned()),
            verified_at: now,
            expires_at: now + TimeDelta::minutes(5),
        };
        assert_eq!(
            json!(DeviceView::from(&device)),
            json!({
                "id": 7, "device_fingerprint": "0a0a0a0a0a0a0a0a...", "ip_address": "192.0.2.1",
                "verified_at": "1970-01-01T00:00:00.000000Z", "expires_at": "1970-01-01T00:05:00.000000Z",
                "mfa_method": "Recovery", "platform": "ios",
            })
        );
    }
}
