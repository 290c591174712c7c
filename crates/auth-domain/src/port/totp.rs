//! Codes of authenticator apps.

use crate::factor::{TimeStep, TotpCode, TotpSecret};

/// Computes the codes of authenticator apps.
///
/// An implementor must compute as RFC 6238 says, with HMAC-SHA-1 and six digits.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait TotpGenerator: Send + Sync {
    /// The code of one step.
    fn code(&self, secret: &TotpSecret, step: TimeStep) -> TotpCode;
}
