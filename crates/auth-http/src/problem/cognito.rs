//! What clients are told about accounts at Cognito.

use actix_web::http::StatusCode;
use auth_domain::{
    factor::FactorKind,
    port::ProviderChallengeKind,
    usecase::{
        AppError, ConfirmError, LinkIdentityError, LoginError, ProviderChallengeRequired, ProviderLoginError,
        SignUpError, UnlinkIdentityError,
    },
};

use super::{FieldError, Problem};

impl From<ProviderLoginError> for Problem {
    fn from(error: ProviderLoginError) -> Self {
        match error {
            ProviderLoginError::Login(error) => error.into(),
            ProviderLoginError::Challenge(asked) => (*asked).into(),
            ProviderLoginError::InvalidToken => Self::invalid_mfa_session(),
            ProviderLoginError::MissingAnswer(kind) => {
                Self::invalid(vec![FieldError::missing("body", answer_field(kind))])
            }
            ProviderLoginError::WeakPassword { reason } => weak("new_password", &reason),
            ProviderLoginError::TooManyRequests => too_many(),
            ProviderLoginError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ProviderChallengeRequired> for Problem {
    fn from(asked: ProviderChallengeRequired) -> Self {
        let mut problem = demand(asked.kind).with_member("mfa_token", asked.token.expose_secret());
        if let Some(destination) = asked.destination {
            problem = problem.with_member("destination", destination);
        }
        problem
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::EmailTaken => Self::bad_request("email_taken", "Email already registered"),
            SignUpError::WeakPassword { reason } => weak("password", &reason),
            SignUpError::TooManyRequests => too_many(),
            SignUpError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ConfirmError> for Problem {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::InvalidCode => Self::bad_request("invalid_code", "Invalid or expired code"),
            ConfirmError::WeakPassword { reason } => weak("new_password", &reason),
            ConfirmError::TooManyRequests => too_many(),
            ConfirmError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::NotLinked => not_linked(),
            AppError::RecentLoginRequired => Self::recent_login_required(),
            AppError::WrongCode => Self::bad_request("invalid_mfa_code", "Invalid TOTP code"),
            AppError::TooManyRequests => too_many(),
            AppError::Fault(fault) => fault.into(),
        }
    }
}

impl From<LinkIdentityError> for Problem {
    fn from(error: LinkIdentityError) -> Self {
        match error {
            LinkIdentityError::RecentLoginRequired => Self::recent_login_required(),
            LinkIdentityError::WrongCredentials => LoginError::BadCredentials.into(),
            LinkIdentityError::NotConfirmed => Self::email_not_verified(),
            LinkIdentityError::Challenged(kind) => demand(kind),
            LinkIdentityError::LinkedToAnother => {
                Self::conflict("identity_linked", "One of the accounts is linked to another already")
            }
            LinkIdentityError::Locked(locked) => locked.into(),
            LinkIdentityError::TooManyRequests => too_many(),
            LinkIdentityError::Fault(fault) => fault.into(),
        }
    }
}

impl From<UnlinkIdentityError> for Problem {
    fn from(error: UnlinkIdentityError) -> Self {
        match error {
            UnlinkIdentityError::NotLinked => not_linked(),
            UnlinkIdentityError::NoPassword => {
                Self::bad_request("password_required", "Set a password before you unlink the account")
            }
            // Which factor it was about makes no difference here.
            UnlinkIdentityError::Proof(error) => Self::of_factor(FactorKind::Totp, error),
            UnlinkIdentityError::Fault(fault) => fault.into(),
        }
    }
}

/// 400 for a login that takes more than a password.
fn demand(kind: ProviderChallengeKind) -> Problem {
    let (challenge, detail) = match kind {
        ProviderChallengeKind::SmsMfa => ("SMS_MFA", "SMS code required"),
        ProviderChallengeKind::SoftwareTokenMfa => ("SOFTWARE_TOKEN_MFA", "TOTP code required"),
        ProviderChallengeKind::NewPasswordRequired => ("NEW_PASSWORD_REQUIRED", "New password required"),
    };
    Problem::bad_request("mfa_required", detail).with_member("challenge", challenge)
}

const fn answer_field(kind: ProviderChallengeKind) -> &'static str {
    match kind {
        ProviderChallengeKind::NewPasswordRequired => "new_password",
        ProviderChallengeKind::SmsMfa | ProviderChallengeKind::SoftwareTokenMfa => "code",
    }
}

fn not_linked() -> Problem {
    Problem::bad_request("not_linked", "The account is not linked to AWS Cognito")
}

/// Cognito does not say when it takes the next one.
fn too_many() -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests")
        .with_retry_after(std::time::Duration::from_mins(1))
}

/// The pool has a policy of its own, and says in its own words what it misses.
fn weak(field: &'static str, reason: &str) -> Problem {
    Problem::invalid(vec![FieldError::value("body", field, reason)])
}

#[cfg(test)]
mod tests {
    use auth_domain::usecase::MfaToken;
    use serde_json::{Value, json};

    use super::{super::Form, *};

    fn body(problem: &Problem) -> Value {
        serde_json::from_str(&problem.body("id", Form::Plain)).unwrap()
    }

    #[test]
    fn a_challenge_says_what_is_asked_for_and_where_to_go_on() {
        use ProviderChallengeKind::{NewPasswordRequired, SmsMfa, SoftwareTokenMfa};
        for (kind, challenge, detail) in [
            (SmsMfa, "SMS_MFA", "SMS code required"),
            (SoftwareTokenMfa, "SOFTWARE_TOKEN_MFA", "TOTP code required"),
            (NewPasswordRequired, "NEW_PASSWORD_REQUIRED", "New password required"),
        ] {
            let token = MfaToken::parse(&format!("mt_{}", "A".repeat(43))).unwrap();
            let destination = (kind == SmsMfa).then(|| "+*******0123".to_owned());
            let asked = ProviderChallengeRequired { token, kind, destination: destination.clone() };
            let problem = Problem::from(ProviderLoginError::Challenge(Box::new(asked)));
            let mut expected = json!({
                "detail": detail, "code": "mfa_required", "request_id": "id", "challenge": challenge,
                "mfa_token": format!("mt_{}", "A".repeat(43)),
            });
            if let Some(destination) = destination {
                expected["destination"] = destination.into();
            }
            assert_eq!((problem.status().as_u16(), body(&problem)), (400, expected));
        }
    }

    #[test]
    fn each_refusal_has_its_status() {
        let reason = || "Password must have uppercase characters".to_owned();
        let table = [
            (Problem::from(ProviderLoginError::InvalidToken), 401, "invalid_mfa_session"),
            (ProviderLoginError::Login(LoginError::BadCredentials).into(), 401, "invalid_credentials"),
            (ProviderLoginError::Login(LoginError::EmailNotVerified).into(), 403, "email_not_verified"),
            (ProviderLoginError::TooManyRequests.into(), 429, "rate_limited"),
            (ProviderLoginError::WeakPassword { reason: reason() }.into(), 422, "validation_error"),
            (SignUpError::EmailTaken.into(), 400, "email_taken"),
            (ConfirmError::InvalidCode.into(), 400, "invalid_code"),
            (AppError::NotLinked.into(), 400, "not_linked"),
            (LinkIdentityError::LinkedToAnother.into(), 409, "identity_linked"),
            (UnlinkIdentityError::NoPassword.into(), 400, "password_required"),
        ];
        for (problem, status, code) in table {
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
        let weak = body(&ConfirmError::WeakPassword { reason: reason() }.into());
        assert!(weak["detail"][0]["msg"].as_str().unwrap().ends_with(&reason()), "{weak}");
    }
}
