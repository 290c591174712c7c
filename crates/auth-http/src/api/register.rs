//! `POST /api/auth/register`

use actix_web::{
    http::StatusCode,
    web::{Data, Json},
};
use auth_domain::{
    usecase::{Engine, Register},
    user::{Email, FullName, NewPassword},
};
use utoipa::ToSchema;

use super::view::AccountView;
use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = RegisterRequest)]
struct RegisterBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    #[schema(value_type = String, format = Password, min_length = 9, max_length = 256)]
    password: NewPassword,
    #[schema(value_type = Option<String>, max_length = 255, required = false)]
    full_name: Option<FullName>,
}

impl FromBody for RegisterBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.new_password("password");
        let full_name = fields.full_name("full_name");
        Ok(Self { email: email?, password: password?, full_name: full_name? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/register", handle)
        .tag("account")
        .summary("Makes an account and mails a link that proves its address")
        .limit(Limit::General)
        .answers::<AccountView>(201, "The account; it can sign in once its address is proved")
        .refuses(400, "`Email already registered`")
}

async fn handle(
    request: Open<RegisterBody>,
    engine: Data<Engine>,
) -> Result<(Json<AccountView>, StatusCode), Problem> {
    let Open { context, body } = request;
    let user = engine
        .accounts
        .register(&Register {
            tenant: context.tenant,
            email: body.email,
            password: body.password,
            full_name: body.full_name,
            client: context.client,
        })
        .await?;
    Ok((Json(AccountView::from(&user)), StatusCode::CREATED))
}
