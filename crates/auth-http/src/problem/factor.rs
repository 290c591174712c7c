//! What clients are told about second factors. Texts, headers and names are the contract's.

use actix_web::http::header::{HeaderName, HeaderValue};
use auth_domain::{
    factor::FactorKind,
    token::AuthMethod,
    usecase::{ChallengeLoginError, FactorError, LoginError, SecondFactorRequired, SendCodeError},
};

use super::{Problem, error_chain, usecase::wrong_password};

const MFA_TYPE: HeaderName = HeaderName::from_static("x-mfa-type");
const MFA_METHODS: HeaderName = HeaderName::from_static("x-mfa-methods");
const PHONE_MASKED: HeaderName = HeaderName::from_static("x-phone-masked");
const EMAIL_MASKED: HeaderName = HeaderName::from_static("x-email-masked");

/// What clients call a second factor.
pub(crate) const fn factor_name(kind: FactorKind) -> &'static str {
    match kind {
        FactorKind::Totp => "TOTP",
        FactorKind::Sms => "SMS",
        FactorKind::Email => "Email",
    }
}

/// What clients call a way to prove who one is.
pub(crate) const fn method_name(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::Password => "Password",
        AuthMethod::Cognito => "Cognito",
        AuthMethod::Totp => factor_name(FactorKind::Totp),
        AuthMethod::Sms => factor_name(FactorKind::Sms),
        AuthMethod::Email => factor_name(FactorKind::Email),
        AuthMethod::RecoveryCode => "Recovery",
    }
}

/// The account does not have the factor that the request is about.
fn not_set_up(kind: FactorKind) -> Problem {
    let (code, detail) = match kind {
        FactorKind::Totp => ("mfa_not_set_up", "MFA not set up"),
        FactorKind::Sms => ("sms_mfa_not_enabled", "SMS MFA is not enabled for this user"),
        FactorKind::Email => ("email_mfa_not_enabled", "Email MFA is not enabled for this user"),
    };
    Problem::bad_request(code, detail)
}

pub(super) fn wrong_code() -> Problem {
    Problem::bad_request("invalid_mfa_code", "Invalid MFA code")
}

/// The sentence that asks for one of these.
const fn demand(factors: &[FactorKind]) -> &'static str {
    match factors {
        [FactorKind::Totp] => "TOTP code required",
        [FactorKind::Sms] => "SMS code required",
        [FactorKind::Email] => "Email code required",
        _ => "MFA code required - choose your preferred method",
    }
}

impl From<SecondFactorRequired> for Problem {
    /// Logs what went wrong on the way here; the client can go on all the same.
    fn from(required: SecondFactorRequired) -> Self {
        for trouble in &required.trouble {
            tracing::warn!(error = %error_chain(trouble), "a login goes on without something it should have");
        }
        let names: Vec<&str> = required.factors.iter().copied().map(factor_name).collect();
        let kind = if let [one] = names[..] { one } else { "MULTIPLE" };
        let mut problem = Self::bad_request("mfa_required", demand(&required.factors))
            .with_header(MFA_TYPE, HeaderValue::from_static(kind))
            .with_text_header(MFA_METHODS, &names.join(","));
        for (name, masked) in [(PHONE_MASKED, required.phone), (EMAIL_MASKED, required.email)] {
            if let Some(masked) = masked {
                problem = problem.with_text_header(name, &masked);
            }
        }
        if let Some(token) = required.token {
            problem = problem.with_member("mfa_token", token.expose_secret());
        }
        problem.with_member("mfa_methods", names)
    }
}

impl From<ChallengeLoginError> for Problem {
    fn from(error: ChallengeLoginError) -> Self {
        match error {
            ChallengeLoginError::InvalidToken => Self::invalid_mfa_session(),
            ChallengeLoginError::WrongCode => wrong_code(),
            ChallengeLoginError::Locked(locked) => locked.into(),
            ChallengeLoginError::Fault(fault) => fault.into(),
        }
    }
}

impl Problem {
    /// A change of the factor `kind` was refused.
    pub(crate) fn of_factor(kind: FactorKind, error: FactorError) -> Self {
        match error {
            FactorError::NotSetUp => not_set_up(kind),
            FactorError::WrongPassword => wrong_password(),
            FactorError::WrongCode => wrong_code(),
            FactorError::NoCode => Self::bad_request("no_mfa_code", "No MFA code found or code has expired"),
            FactorError::RecentLoginRequired => Self::recent_login_required(),
            FactorError::LastFactor => Self::bad_request(
                "last_factor",
                "Cannot disable. At least one MFA method must remain enabled.",
            ),
            FactorError::Locked(locked) => locked.into(),
            FactorError::Refused(refused) => refused.into(),
            FactorError::Provider(error) => error.into(),
            FactorError::Fault(fault) => fault.into(),
        }
    }

    /// No text message was sent to somebody who is about to sign in.
    pub(crate) fn of_sms_code(error: SendCodeError) -> Self {
        match error {
            SendCodeError::Login(LoginError::BadCredentials) => {
                Self::bad_request("invalid_credentials", "Invalid credentials")
            }
            SendCodeError::Login(error) => error.into(),
            SendCodeError::NotEnrolled(_) => not_set_up(FactorKind::Sms),
            SendCodeError::Text(error) => error.into(),
        }
    }

    /// No mail was sent to somebody who is about to sign in.
    pub(crate) fn of_email_code(error: SendCodeError) -> Self {
        match error {
            SendCodeError::Login(LoginError::BadCredentials) => Self::mfa_not_required(),
            SendCodeError::Login(error) => error.into(),
            SendCodeError::NotEnrolled(factors) if factors.is_empty() => Self::mfa_not_required(),
            SendCodeError::NotEnrolled(factors) => {
                Self::bad_request("other_factor_required", demand(&factors))
            }
            SendCodeError::Text(error) => error.into(),
        }
    }

    /// The same for an account without second factors and for a wrong password.
    pub(crate) fn mfa_not_required() -> Self {
        Self::bad_request("mfa_not_required", "MFA is not required for this user")
    }

    /// Adds a header; a text that is no header's is left out, for the body says enough.
    fn with_text_header(self, name: HeaderName, text: &str) -> Self {
        match HeaderValue::from_bytes(text.as_bytes()) {
            Ok(value) => self.with_header(name, value),
            Err(_) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::{
        guard::pumping::SmsRefused,
        usecase::{MfaToken, TextError},
    };
    use serde_json::{Value, json};

    use super::{super::Form, *};

    use FactorKind::{Email, Sms, Totp};

    /// The answer to a login of an account with these factors.
    fn asked(factors: &[FactorKind]) -> Problem {
        let has = |kind| factors.contains(&kind);
        Problem::from(SecondFactorRequired {
            factors: factors.to_vec(),
            token: MfaToken::parse(&format!("mt_{}", "A".repeat(43))),
            phone: has(Sms).then(|| "***-***-0123".to_owned()),
            email: has(Email).then(|| "ad*@example.com".to_owned()),
            trouble: Vec::new(),
        })
    }

    fn body(problem: &Problem) -> Value {
        serde_json::from_str(&problem.body("id", Form::Plain)).unwrap()
    }

    fn headers(problem: &Problem) -> Vec<(&str, &str)> {
        problem.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect()
    }

    #[test]
    fn one_factor_is_asked_for_by_name() {
        let (phone, email) = (("x-phone-masked", "***-***-0123"), ("x-email-masked", "ad*@example.com"));
        for (kind, name, mask) in
            [(Totp, "TOTP", None), (Sms, "SMS", Some(phone)), (Email, "Email", Some(email))]
        {
            let problem = asked(&[kind]);
            let expected: Vec<_> =
                [("x-mfa-type", name), ("x-mfa-methods", name)].into_iter().chain(mask).collect();
            assert_eq!(headers(&problem), expected);
            assert_eq!(
                body(&problem),
                json!({
                    "detail": format!("{name} code required"), "code": "mfa_required", "request_id": "id",
                    "mfa_methods": [name], "mfa_token": format!("mt_{}", "A".repeat(43)),
                })
            );
        }
    }

    #[test]
    fn several_are_offered_in_one_order() {
        for (factors, methods) in [
            (&[Totp, Sms, Email][..], "TOTP,SMS,Email"),
            (&[Totp, Email], "TOTP,Email"),
            (&[Totp, Sms], "TOTP,SMS"),
        ] {
            let problem = asked(factors);
            assert_eq!(headers(&problem)[..2], [("x-mfa-type", "MULTIPLE"), ("x-mfa-methods", methods)]);
            let body = body(&problem);
            assert_eq!(body["detail"], "MFA code required - choose your preferred method");
            assert_eq!(body["mfa_methods"], json!(methods.split(',').collect::<Vec<_>>()));
        }
    }

    #[test]
    fn what_could_not_be_done_is_left_out() {
        let problem = Problem::from(SecondFactorRequired {
            factors: vec![Sms],
            token: None,
            phone: None,
            email: None,
            trouble: vec![TextError::Refused(SmsRefused::Off)],
        });
        assert_eq!(headers(&problem), [("x-mfa-type", "SMS"), ("x-mfa-methods", "SMS")]);
        assert_eq!(body(&problem).get("mfa_token"), None);
    }

    #[test]
    fn each_refusal_has_its_text() {
        let factor = |kind, error| Problem::of_factor(kind, error);
        let unenrolled = |factors: &[FactorKind]| SendCodeError::NotEnrolled(factors.to_vec());
        let bad_login = || SendCodeError::Login(LoginError::BadCredentials);
        let table = [
            (factor(Totp, FactorError::NotSetUp), 400, "mfa_not_set_up", "MFA not set up"),
            (
                factor(Sms, FactorError::NotSetUp),
                400,
                "sms_mfa_not_enabled",
                "SMS MFA is not enabled for this user",
            ),
            (
                factor(Email, FactorError::NotSetUp),
                400,
                "email_mfa_not_enabled",
                "Email MFA is not enabled for this user",
            ),
            (factor(Sms, FactorError::WrongCode), 400, "invalid_mfa_code", "Invalid MFA code"),
            (factor(Sms, FactorError::WrongPassword), 400, "wrong_password", "Current password is incorrect"),
            (factor(Sms, FactorError::NoCode), 400, "no_mfa_code", "No MFA code found or code has expired"),
            (
                factor(Sms, FactorError::RecentLoginRequired),
                403,
                "recent_login_required",
                "Recent login required",
            ),
            (
                factor(Sms, FactorError::LastFactor),
                400,
                "last_factor",
                "Cannot disable. At least one MFA method must remain enabled.",
            ),
            (LoginError::WrongCode.into(), 400, "invalid_mfa_code", "Invalid MFA code"),
            (ChallengeLoginError::WrongCode.into(), 400, "invalid_mfa_code", "Invalid MFA code"),
            (
                ChallengeLoginError::InvalidToken.into(),
                401,
                "invalid_mfa_session",
                "Invalid or expired MFA session",
            ),
            (Problem::of_sms_code(bad_login()), 400, "invalid_credentials", "Invalid credentials"),
            (
                Problem::of_sms_code(unenrolled(&[Totp])),
                400,
                "sms_mfa_not_enabled",
                "SMS MFA is not enabled for this user",
            ),
            (
                Problem::of_email_code(bad_login()),
                400,
                "mfa_not_required",
                "MFA is not required for this user",
            ),
            (
                Problem::of_email_code(unenrolled(&[])),
                400,
                "mfa_not_required",
                "MFA is not required for this user",
            ),
            (Problem::of_email_code(unenrolled(&[Totp])), 400, "other_factor_required", "TOTP code required"),
            (Problem::of_email_code(unenrolled(&[Sms])), 400, "other_factor_required", "SMS code required"),
        ];
        for (problem, status, code, detail) in table {
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code), "{detail}");
            assert_eq!(body(&problem)["detail"], detail);
        }
    }
}
