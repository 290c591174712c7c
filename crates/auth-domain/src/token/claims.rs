//! What an access token says, and what it must say to be believed.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    id::{SessionId, UserId},
    tenant::TenantId,
};

/// How a person proved who they are (RFC 8176 names where it has one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// A password.
    Password,
    /// AWS Cognito was told the password and vouches for the person.
    Cognito,
    /// A code of an authenticator app.
    Totp,
    /// A code by text message.
    Sms,
    /// A code by mail.
    Email,
    /// A recovery code.
    RecoveryCode,
}

impl AuthMethod {
    /// All methods.
    pub const ALL: [Self; 6] =
        [Self::Password, Self::Cognito, Self::Totp, Self::Sms, Self::Email, Self::RecoveryCode];

    /// Whether it is a second factor rather than a first.
    pub const fn is_second(self) -> bool {
        !matches!(self, Self::Password | Self::Cognito)
    }

    /// The value in the `amr` claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Cognito => "cognito",
            Self::Totp => "otp",
            Self::Sms => "sms",
            Self::Email => "email",
            Self::RecoveryCode => "recovery",
        }
    }
}

/// The text names no authentication method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an authentication method")]
pub struct UnknownMethod;

impl FromStr for AuthMethod {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|method| method.as_str() == text).ok_or(UnknownMethod)
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The content of an access token (RFC 7519, RFC 9068).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// `sub`: whose token it is.
    pub subject: UserId,
    /// `tenant_id`: where the subject lives.
    pub tenant: TenantId,
    /// `sid`: the session behind the token. `None` only for tokens minted by a sister service that
    /// shares the HS256 secret: those have no session here.
    pub session: Option<SessionId>,
    /// `jti`: tells two tokens of one session apart.
    pub id: Option<String>,
    /// `iat` and `nbf`.
    pub issued_at: Option<DateTime<Utc>>,
    /// `exp`.
    pub expires_at: DateTime<Utc>,
    /// `auth_time`: when the person last proved who they are.
    pub authenticated_at: Option<DateTime<Utc>>,
    /// `amr`: how they proved it.
    pub methods: Vec<AuthMethod>,
}

/// What every access token of this installation carries and is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenExpectations {
    /// `iss`, compared exactly.
    pub issuer: String,
    /// `aud`, compared exactly.
    pub audience: String,
    /// How far two clocks may differ, for `exp`, `nbf` and `iat` alike.
    pub leeway: TimeDelta,
}

impl TokenExpectations {
    /// Clock difference tolerated by default: half of the 60 seconds that RFC 8725 calls small.
    pub const DEFAULT_LEEWAY: TimeDelta = TimeDelta::seconds(30);
}

/// Why an access token is not believed.
///
/// The reason goes to the log; clients are told no more than the contract's texts do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRejected {
    /// Not the one shape this server signs, or a header member it does not allow.
    #[error("malformed token")]
    Malformed,
    /// No key of that id, or the key is of another algorithm.
    #[error("unknown signing key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("bad signature")]
    BadSignature,
    /// A claim is missing or not of its type.
    #[error("claim {0} is missing or malformed")]
    BadClaim(&'static str),
    /// There is no subject.
    #[error("no subject")]
    NoSubject,
    /// A token, but not an access token.
    #[error("not an access token")]
    WrongType,
    /// Signed for somebody else.
    #[error("wrong issuer or audience")]
    WrongParty,
    /// Too late.
    #[error("expired")]
    Expired,
    /// Too early.
    #[error("not valid yet")]
    NotYetValid,
}

impl AccessClaims {
    /// Checks the times against `now`, with one symmetric leeway.
    ///
    /// # Errors
    /// [`TokenRejected::Expired`] or [`TokenRejected::NotYetValid`].
    pub fn check_times(&self, now: DateTime<Utc>, leeway: TimeDelta) -> Result<(), TokenRejected> {
        if self.expires_at + leeway <= now {
            Err(TokenRejected::Expired)
        } else if self.issued_at.is_some_and(|at| at > now + leeway) {
            Err(TokenRejected::NotYetValid)
        } else {
            Ok(())
        }
    }
}
