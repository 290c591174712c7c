//! Codes of authenticator apps.

use auth_domain::{
    factor::{TimeStep, TotpCode, TotpSecret},
    port::TotpGenerator,
};
use totp_lite::{Sha1, totp_custom};
use zeroize::Zeroizing;

/// RFC 6238 with HMAC-SHA-1 and six digits: what authenticator apps compute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rfc6238;

impl TotpGenerator for Rfc6238 {
    fn code(&self, secret: &TotpSecret, step: TimeStep) -> TotpCode {
        // The step is counted already: a period of one second leaves it as it is.
        let digits = Zeroizing::new(totp_custom::<Sha1>(1, 6, secret.expose_secret(), step.counter()));
        TotpCode::parse(&digits).expect("the code was asked for with six digits")
    }
}
