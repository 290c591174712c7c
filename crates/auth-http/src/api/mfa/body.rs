//! Bodies that several operations take.

use auth_domain::{
    client::Client,
    usecase::{ChangeProof, FactorChange},
    user::{Email, Password},
};
use secrecy::{ExposeSecret as _, SecretString};
use utoipa::ToSchema;

use crate::{
    body::{BodyKind, Fields, FromBody, Refused},
    problem::FieldError,
};

/// What is said of the refusals that many of these operations share.
pub(in crate::api) mod refusal {
    pub(in crate::api) const LOCKED: &str = "`account_locked`: too many wrong passwords or codes";
    pub(in crate::api) const UNVERIFIED: &str = "`email_not_verified`, only after the right password";
    pub(in crate::api) const RECENT_LOGIN: &str = "`Recent login required`: the account has a second factor; \
        send a code, or the password in a session that proved one";
    pub(in crate::api) const LAST_FACTOR: &str =
        "A wrong password or code, or the last factor where one is demanded of everybody";
    pub(in crate::api) const PROOF: &str = "`Current password is incorrect` or `Invalid MFA code`";
}

/// What proves a change of second factors. May be left out altogether: while the account has no second
/// factor, and for ten minutes after a login with one.
#[derive(Debug, ToSchema)]
#[schema(as = FactorProof)]
pub(super) struct Proof {
    #[schema(value_type = Option<String>, format = Password, required = false)]
    password: Option<Password>,
    /// A code of any second factor, or a recovery code; not looked at beside a password.
    #[schema(value_type = Option<String>, required = false)]
    code: Option<SecretString>,
    /// Whether all other sessions end.
    #[schema(value_type = Option<bool>, required = false)]
    end_other_sessions: Option<bool>,
}

impl FromBody for Proof {
    const KIND: BodyKind = BodyKind::OptionalModel;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let password = fields.filled_secret("password");
        let code = fields.filled_secret("code");
        let end_other_sessions = fields.optional_flag("end_other_sessions");
        Ok(Self {
            password: password?.map(|text| Password::new(text.expose_secret().to_owned())),
            code: code?,
            end_other_sessions: end_other_sessions?,
        })
    }
}

impl Proof {
    pub(in crate::api) fn into_change(self, client: Client) -> FactorChange {
        let proof = match (self.password, self.code) {
            (Some(password), _) => ChangeProof::Password(password),
            (None, Some(code)) => ChangeProof::Code(code),
            (None, None) => ChangeProof::None,
        };
        let end_other_sessions = self.end_other_sessions.unwrap_or_default();
        FactorChange { proof, end_other_sessions, client }
    }
}

/// A password or a code must be there.
#[derive(Debug, ToSchema)]
#[schema(as = RequiredFactorProof)]
pub(in crate::api) struct RequiredProof(#[schema(inline)] Proof);

impl FromBody for RequiredProof {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let proof = <Proof as FromBody>::read(fields)?;
        if proof.password.is_none() && proof.code.is_none() {
            return Err(fields.refuse(FieldError::missing("body", "password")));
        }
        Ok(Self(proof))
    }
}

impl RequiredProof {
    pub(in crate::api) fn into_change(self, client: Client) -> FactorChange {
        self.0.into_change(client)
    }
}

/// A code of six digits.
#[derive(Debug, ToSchema)]
#[schema(as = MfaCode)]
pub(super) struct CodeBody {
    #[schema(value_type = String, pattern = "^[0-9]{6}$")]
    pub(super) mfa_code: SecretString,
}

impl FromBody for CodeBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { mfa_code: fields.code("mfa_code")? })
    }
}

/// An account and its password, from somebody who is not signed in.
#[derive(Debug, ToSchema)]
#[schema(as = LoginCredentials)]
pub(super) struct CredentialsBody {
    #[schema(value_type = String, format = Email, example = "ada@example.com")]
    pub(super) email: Email,
    #[schema(value_type = String, format = Password)]
    pub(super) password: Password,
}

impl FromBody for CredentialsBody {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.password("password");
        Ok(Self { email: email?, password: password? })
    }
}
