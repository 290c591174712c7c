//! Codes of authenticator apps, computed a second way.

use auth_domain::{
    factor::{TimeStep, TotpCode, TotpSecret},
    port::TotpGenerator,
};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// The codes that a real app shows, so that tests can play one. Written down from RFC 4226 §5.3, apart
/// from the adapter that it is compared with.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeApp;

impl FakeApp {
    /// What an app that holds `secret` shows at `now`.
    pub fn shows(self, secret: &TotpSecret, now: DateTime<Utc>) -> String {
        let code = self.code(secret, TimeStep::at(now));
        String::from_utf8_lossy(code.as_bytes()).into_owned()
    }
}

impl TotpGenerator for FakeApp {
    fn code(&self, secret: &TotpSecret, step: TimeStep) -> TotpCode {
        let mut mac =
            Hmac::<Sha1>::new_from_slice(secret.expose_secret()).expect("HMAC takes a key of any length");
        mac.update(&step.counter().to_be_bytes());
        let hash: [u8; 20] = mac.finalize().into_bytes().into();
        let offset = usize::from(hash[19] & 0xf);
        let four = [hash[offset] & 0x7f, hash[offset + 1], hash[offset + 2], hash[offset + 3]];
        let digits = format!("{:06}", u32::from_be_bytes(four) % 1_000_000);
        TotpCode::parse(&digits).expect("a number below a million has six digits")
    }
}
