//! `POST /api/cognito/mfa/setup` and `activate`: an authenticator app that Cognito asks for

use actix_web::web::{Data, Json};
use auth_domain::{port::ProviderCode, usecase::Engine};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    api::view::Message,
    body::{Fields, FromBody, NoBody, Refused},
    extract::Signed,
};

const RECENT_LOGIN: &str = "`Recent login required`: sign in again";
const NOT_LINKED: &str = "`not_linked`: the account has no identity at Cognito, or Cognito has ended it";

/// The secret for an authenticator app. Shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = CognitoTotpSetup)]
struct SetupView {
    /// In base32, to be typed into the app.
    secret: String,
}

pub(super) fn setup() -> Operation {
    Operation::post("/api/cognito/mfa/setup", handle_setup)
        .tag("cognito")
        .summary("Has Cognito make a secret for an authenticator app")
        .limit(Limit::General)
        .answers::<SetupView>(200, "The secret, shown once")
        .refuses(400, NOT_LINKED)
        .refuses(403, RECENT_LOGIN)
        .refuses(429, "Cognito takes no more of these now")
}

async fn handle_setup(request: Signed<NoBody>, engine: Data<Engine>) -> Result<Json<SetupView>, Problem> {
    let secret = engine.federation.set_up_app(&request.caller).await?;
    Ok(Json(SetupView { secret: secret.expose_secret().to_owned() }))
}

#[derive(Debug, ToSchema)]
#[schema(as = CognitoActivateTotpRequest)]
struct ActivateBody {
    /// The first code that the app shows.
    #[schema(value_type = String)]
    code: ProviderCode,
}

impl FromBody for ActivateBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { code: fields.provider_code("code")? })
    }
}

pub(super) fn activate() -> Operation {
    Operation::post("/api/cognito/mfa/activate", handle_activate)
        .tag("cognito")
        .summary("Has Cognito ask for the app from now on, with its first code")
        .limit(Limit::Login)
        .answers::<Message>(200, "`MFA successfully activated`")
        .refuses(400, "`Invalid TOTP code`, or `not_linked`")
        .refuses(403, RECENT_LOGIN)
        .refuses(429, "Cognito takes no more tries now")
}

async fn handle_activate(
    request: Signed<ActivateBody>,
    engine: Data<Engine>,
) -> Result<Json<Message>, Problem> {
    engine.federation.activate_app(&request.caller, &request.body.code).await?;
    Ok(Json(Message::new("MFA successfully activated")))
}
