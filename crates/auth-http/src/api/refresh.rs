//! `POST /api/auth/refresh`

use actix_web::web::{Data, Json};
use auth_domain::usecase::Engine;
use secrecy::{ExposeSecret, SecretString};
use utoipa::ToSchema;

use super::tokens::RefreshedView;
use crate::{
    Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = RefreshRequest)]
struct RefreshBody {
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

impl FromBody for RefreshBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { refresh_token: fields.secret("refresh_token")? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/refresh", handle)
        .tag("session")
        .summary("Exchanges a refresh token for a new pair")
        .description(
            "Each token works once. The same spent token gets the same successor again for ten seconds, so that \
             parallel tabs stay signed in; after that, presenting it ends the whole session.",
        )
        .answers::<RefreshedView>(200, "The new pair")
        .refuses(401, "`Invalid refresh token`")
}

async fn handle(request: Open<RefreshBody>, engine: Data<Engine>) -> Result<Json<RefreshedView>, Problem> {
    let Open { context, body } = request;
    let token = body.refresh_token.expose_secret();
    let signed_in = engine.sessions.refresh(&context.tenant, token, &context.client).await?;
    Ok(Json(RefreshedView::new(&signed_in, &engine, context.now)))
}
