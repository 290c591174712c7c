//! `POST /api/auth/mfa/recovery-codes`

use actix_web::web::{Data, Json};
use auth_domain::{
    factor::FactorKind,
    usecase::{Engine, RecoveryCodes},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{RequiredProof, refusal};
use crate::{Operation, Problem, extract::Signed};

#[derive(Serialize, ToSchema)]
#[schema(as = NewRecoveryCodes)]
struct CodesView {
    /// Ten, each good for one login without another factor.
    recovery_codes: Vec<String>,
}

/// The codes as their owner is shown them, once.
pub(super) fn shown(codes: &RecoveryCodes) -> Vec<String> {
    codes.iter().map(|code| code.expose_secret().to_owned()).collect()
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/mfa/recovery-codes", handle)
        .tag("mfa")
        .summary("Makes new recovery codes; earlier ones are void")
        .answers::<CodesView>(200, "The codes, shown once")
        .refuses(400, "A wrong password or code, or `MFA not set up`: the account has no second factor")
        .refuses(403, refusal::RECENT_LOGIN)
        .refuses(423, refusal::LOCKED)
}

async fn handle(request: Signed<RequiredProof>, engine: Data<Engine>) -> Result<Json<CodesView>, Problem> {
    let Signed { context, caller, body } = request;
    let codes = engine.factors.regenerate_recovery_codes(&caller, &body.into_change(context.client)).await;
    let codes = codes.map_err(|error| Problem::of_factor(FactorKind::Totp, error))?;
    Ok(Json(CodesView { recovery_codes: shown(&codes) }))
}
