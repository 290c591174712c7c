//! `POST /api/auth/unlock`

use actix_web::web::{Data, Json};
use auth_domain::usecase::{Engine, Unlock};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = UnlockRequest)]
struct UnlockBody {
    /// The token of the mailed link.
    #[schema(value_type = String)]
    token: SecretString,
}

impl FromBody for UnlockBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { token: fields.secret("token")? })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Unlocked)]
struct UnlockedView {
    #[schema(example = "Account unlocked")]
    message: &'static str,
    /// For the header `X-Device-Token` of the next login on this device.
    device_token: String,
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/unlock", handle)
        .tag("session")
        .summary("Opens a locked account with the token of a mailed link")
        .description(
            "For passwords and for codes. Whoever locked the account may go on: the device token of the \
             answer lets its owner in all the same.",
        )
        .limit(Limit::PasswordReset)
        .answers::<UnlockedView>(200, "`Account unlocked`")
        .refuses(400, "`Invalid unlock token`: unknown, used or expired")
}

async fn handle(request: Open<UnlockBody>, engine: Data<Engine>) -> Result<Json<UnlockedView>, Problem> {
    let Open { context, body } = request;
    let token = body.token.expose_secret().to_owned();
    let device = engine.recovery.unlock(&Unlock { token, client: context.client }).await?;
    let device_token = device.expose_secret().to_owned();
    Ok(Json(UnlockedView { message: "Account unlocked", device_token }))
}
