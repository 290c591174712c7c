//! What the refusals of the use cases mean to a client.
//!
//! No match here has a wildcard arm: a new refusal must be decided before it compiles.

use actix_web::http::StatusCode;
use auth_domain::{
    guard::lockout::Locked,
    usecase::{
        ActivityError, ChangeEmailError, ChangePasswordError, CloseAccountError, LoginError, LogoutError,
        RefreshError, RegisterError, ResetError, RevokeError, UnlockError, VerifyEmailError,
    },
    user::WeakPassword,
};

use super::{FieldError, Problem, factor::wrong_code};

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EmailTaken => Self::bad_request("email_taken", "Email already registered"),
            RegisterError::WeakPassword(why) => weak("password", why),
            RegisterError::Fault(fault) => fault.into(),
        }
    }
}

impl From<VerifyEmailError> for Problem {
    fn from(error: VerifyEmailError) -> Self {
        match error {
            VerifyEmailError::InvalidToken => {
                Self::bad_request("invalid_token", "Invalid verification token")
            }
            VerifyEmailError::Fault(fault) => fault.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::BadCredentials => {
                Self::unauthenticated("Incorrect email or password").with_code("invalid_credentials")
            }
            LoginError::Locked(locked) => locked.into(),
            LoginError::EmailNotVerified => Self::email_not_verified(),
            LoginError::SecondFactorRequired(required) => (*required).into(),
            LoginError::WrongCode => wrong_code(),
            LoginError::Fault(fault) => fault.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid => {
                Self::unauthenticated("Invalid refresh token").with_code("invalid_refresh_token")
            }
            RefreshError::Fault(fault) => fault.into(),
        }
    }
}

impl From<LogoutError> for Problem {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::Fault(fault) => fault.into(),
        }
    }
}

impl From<RevokeError> for Problem {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "session_not_found", "Session not found")
            }
            RevokeError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ActivityError> for Problem {
    fn from(error: ActivityError) -> Self {
        match error {
            ActivityError::BadCursor => {
                let msg = "Cursor is not one that this list gave out";
                Self::invalid(vec![FieldError::value("query", "cursor", msg)])
            }
            ActivityError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ChangeEmailError> for Problem {
    fn from(error: ChangeEmailError) -> Self {
        match error {
            ChangeEmailError::WrongPassword => wrong_password(),
            ChangeEmailError::RecentLoginRequired => Self::recent_login_required(),
            ChangeEmailError::Locked(locked) => locked.into(),
            ChangeEmailError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CloseAccountError> for Problem {
    fn from(error: CloseAccountError) -> Self {
        match error {
            CloseAccountError::WrongPassword => wrong_password(),
            CloseAccountError::LastSuperuser => Self::last_superuser(),
            CloseAccountError::Locked(locked) => locked.into(),
            CloseAccountError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::WrongCurrent => wrong_password(),
            ChangePasswordError::RecentLoginRequired => Self::recent_login_required(),
            ChangePasswordError::Unchanged => {
                let rule = "New password must be different from current password";
                Self::invalid(vec![FieldError::value("body", "new_password", rule)])
            }
            ChangePasswordError::WeakPassword(why) => weak("new_password", why),
            ChangePasswordError::Locked(locked) => locked.into(),
            ChangePasswordError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::InvalidToken => {
                Self::bad_request("invalid_token", "Invalid or expired password reset token")
            }
            ResetError::WeakPassword(why) => weak("new_password", why),
            ResetError::Fault(fault) => fault.into(),
        }
    }
}

impl From<UnlockError> for Problem {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::InvalidToken => Self::bad_request("invalid_token", "Invalid unlock token"),
            UnlockError::Fault(fault) => fault.into(),
        }
    }
}

impl From<Locked> for Problem {
    fn from(locked: Locked) -> Self {
        Self::account_locked(locked.wait.to_std().unwrap_or_default())
    }
}

pub(super) fn wrong_password() -> Problem {
    Problem::bad_request("wrong_password", "Current password is incorrect")
}

/// The rules that need to know the account are found out after validation; the answer has its form.
pub(super) fn weak(field: &'static str, why: WeakPassword) -> Problem {
    Problem::invalid(vec![FieldError::weak_password(field, why)])
}
