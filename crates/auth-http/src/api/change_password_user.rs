//! `POST /api/user/change-password-user`, and at its older address.

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{ChangePassword, ChangePasswordError, Engine},
    user::{NewPassword, Password},
};
use utoipa::ToSchema;

use super::view::Message;
use crate::{
    Operation, Problem,
    body::{Fields, FromBody, Refused},
    extract::Signed,
};

#[derive(Debug, ToSchema)]
#[schema(as = ChangeKnownPasswordRequest)]
struct ChangeKnownBody {
    #[schema(value_type = String, format = Password, min_length = 1)]
    current_password: Password,
    #[schema(value_type = String, format = Password, min_length = 9, max_length = 256)]
    new_password: NewPassword,
}

impl FromBody for ChangeKnownBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let current_password = fields.password_with_content("current_password");
        let new_password = fields.new_password("new_password");
        Ok(Self { current_password: current_password?, new_password: new_password? })
    }
}

pub(super) fn operation() -> Operation {
    at("/api/user/change-password-user").summary("Changes the password of somebody who knows the present one")
}

/// Where clients of before August 2025 look for it.
pub(super) fn alias() -> Operation {
    at("/api/auth/change-password-user").summary("The older address of `/api/user/change-password-user`")
}

fn at(path: &'static str) -> Operation {
    Operation::post(path, handle)
        .tag("password")
        .description("Sessions stay.")
        .answers::<Message>(200, "`Password successfully changed`")
        .refuses(
            400,
            "`Current password is incorrect` or `New password must be different from current password`",
        )
        .refuses(423, "`account_locked`: too many wrong passwords")
}

async fn handle(request: Signed<ChangeKnownBody>, engine: Data<Engine>) -> Result<Json<Message>, Problem> {
    let Signed { context, caller, body } = request;
    let change = ChangePassword {
        current: Some(body.current_password),
        new: body.new_password,
        client: context.client,
    };
    engine.passwords.change_known(&caller, &change).await.map_err(|error| match error {
        // Clients of this address know it as a 400.
        ChangePasswordError::Unchanged => {
            Problem::bad_request("password_unchanged", "New password must be different from current password")
        }
        error => error.into(),
    })?;
    Ok(Json(Message::new("Password successfully changed")))
}
