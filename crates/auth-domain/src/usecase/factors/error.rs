//! Why a second factor was not changed.

use crate::{
    guard::{lockout::Locked, pumping::SmsRefused},
    port::SmsError,
    usecase::{Fault, TextError, fault::faults, proof::ProofError},
};

/// Why a second factor was not changed.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// The account has that factor not, or not yet.
    #[error("the factor is not set up")]
    NotSetUp,
    /// The password that was to prove the change is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
    /// No code waits: never sent, used or expired.
    #[error("no code is waiting")]
    NoCode,
    /// The account has a second factor already, and nothing proved just now that its owner asks: neither
    /// a password, nor a code, nor a login with a second factor a moment ago.
    #[error("the login is too long ago, or had no second factor")]
    RecentLoginRequired,
    /// It is the last factor, and the installation demands one.
    #[error("the last factor cannot be switched off")]
    LastFactor,
    /// Too many wrong passwords or codes.
    #[error(transparent)]
    Locked(Locked),
    /// The defences against pumping say no.
    #[error(transparent)]
    Refused(SmsRefused),
    /// The provider of text messages did not take it.
    #[error(transparent)]
    Provider(SmsError),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(FactorError);

impl From<Fault> for FactorError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<TextError> for FactorError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Refused(refused) => Self::Refused(refused),
            TextError::Provider(error) => Self::Provider(error),
            TextError::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// A code was to be proved.
impl From<ProofError> for FactorError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Wrong => Self::WrongCode,
            ProofError::Locked(locked) => Self::Locked(locked),
            ProofError::Fault(fault) => Self::Fault(fault),
        }
    }
}
