//! Accounts that somebody else keeps: a provider that knows the passwords, the second factors and the
//! tokens of its users.
//!
//! Who a user is, only their [`IdentityKey`] says: an address or a name can change hands.

mod error;
mod values;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use error::IdentityError;
pub use values::{
    Delivery, DeliveryMedium, IdentityKey, InvalidIdentityKey, ProviderAccessToken, ProviderAnswer,
    ProviderChallenge, ProviderChallengeKind, ProviderClaims, ProviderCode, ProviderLogin,
    ProviderRefreshToken, ProviderSession, ProviderSignIn, ProviderSignUp, ProviderSignedUp, ProviderUser,
    SoftwareTokenSecret,
};

use crate::user::{Email, Password};

/// Signs users in, and says what became of them since.
///
/// An implementor must answer alike for an unknown user and a wrong password, must give a user only with
/// the key of their identity, must try once what is not safe to repeat, must end within some seconds, and
/// must name no password, code, token or address in an error.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// Signs in with a password, or begins to.
    ///
    /// # Errors
    /// [`IdentityError`].
    async fn sign_in(&self, email: &Email, password: &Password) -> Result<ProviderSignIn, IdentityError>;

    /// Goes on with a sign-in that [`sign_in`](Self::sign_in) began, or this did.
    ///
    /// # Errors
    /// [`IdentityError`]; [`ChallengeExpired`](IdentityError::ChallengeExpired) when it has to begin anew.
    async fn answer(
        &self,
        challenge: &ProviderChallenge,
        answer: &ProviderAnswer,
    ) -> Result<ProviderSignIn, IdentityError>;

    /// Gives a new access token. `username` is the one of [`ProviderUser`].
    ///
    /// # Errors
    /// [`IdentityError`]; [`Disabled`](IdentityError::Disabled) when the provider has ended the session or
    /// the account.
    async fn refresh(
        &self,
        username: &str,
        token: &ProviderRefreshToken,
    ) -> Result<ProviderAccessToken, IdentityError>;

    /// Who an access token belongs to, as the provider knows them now.
    ///
    /// # Errors
    /// [`IdentityError`]; [`Disabled`](IdentityError::Disabled) for a token that is no longer good.
    async fn user(&self, token: &ProviderAccessToken) -> Result<ProviderUser, IdentityError>;

    /// Ends every session of the token's user at the provider.
    ///
    /// # Errors
    /// [`IdentityError`]; [`Disabled`](IdentityError::Disabled) for a token that is no longer good.
    async fn sign_out(&self, token: &ProviderAccessToken) -> Result<(), IdentityError>;
}

/// Opens accounts at the provider, and mends forgotten passwords.
///
/// An implementor must not repeat what sends a message or spends a code, must end within some seconds,
/// and must name no password, code or address in an error.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait IdentityAccounts: Send + Sync {
    /// Opens an account.
    ///
    /// # Errors
    /// [`IdentityError`].
    async fn sign_up(&self, account: &ProviderSignUp) -> Result<ProviderSignedUp, IdentityError>;

    /// Confirms an account with the code its owner was sent.
    ///
    /// # Errors
    /// [`IdentityError`]; [`CodeMismatch`](IdentityError::CodeMismatch) for an account confirmed before.
    async fn confirm(&self, email: &Email, code: &ProviderCode) -> Result<(), IdentityError>;

    /// Sends the code of confirmation once more.
    ///
    /// # Errors
    /// [`IdentityError`].
    async fn resend_code(&self, email: &Email) -> Result<(), IdentityError>;

    /// Sends a code to set another password with.
    ///
    /// # Errors
    /// [`IdentityError`]. A provider may answer an unknown address like any other.
    async fn forgot_password(&self, email: &Email) -> Result<(), IdentityError>;

    /// Sets another password.
    ///
    /// # Errors
    /// [`IdentityError`].
    async fn reset_password(
        &self,
        email: &Email,
        code: &ProviderCode,
        password: &Password,
    ) -> Result<(), IdentityError>;
}

/// Second factors that the provider keeps.
///
/// An implementor must ask for the factor at the next sign-in once it is active, and never before.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait IdentityFactors: Send + Sync {
    /// Begins to set an authenticator app up: the secret to type into it.
    ///
    /// # Errors
    /// [`IdentityError`].
    async fn associate_app(&self, token: &ProviderAccessToken) -> Result<SoftwareTokenSecret, IdentityError>;

    /// Proves that the app works, and makes it the preferred factor.
    ///
    /// # Errors
    /// [`IdentityError`].
    async fn activate_app(
        &self,
        token: &ProviderAccessToken,
        code: &ProviderCode,
    ) -> Result<(), IdentityError>;
}

/// Verifies access tokens of the provider that are presented to this server.
///
/// An implementor must check the signature before it believes a claim, must take keys, issuer and client
/// from its configuration and never from the token, must take access tokens of users alone, must bound
/// what tokens make it ask the provider for, must go on with known keys while the provider is away, and
/// must not panic or work long on any input.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait ProviderTokens: Send + Sync {
    /// Verifies a token and reads its claims.
    ///
    /// # Errors
    /// [`Rejected`](IdentityError::Rejected) for a token that is not good,
    /// [`Unavailable`](IdentityError::Unavailable) when that cannot be told now.
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<ProviderClaims, IdentityError>;
}
