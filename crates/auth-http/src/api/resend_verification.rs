//! `POST /api/auth/resend-verification`

use actix_web::web::{Data, Json};
use auth_domain::{usecase::Engine, user::Email};
use utoipa::ToSchema;

use super::view::Message;
use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = ResendVerificationRequest)]
struct ResendBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
}

impl FromBody for ResendBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { email: fields.email("email")? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/resend-verification", handle)
        .tag("account")
        .summary("Mails another verification link, if the address needs one")
        .limit(Limit::General)
        .answers::<Message>(200, "The same whether the address is known, proved or neither")
}

async fn handle(request: Open<ResendBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Open { context, body } = request;
    engine.accounts.resend_verification(&context.tenant, &body.email, &context.client).await?;
    Ok(Json(Message::new("If your email exists in our system, a verification email will be sent.")))
}
