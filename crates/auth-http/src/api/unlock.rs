//! `POST /api/auth/unlock`

use actix_web::web::Data;
use auth_domain::usecase::{Engine, Unlock};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    cookie::{Reply, SessionMode, TokenPlace},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = UnlockRequest)]
struct UnlockBody {
    /// The token of the mailed link.
    #[schema(value_type = String)]
    token: SecretString,
    /// Where the device token goes; in a cookie it is not in the body.
    #[schema(value_type = Option<SessionMode>, required = false)]
    session: TokenPlace,
}

impl FromBody for UnlockBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let token = fields.secret("token");
        let session = fields.session();
        Ok(Self { token: token?, session: session? })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Unlocked)]
struct UnlockedView {
    #[schema(example = "Account unlocked")]
    message: &'static str,
    /// For the header `X-Device-Token` of the next login on this device. Left out when it is in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/unlock", handle)
        .tag("session")
        .summary("Opens a locked account with the token of a mailed link")
        .description(
            "For passwords. Wrong codes stay counted: those are opened by waiting, by a recovery code or by an \
             operator. Whoever locked the account may go on: the device token of the answer lets its owner in \
             all the same.",
        )
        .limit(Limit::PasswordReset)
        .answers::<UnlockedView>(200, "`Account unlocked`")
        .refuses(400, "`Invalid unlock token`: unknown, used or expired")
        .refuses(403, "`csrf_failed`: a foreign page asked for cookies")
}

async fn handle(request: Open<UnlockBody>, engine: Data<Engine>) -> Result<Reply<UnlockedView>, Problem> {
    let Open { context, body } = request;
    let token = body.token.expose_secret().to_owned();
    let device = engine.recovery.unlock(&Unlock { token, client: context.client }).await?;
    let view = |device_token| UnlockedView { message: "Account unlocked", device_token };
    Ok(match body.session {
        TokenPlace::Body => view(Some(device.expose_secret().to_owned())).into(),
        TokenPlace::Cookies(style) => Reply::setting(view(None), vec![style.device(&device)?]),
    })
}
