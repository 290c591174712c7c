//! What the refusals of administration mean to a client, in the words that clients know.

use actix_web::http::StatusCode;
use auth_domain::{
    id::UserId,
    usecase::{Action, AdminError},
};
use serde_json::json;

use super::{FieldError, Problem, usecase::weak};
use crate::time::wire_time;

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotAllowed => {
                Self::forbidden("not_allowed", "The user doesn't have enough privileges")
            }
            AdminError::SecondFactorRequired => {
                Self::forbidden("second_factor_required", "Second factor required")
            }
            AdminError::NotFound { action, id } => not_found(action, id),
            AdminError::OfSuperuser(action) => Self::forbidden("superuser_account", of_superuser(action)),
            AdminError::OwnAccount(action) => Self::bad_request("own_account", own_account(action)),
            AdminError::LastSuperuser => Self::last_superuser(),
            AdminError::EmailTaken => Self::conflict("email_taken", "User with this email already exists"),
            AdminError::EmailDeleted { user, deleted_at } => {
                let message = "User with this email was previously deleted";
                let about = json!({
                    "type": "user_deleted",
                    "message": message,
                    "user_id": user.as_i64(),
                    "deleted_at": wire_time(deleted_at),
                    "suggestion": "Reactivate the user instead of creating a new one",
                });
                Self::conflict_about("user_deleted", message, about)
            }
            AdminError::NotDeleted(status) => {
                Self::bad_request("not_deleted", format!("User is not deleted. Current status: {status}"))
            }
            AdminError::WeakPassword(Action::Create, why) => weak("password", why),
            AdminError::WeakPassword(_, why) => weak("new_password", why),
            AdminError::BadCursor => {
                let msg = "Cursor is not one that this list gave out";
                Self::invalid(vec![FieldError::value("query", "cursor", msg)])
            }
            AdminError::Fault(fault) => fault.into(),
        }
    }
}

fn not_found(action: Action, id: Option<UserId>) -> Problem {
    let names_it = matches!(action, Action::ChangeStatus | Action::ReadSessions | Action::EndSessions);
    let detail = match id.filter(|_| names_it) {
        Some(id) => format!("User with ID {id} not found"),
        None => "User not found".to_owned(),
    };
    Problem::new(StatusCode::NOT_FOUND, "user_not_found", detail)
}

const fn of_superuser(action: Action) -> &'static str {
    match action {
        Action::Delete => "Cannot delete superuser accounts",
        Action::Reactivate => "Application admins cannot reactivate superuser accounts",
        _ => "Application admins are not permitted to modify superuser accounts",
    }
}

const fn own_account(action: Action) -> &'static str {
    match action {
        Action::Delete => "Cannot delete your own account",
        Action::ChangeStatus => "Cannot modify your own account status",
        Action::ChangeRoles => "Cannot change your own roles",
        Action::ResetPassword => "Cannot reset your own password",
        _ => "Cannot do this to your own account",
    }
}
