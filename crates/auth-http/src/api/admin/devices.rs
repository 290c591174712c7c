//! `GET /api/auth/admin/mfa-devices/{user_id}`, `POST …/revoke-mfa-devices/{user_id}`

use actix_web::web::{Data, Json};
use auth_domain::{factor::TrustedDevice, usecase::Engine};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Named, actor};
use crate::{
    Operation, Problem,
    api::{mfa::DeviceView, view::Message},
    extract::Superuser,
};

/// A device of somebody else.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MfaDeviceOfUser)]
struct SeenDeviceView {
    #[serde(flatten)]
    device: DeviceView,
    user_agent: Option<String>,
}

impl From<&TrustedDevice> for SeenDeviceView {
    fn from(device: &TrustedDevice) -> Self {
        let user_agent = device.user_agent.as_ref().map(|agent| agent.as_str().to_owned());
        Self { device: device.into(), user_agent }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MfaDevicesOfUser)]
struct DevicesView {
    user_id: i64,
    device_verifications: Vec<SeenDeviceView>,
}

pub(super) fn list() -> Operation {
    Operation::get("/api/auth/admin/mfa-devices/{user_id}", handle_list)
        .tag("administration")
        .summary("Lists the devices of an account that need no second factor for now")
        .answers::<DevicesView>(200, "The devices, newest first")
        .refuses(404, "`User not found`")
}

async fn handle_list(request: Superuser<Named>, engine: Data<Engine>) -> Result<Json<DevicesView>, Problem> {
    let Superuser { context, caller, body: Named(target) } = request;
    let (user, devices) = engine.admin.devices(actor(&caller, &context), &target).await?;
    let device_verifications = devices.iter().map(SeenDeviceView::from).collect();
    Ok(Json(DevicesView { user_id: user.id.as_i64(), device_verifications }))
}

pub(super) fn revoke() -> Operation {
    Operation::post("/api/auth/admin/revoke-mfa-devices/{user_id}", handle_revoke)
        .tag("administration")
        .summary("Has all devices of an account prove the second factor again")
        .answers::<Message>(200, "`Revoked N MFA device verifications for user <id>`")
        .refuses(404, "`User not found`")
}

async fn handle_revoke(request: Superuser<Named>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Superuser { context, caller, body: Named(target) } = request;
    let (user, count) = engine.admin.forget_devices(actor(&caller, &context), &target).await?;
    let id = user.id;
    Ok(Json(Message::new(format!("Revoked {count} MFA device verifications for user {id}"))))
}
