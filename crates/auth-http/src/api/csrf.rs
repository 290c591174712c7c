//! `GET /api/auth/csrf`

use actix_web::web::{Data, Json};
use auth_domain::usecase::Engine;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Operation, Problem, body::NoBody, extract::Browser};

#[derive(Serialize, ToSchema)]
#[schema(as = CsrfToken)]
struct CsrfView {
    /// For the header `X-CSRF-Token` of every call by cookie that may change something.
    csrf_token: String,
}

pub(super) fn operation() -> Operation {
    Operation::get("/api/auth/csrf", handle)
        .tag("session")
        .summary("Gives a page the token it sends beside its cookies")
        .description(
            "For the session in the cookies; as long as that lives the refresh token is enough, so a page that \
             comes back after hours asks here and then refreshes. Every token is good as long as the session is.",
        )
        .answers::<CsrfView>(200, "A new token")
}

async fn handle(request: Browser<NoBody>, engine: Data<Engine>) -> Result<Json<CsrfView>, Problem> {
    let token = engine.csrf.token(request.session)?;
    Ok(Json(CsrfView { csrf_token: token.expose_secret().to_owned() }))
}
