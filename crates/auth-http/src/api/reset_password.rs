//! `POST /api/auth/reset-password`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{Engine, ResetPassword},
    user::NewPassword,
};
use secrecy::{ExposeSecret, SecretString};
use utoipa::ToSchema;

use super::view::Message;
use crate::{
    Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = ResetPasswordRequest)]
struct ResetBody {
    /// The token of the mailed link.
    #[schema(value_type = String)]
    token: SecretString,
    #[schema(value_type = String, format = Password, min_length = 9, max_length = 256)]
    new_password: NewPassword,
}

impl FromBody for ResetBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let token = fields.secret("token");
        let new_password = fields.new_password("new_password");
        Ok(Self { token: token?, new_password: new_password? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/reset-password", handle)
        .tag("password")
        .summary("Sets a new password with the token of a mailed link")
        .description(
            "Ends all sessions, proves the address, clears a lock. A refused password leaves the link good.",
        )
        .answers::<Message>(200, "`Password successfully reset`")
        .refuses(400, "`Invalid or expired password reset token`")
}

async fn handle(request: Open<ResetBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Open { context, body } = request;
    engine
        .recovery
        .reset(&ResetPassword {
            token: body.token.expose_secret().to_owned(),
            new_password: body.new_password,
            client: context.client,
        })
        .await?;
    Ok(Json(Message::new("Password successfully reset")))
}
