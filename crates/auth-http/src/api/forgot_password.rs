//! `POST /api/auth/forgot-password`

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
#[schema(as = ForgotPasswordRequest)]
struct ForgotBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
}

impl FromBody for ForgotBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { email: fields.email("email")? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/forgot-password", handle)
        .tag("password")
        .summary("Mails a link that sets a new password, if the address has an account")
        .description("The link works once and for 30 minutes. A newer one replaces it.")
        .limit(Limit::PasswordReset)
        .answers::<Message>(200, "The same whether the address is known or not")
}

async fn handle(request: Open<ForgotBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Open { context, body } = request;
    engine.recovery.forgot(&context.tenant, &body.email, &context.client).await?;
    Ok(Json(Message::new("If your email is registered, you will receive a password reset email")))
}
