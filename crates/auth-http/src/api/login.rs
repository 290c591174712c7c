//! `POST /api/auth/login`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{Engine, PasswordLogin},
    user::{Email, Password},
};
use utoipa::ToSchema;

use super::view::TokenView;
use crate::{
    Limit, Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Open,
};

#[derive(Debug, ToSchema)]
#[schema(as = LoginRequest)]
struct LoginBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    #[schema(value_type = String, format = Password)]
    password: Password,
}

impl FromBody for LoginBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.password("password");
        Ok(Self { email: email?, password: password? })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/login", handle)
        .tag("session")
        .summary("Signs in with a password")
        .limit(Limit::Login)
        .answers::<TokenView>(200, "The tokens of a new session")
        .refuses(401, "`Incorrect email or password`, the same for every reason")
        .refuses(403, "`email_not_verified`, only after the right password")
        .refuses(423, "`account_locked`: too many failures; `Retry-After` says how long")
}

async fn handle(request: Open<LoginBody>, engine: Data<Engine>) -> Result<Json<TokenView>, Problem> {
    let Open { context, body } = request;
    let signed_in = engine
        .login
        .with_password(&PasswordLogin {
            tenant: context.tenant,
            email: body.email,
            password: body.password,
            client: context.client,
        })
        .await?;
    Ok(Json(TokenView::from(&signed_in)))
}
