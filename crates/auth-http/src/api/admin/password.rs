//! `POST /api/auth/admin/reset-password` and `unlock-account`

use actix_web::web::{Data, Json};
use auth_domain::{
    usecase::{Engine, HandOut, Target},
    user::{Email, NewPassword},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::actor;
use crate::{
    FieldError, Operation, Problem,
    api::view::Message,
    body::{BodyKind, Fields, FromBody, Input, Refused},
    extract::Administrator,
    operation::InputDoc,
};

#[derive(Debug, ToSchema)]
#[schema(as = AdminResetPasswordRequest)]
struct Body {
    #[schema(value_type = String, format = Email)]
    email: Email,
    #[schema(value_type = String, format = Password, min_length = 9, max_length = 256)]
    new_password: NewPassword,
    /// Whether it works for 48 hours only and must be changed then; `true` unless given.
    #[schema(required = false)]
    is_one_time_password: bool,
}

impl FromBody for Body {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let new_password = fields.new_password("new_password");
        let is_one_time_password = fields.flag("is_one_time_password", true);
        Ok(Self { email: email?, new_password: new_password?, is_one_time_password: is_one_time_password? })
    }
}

/// What became of the password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminPasswordReset)]
struct ResetView {
    message: &'static str,
    /// Always `true`: the sessions of the account have ended.
    require_target_user_logout: bool,
    target_user_email: String,
}

pub(super) fn reset() -> Operation {
    Operation::post("/api/auth/admin/reset-password", handle_reset)
        .tag("administration")
        .summary("Gives an account a password, mails it to its owner and ends the account's sessions")
        .answers::<ResetView>(200, "The password was replaced")
        .refuses(400, "`Cannot reset your own password`: there is `change-password`")
        .refuses(403, "`Application admins are not permitted to modify superuser accounts`")
        .refuses(404, "`User not found`")
}

async fn handle_reset(
    request: Administrator<Body>,
    engine: Data<Engine>,
) -> Result<Json<ResetView>, Problem> {
    let Administrator { context, caller, body } = request;
    let target = Target::Address { tenant: context.tenant.clone(), email: body.email };
    let hand_out = HandOut { password: body.new_password, is_temporary: body.is_one_time_password };
    let user = engine.admin.reset_password(actor(&caller, &context), &target, &hand_out).await?;
    Ok(Json(ResetView {
        message: "Password reset successfully. The user will receive an email with the new password.",
        require_target_user_logout: true,
        target_user_email: user.email.as_str().to_owned(),
    }))
}

/// The address in the query.
#[derive(Debug)]
struct Addressed(Email);

impl Input for Addressed {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let text = fields.required_query("email")?;
        Email::parse(&text).map(Self).map_err(|why| {
            let msg = format!("value is not a valid email address: {why}");
            fields.refuse(FieldError::new("value_error", "query", msg).at("email"))
        })
    }

    fn describe(doc: &mut InputDoc) {
        doc.query::<String>("email", true, "The address of the account");
    }
}

pub(super) fn unlock() -> Operation {
    Operation::post("/api/auth/admin/unlock-account", handle_unlock)
        .tag("administration")
        .summary("Opens an account that wrong passwords or codes locked")
        .answers::<Message>(200, "`Account <email> has been unlocked and failed login attempts reset`")
        .refuses(403, "`Application admins are not permitted to modify superuser accounts`")
        .refuses(404, "`User not found`")
}

async fn handle_unlock(
    request: Administrator<Addressed>,
    engine: Data<Engine>,
) -> Result<Json<Message>, Problem> {
    let Administrator { context, caller, body: Addressed(email) } = request;
    let target = Target::Address { tenant: context.tenant.clone(), email };
    let user = engine.admin.unlock(actor(&caller, &context), &target).await?;
    let email = user.email.as_str();
    Ok(Json(Message::new(format!("Account {email} has been unlocked and failed login attempts reset"))))
}
