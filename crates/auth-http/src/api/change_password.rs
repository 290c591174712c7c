//! `POST /api/auth/change-password`

use actix_web::web::Data;
use auth_domain::{
    usecase::{ChangePassword, Engine},
    user::{NewPassword, Password},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Operation, Problem,
    body::{Fields, FromBody, Refused},
    cookie::Reply,
    extract::Signed,
};

#[derive(Debug, ToSchema)]
#[schema(as = ChangePasswordRequest)]
struct ChangeBody {
    /// May be left out within ten minutes of the login, or while the password is temporary.
    #[schema(value_type = Option<String>, format = Password, required = false)]
    current_password: Option<Password>,
    #[schema(value_type = String, format = Password, min_length = 9, max_length = 256)]
    new_password: NewPassword,
}

impl FromBody for ChangeBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let current_password = fields.optional_password("current_password");
        let new_password = fields.new_password("new_password");
        Ok(Self { current_password: current_password?, new_password: new_password? })
    }
}

/// The password is changed; the client signs in again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasswordChanged)]
struct ChangedView {
    message: &'static str,
    require_logout: bool,
}

pub(super) fn operation() -> Operation {
    Operation::post("/api/auth/change-password", handle)
        .tag("password")
        .summary("Changes the password and ends all sessions")
        .answers::<ChangedView>(200, "`Password successfully changed`; sign in again")
        .refuses(400, "`Current password is incorrect`")
        .refuses(403, "`Recent login required`")
        .refuses(423, "`account_locked`: too many wrong passwords")
}

async fn handle(request: Signed<ChangeBody>, engine: Data<Engine>) -> Result<Reply<ChangedView>, Problem> {
    let Signed { context, caller, body } = request;
    let client = context.client.clone();
    let change = ChangePassword { current: body.current_password, new: body.new_password, client };
    engine.passwords.change(&caller, &change).await?;
    let changed = ChangedView { message: "Password successfully changed", require_logout: true };
    Reply::leaving(changed, &context)
}
