//! `POST /api/auth/me/change-email`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{ChangeEmail, Engine},
    user::{Email, Password},
};
use utoipa::ToSchema;

use super::view::Message;
use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Signed,
};

#[derive(Debug, ToSchema)]
#[schema(as = ChangeEmailRequest)]
struct ChangeEmailBody {
    #[schema(value_type = String, format = Email, example = "ada@example.org")]
    new_email: Email,
    #[schema(value_type = String, format = Password)]
    password: Password,
}

impl FromBody for ChangeEmailBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let new_email = fields.email("new_email");
        let password = fields.password("password");
        Ok(Self { new_email: new_email?, password: password? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/me/change-email", handle)
        .tag("account")
        .summary("Mails a link to a new address; using it moves the account there")
        .description(
            "The link is confirmed by `POST /api/auth/verify-email`. The present address gets a notice.",
        )
        .limit(Limit::General)
        .answers::<Message>(200, "`Confirmation email sent`, also when the new address is taken")
        .refuses(400, "`Current password is incorrect`")
        .refuses(403, "`Recent login required`: the account has a second factor and this session proved none")
        .refuses(423, "`account_locked`: too many wrong passwords")
}

async fn handle(request: Signed<ChangeEmailBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Signed { context, caller, body } = request;
    let change = ChangeEmail { new_email: body.new_email, password: body.password, client: context.client };
    engine.accounts.request_email_change(&caller, &change).await?;
    Ok(Json(Message::new("Confirmation email sent")))
}
