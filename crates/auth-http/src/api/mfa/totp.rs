//! `POST /api/auth/mfa/setup`, `activate` and `disable`: authenticator apps

use std::io;

use actix_web::web::{Data, Json};
use auth_domain::{
    factor::FactorKind::Totp,
    usecase::{ChangeProof, Engine, FactorChange, FactorError},
};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    body::{Proof, RequiredProof, refusal},
    qr,
    recovery_codes::shown,
};
use crate::{
    Operation, Problem,
    api::view::Message,
    app::Gate,
    body::{Fields, FromBody, Refused},
    extract::Signed,
};

/// The secret for an authenticator app, in three forms. Shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpSetup)]
struct SetupView {
    /// 32 characters of base32.
    secret: String,
    #[schema(example = "otpauth://totp/ElevAIte:ada%40example.com?secret=…&issuer=ElevAIte")]
    qr_code_uri: String,
    /// The same as a picture, ready to be shown.
    qr_code_svg: String,
}

pub(super) fn setup() -> Operation {
    Operation::post("/api/auth/mfa/setup", handle_setup)
        .tag("mfa")
        .summary("Makes a secret for an authenticator app")
        .description("It waits ten minutes for its first code; an app at work goes on working until then.")
        .answers::<SetupView>(200, "The secret, shown once")
        .refuses(400, refusal::PROOF)
        .refuses(403, refusal::RECENT_LOGIN)
        .refuses(423, refusal::LOCKED)
}

async fn handle_setup(
    request: Signed<Proof>,
    engine: Data<Engine>,
    gate: Data<Gate>,
) -> Result<Json<SetupView>, Problem> {
    let Signed { context, caller, body } = request;
    let change = body.into_change(context.client);
    let setup = engine.factors.set_up_totp(&caller, &change).await;
    let secret = setup.map_err(|error| Problem::of_factor(Totp, error))?.secret;
    let uri = secret.to_uri(&gate.settings.branding, caller.user.email.as_str());
    Ok(Json(SetupView {
        secret: secret.to_base32().to_string(),
        // The error says what the text is too long for, and nothing of the text.
        qr_code_svg: qr::svg(&uri).map_err(|error| Problem::internal(&io::Error::other(error)))?,
        qr_code_uri: uri.to_string(),
    }))
}

#[derive(Debug, ToSchema)]
#[schema(as = ActivateTotpRequest)]
struct ActivateBody {
    /// The first code that the app shows.
    #[schema(value_type = String)]
    totp_code: SecretString,
    /// Whether all other sessions end.
    #[schema(value_type = Option<bool>, required = false)]
    end_other_sessions: Option<bool>,
}

impl FromBody for ActivateBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let totp_code = fields.secret("totp_code");
        let end_other_sessions = fields.optional_flag("end_other_sessions");
        Ok(Self { totp_code: totp_code?, end_other_sessions: end_other_sessions? })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = TotpActivated)]
struct ActivatedView {
    message: &'static str,
    /// Ten, each good for one login without the app. Shown once; earlier ones are void.
    recovery_codes: Vec<String>,
}

pub(super) fn activate() -> Operation {
    Operation::post("/api/auth/mfa/activate", handle_activate)
        .tag("mfa")
        .summary("Puts the authenticator app to work with its first code")
        .answers::<ActivatedView>(200, "`MFA successfully activated`, and recovery codes, shown once")
        .refuses(400, "`Invalid TOTP code`, or `MFA not set up`: no secret waits")
        .refuses(403, "`Recent login required`: the second factors changed since `setup`")
}

async fn handle_activate(
    request: Signed<ActivateBody>,
    engine: Data<Engine>,
) -> Result<Json<ActivatedView>, Problem> {
    let Signed { context, caller, body } = request;
    let change = FactorChange {
        proof: ChangeProof::None,
        end_other_sessions: body.end_other_sessions.unwrap_or_default(),
        client: context.client,
    };
    let codes = engine.factors.activate_totp(&caller, &body.totp_code, &change).await;
    let codes = codes.map_err(|error| match error {
        FactorError::WrongCode => Problem::bad_request("invalid_mfa_code", "Invalid TOTP code"),
        error => Problem::of_factor(Totp, error),
    })?;
    Ok(Json(ActivatedView { message: "MFA successfully activated", recovery_codes: shown(&codes) }))
}

pub(super) fn disable() -> Operation {
    Operation::post("/api/auth/mfa/disable", handle_disable)
        .tag("mfa")
        .summary("Switches the authenticator app off")
        .answers::<Message>(200, "`MFA successfully disabled`")
        .refuses(400, refusal::LAST_FACTOR)
        .refuses(403, refusal::RECENT_LOGIN)
        .refuses(423, refusal::LOCKED)
}

async fn handle_disable(
    request: Signed<RequiredProof>,
    engine: Data<Engine>,
) -> Result<Json<Message>, Problem> {
    let Signed { context, caller, body } = request;
    let disabled = engine.factors.disable_totp(&caller, &body.into_change(context.client)).await;
    disabled.map_err(|error| Problem::of_factor(Totp, error))?;
    Ok(Json(Message::new("MFA successfully disabled")))
}
