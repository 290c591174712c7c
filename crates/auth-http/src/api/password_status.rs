//! `GET /api/auth/me/password-status`

use actix_web::web::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Operation, Problem, body::NoBody, extract::Signed, time::wire_time};

/// Whether the password was handed out, and until when it works.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasswordStatus)]
struct PasswordStatusView {
    email: String,
    is_password_temporary: bool,
    has_temporary_password: bool,
    #[schema(format = DateTime)]
    temporary_password_expiry: Option<String>,
    is_expired: Option<bool>,
    #[schema(format = DateTime)]
    current_time: String,
    /// The same as `is_password_temporary`; older clients read this one.
    orm_is_password_temporary: bool,
}

pub(super) fn operation() -> Operation {
    Operation::get("/api/auth/me/password-status", handle)
        .tag("password")
        .summary("Tells whether the password is temporary")
        .answers::<PasswordStatusView>(200, "The state of the password")
}

async fn handle(request: Signed<NoBody>) -> Result<Json<PasswordStatusView>, Problem> {
    let user = request.caller.user;
    let temporary = user.must_change_password();
    let until = user.credential.as_ref().and_then(|credential| credential.temporary_until);
    Ok(Json(PasswordStatusView {
        email: user.email.as_str().to_owned(),
        is_password_temporary: temporary,
        has_temporary_password: temporary,
        temporary_password_expiry: until.map(wire_time),
        is_expired: until.map(|until| until <= request.context.now),
        current_time: wire_time(request.context.now),
        orm_is_password_temporary: temporary,
    }))
}
