//! What a provider of identities may answer instead.

use std::error::Error;

use crate::token::TokenRejected;

/// An identity provider did not do what it was asked. No message of this type names a password, a code,
/// a token or an address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No such user, or not their password.
    #[error("the provider knows no such user with this password")]
    WrongCredentials,
    /// The account waits for its code of confirmation.
    #[error("the account at the provider is not confirmed")]
    NotConfirmed,
    /// The provider wants another password before anybody signs in again: the way of a forgotten one.
    #[error("the provider demands that the password be reset")]
    ResetRequired,
    /// Not the code that was sent or shown, or one that has no use any more.
    #[error("the code is wrong")]
    CodeMismatch,
    /// A code from too long ago.
    #[error("the code has expired")]
    CodeExpired,
    /// Too many tries for this account, or too many calls of this server.
    #[error("the provider takes no more of these requests now")]
    TooManyRequests(#[source] Box<dyn Error + Send + Sync>),
    /// The provider's policy refuses the password.
    #[error("the provider refuses the password")]
    WeakPassword {
        /// In its words, on one line; fit to be shown.
        reason: String,
    },
    /// There is an account of this address.
    #[error("the provider has an account of this address")]
    AlreadyExists,
    /// The account is disabled, deleted or not admitted, or the session behind a token has ended.
    #[error("the provider has ended the account or the session")]
    Disabled,
    /// The sign-in took too long or was finished elsewhere: it begins anew.
    #[error("the sign-in at the provider has expired")]
    ChallengeExpired,
    /// An access token that is not good.
    #[error("the provider's token is refused")]
    Rejected(#[source] TokenRejected),
    /// No answer, an error of the provider, or a rest after several of these.
    #[error("the identity provider is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The provider refuses our settings, or answers what makes no sense: the operator has to act.
    #[error("the identity provider cannot be used as it is set up")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}
