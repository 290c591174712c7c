//! `POST /api/auth/admin/create-user`

use actix_web::{
    http::StatusCode,
    web::{Data, Json},
};
use auth_domain::{
    usecase::{Engine, NewAccount},
    user::{Email, FullName, NewPassword, Roles},
};
use utoipa::ToSchema;

use super::actor;
use crate::{
    Operation, Problem,
    api::view::AccountView,
    body::{Fields, FromBody, Refused},
    extract::Administrator,
};

#[derive(Debug, ToSchema)]
#[schema(as = CreateUserRequest)]
struct Body {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    email: Email,
    #[schema(value_type = String, format = Password, min_length = 9, max_length = 256)]
    password: NewPassword,
    #[schema(value_type = Option<String>, max_length = 255, required = false)]
    full_name: Option<FullName>,
    /// Mails the password to its owner, who has to change it within 48 hours.
    #[schema(required = false)]
    is_one_time_password: bool,
    #[schema(required = false)]
    application_admin: bool,
    #[schema(required = false)]
    is_manager: bool,
}

impl FromBody for Body {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.new_password("password");
        let full_name = fields.full_name("full_name");
        let is_one_time_password = fields.flag("is_one_time_password", false);
        let application_admin = fields.flag("application_admin", false);
        let is_manager = fields.flag("is_manager", false);
        Ok(Self {
            email: email?,
            password: password?,
            full_name: full_name?,
            is_one_time_password: is_one_time_password?,
            application_admin: application_admin?,
            is_manager: is_manager?,
        })
    }
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/admin/create-user", handle)
        .tag("administration")
        .summary("Makes an account in the tenant")
        .answers::<AccountView>(201, "The account")
        .refuses(
            409,
            "`User with this email already exists`; for one that was removed an object with `type`: \
             `user_deleted`, `message`, `user_id`, `deleted_at` and `suggestion`",
        )
}

async fn handle(
    request: Administrator<Body>,
    engine: Data<Engine>,
) -> Result<(Json<AccountView>, StatusCode), Problem> {
    let Administrator { context, caller, body } = request;
    let account = NewAccount {
        tenant: context.tenant.clone(),
        email: body.email,
        password: body.password,
        full_name: body.full_name,
        roles: Roles {
            superuser: false,
            application_admin: body.application_admin,
            manager: body.is_manager,
        },
        is_temporary: body.is_one_time_password,
    };
    let user = engine.admin.create(actor(&caller, &context), &account).await?;
    Ok((Json(AccountView::from(&user)), StatusCode::CREATED))
}
