//! `POST /api/cognito/forgot-password` and `reset-password`

use actix_web::web::{Data, Json};
use auth_domain::{
    port::ProviderCode,
    usecase::{Engine, ResetAtProvider},
    user::{Email, Password},
};
use utoipa::ToSchema;

use super::confirm::AddressBody;
use crate::{
    Limit, Operation, Problem,
    api::view::Message,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

pub(super) fn forgot() -> Operation {
    Operation::post("/api/cognito/forgot-password", handle_forgot)
        .tag("cognito")
        .summary("Has Cognito send a code to set another password with")
        .limit(Limit::PasswordReset)
        .answers::<Message>(200, "The same whether the address is known or not")
}

async fn handle_forgot(request: Open<AddressBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Open { context, body } = request;
    engine.federation.forgot_password(&context.tenant, &body.email, &context.client).await?;
    Ok(Json(Message::new("If your email exists in our system, a password reset code will be sent.")))
}

#[derive(Debug, ToSchema)]
#[schema(as = CognitoResetPasswordRequest)]
struct ResetBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    /// What Cognito sent.
    #[schema(value_type = String)]
    code: ProviderCode,
    /// Measured by the policy of the pool.
    #[schema(value_type = String, format = Password)]
    new_password: Password,
}

impl FromBody for ResetBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let code = fields.provider_code("code");
        let new_password = fields.password_with_content("new_password");
        Ok(Self { email: email?, code: code?, new_password: new_password? })
    }
}

pub(super) fn reset() -> Operation {
    Operation::post("/api/cognito/reset-password", handle_reset)
        .tag("cognito")
        .summary("Sets another password at Cognito with the code it sent")
        .description("Ends the sessions that the password at Cognito had opened.")
        .limit(Limit::PasswordReset)
        .answers::<Message>(200, "`Password successfully reset`")
        .refuses(400, "`Invalid or expired code`, also for an address without an account")
        .refuses(429, "Cognito takes no more tries now")
}

async fn handle_reset(request: Open<ResetBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Open { context, body } = request;
    engine
        .federation
        .reset_password(&ResetAtProvider {
            tenant: context.tenant,
            email: body.email,
            code: body.code,
            new_password: body.new_password,
            client: context.client,
        })
        .await?;
    Ok(Json(Message::new("Password successfully reset")))
}
