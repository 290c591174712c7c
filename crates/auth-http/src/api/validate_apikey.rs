//! `POST /api/auth/validate-apikey`

use actix_web::{
    http::StatusCode,
    web::{Data, Json},
};
use auth_domain::{
    port::OutsideKeyError,
    usecase::{Engine, KeyInvalid},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    body::{BodyKind, Fields, Input, Refused},
    extract::Open,
    operation::InputDoc,
    settings::HttpSettings,
};

/// The key in its header. Nothing is read of the body.
#[derive(Debug)]
struct Shown {
    key: SecretString,
}

impl Input for Shown {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        fields.shown_key().map(|key| Self { key })
    }

    fn describe(doc: &mut InputDoc) {
        doc.header(
            HttpSettings::API_KEY_HEADER,
            "The key; `API_KEY_HEADER` may give the header another name",
        );
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = ValidatedKey)]
struct OwnerView {
    /// The id of the account, a text of digits.
    user_id: String,
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/validate-apikey", handle)
        .tag("service")
        .summary("Tells whose an API key is")
        .description(
            "For keys that are minted outside (JWT with `type: \"api_key\"`, `sub`, `exp` and optional `tenant_id`, of \
             the one algorithm `API_KEY_ALGORITHM`), and for personal keys of this server.",
        )
        .limit(Limit::General)
        .answers::<OwnerView>(200, "Whose it is")
        .refuses(400, "`missing X-elevAIte-apikey header`")
        .refuses(
            401,
            "`invalid api key`, also in another tenant; `invalid api key type`; `invalid api key subject`, also for the \
             key of a service; `user_not_found`; `user_inactive`",
        )
        .refuses(500, "`API key secret not configured`, `API key public key not configured`")
}

async fn handle(request: Open<Shown>, engine: Data<Engine>) -> Result<Json<OwnerView>, Problem> {
    let tenant = &request.context.tenant;
    let owner = engine.api_keys.validate(request.body.key.expose_secret(), tenant).await?;
    Ok(Json(OwnerView { user_id: owner.to_string() }))
}

impl From<KeyInvalid> for Problem {
    fn from(error: KeyInvalid) -> Self {
        match error {
            KeyInvalid::Outside(OutsideKeyError::Invalid) => refused("invalid_api_key", "invalid api key"),
            KeyInvalid::Outside(OutsideKeyError::WrongType) => {
                refused("invalid_api_key_type", "invalid api key type")
            }
            KeyInvalid::Outside(OutsideKeyError::NoSubject) => {
                refused("invalid_api_key_subject", "invalid api key subject")
            }
            KeyInvalid::UserNotFound => refused("user_not_found", "user_not_found"),
            KeyInvalid::UserInactive => refused("user_inactive", "user_inactive"),
            KeyInvalid::Outside(OutsideKeyError::NoSecret) => not_configured("API key secret not configured"),
            KeyInvalid::Outside(OutsideKeyError::NoPublicKey) => {
                not_configured("API key public key not configured")
            }
            KeyInvalid::Fault(fault) => fault.into(),
        }
    }
}

/// 401 without a challenge: the key was not shown to sign anybody in here, and clients know it so.
fn refused(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}

fn not_configured(detail: &'static str) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "api_keys_not_configured", detail)
}
