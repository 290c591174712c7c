//! `POST /api/auth/verify-email`

use actix_web::web::{Data, Json};
use auth_domain::usecase::Engine;
use secrecy::{ExposeSecret, SecretString};
use utoipa::ToSchema;

use super::view::Message;
use crate::{
    Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = VerifyEmailRequest)]
struct VerifyEmailBody {
    /// The token of the mailed link.
    #[schema(value_type = String)]
    token: SecretString,
}

impl FromBody for VerifyEmailBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { token: fields.secret("token")? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/verify-email", handle)
        .tag("account")
        .summary("Proves an address with the token of a mailed link")
        .description("Works for the link sent at registration and for the one sent to a new address.")
        .answers::<Message>(200, "`Email successfully verified`")
        .refuses(400, "`Invalid verification token`: unknown, used or expired")
}

async fn handle(request: Open<VerifyEmailBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    engine.accounts.verify_email(request.body.token.expose_secret(), &request.context.client).await?;
    Ok(Json(Message::new("Email successfully verified")))
}
