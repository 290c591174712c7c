//! `POST /api/cognito/confirm` and `resend-code`

use actix_web::web::{Data, Json};
use auth_domain::{port::ProviderCode, usecase::Engine, user::Email};
use utoipa::ToSchema;

use crate::{
    Limit, Operation, Problem,
    api::view::Message,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = CognitoConfirmRequest)]
struct ConfirmBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    /// What Cognito sent.
    #[schema(value_type = String)]
    code: ProviderCode,
}

impl FromBody for ConfirmBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let code = fields.provider_code("code");
        Ok(Self { email: email?, code: code? })
    }
}

pub(super) fn confirm() -> Operation {
    Operation::post("/api/cognito/confirm", handle_confirm)
        .tag("cognito")
        .summary("Confirms an account at Cognito with the code it sent")
        .limit(Limit::Login)
        .answers::<Message>(200, "`Email successfully verified`")
        .refuses(400, "`Invalid or expired code`, also for an address without an account")
        .refuses(429, "Cognito takes no more tries now")
}

async fn handle_confirm(request: Open<ConfirmBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    engine.federation.confirm(&request.body.email, &request.body.code).await?;
    Ok(Json(Message::new("Email successfully verified")))
}

/// An address, and nothing else.
#[derive(Debug, ToSchema)]
#[schema(as = CognitoAddress)]
pub(super) struct AddressBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    pub(super) email: Email,
}

impl FromBody for AddressBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { email: fields.email("email")? })
    }
}

pub(super) fn resend() -> Operation {
    Operation::post("/api/cognito/resend-code", handle_resend)
        .tag("cognito")
        .summary("Has Cognito send the code of confirmation again")
        .limit(Limit::General)
        .answers::<Message>(200, "The same whether the address is known, confirmed or neither")
}

async fn handle_resend(request: Open<AddressBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Open { context, body } = request;
    engine.federation.resend_code(&context.tenant, &body.email).await?;
    Ok(Json(Message::new("If your email exists in our system, a verification code will be sent.")))
}
