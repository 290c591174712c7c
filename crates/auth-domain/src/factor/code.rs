//! One-time codes that are sent: six digits, five minutes, five tries.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    port::{CodeMac, CodeSlot, Entropy, EntropyError, KeyPurpose, KeyedHash, StoredCode},
    tenant::TenantId,
};

/// How long a code lives (ASVS 6.5.5 allows ten minutes).
pub const LIFE: TimeDelta = TimeDelta::minutes(5);
/// How many answers are looked at.
pub const TRIES: u32 = 5;
/// How many codes there are.
const CODES: u32 = 1_000_000;

/// Six digits, on their way to a person or back. Never stored.
pub struct OneTimeCode(SecretString);

impl OneTimeCode {
    /// Makes a code from chance; all are equally likely (ASVS 6.5.4).
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no randomness.
    pub fn mint(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        // The numbers below a multiple of a million; the few above it would favour small codes.
        const FAIR: u32 = u32::MAX - u32::MAX % CODES;
        loop {
            let mut bytes = [0; 4];
            entropy.fill(&mut bytes)?;
            let number = u32::from_le_bytes(bytes);
            if number < FAIR {
                return Ok(Self(format!("{:06}", number % CODES).into()));
            }
        }
    }

    /// Reads what somebody typed: exactly six ASCII digits.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self(text.to_owned().into()))
    }

    /// The digits, for the one message that carries them.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// The hash that is stored and compared: bound to the user, the purpose and the address the code
    /// was sent to, so that it is good for nothing else (ASVS 6.6.2).
    pub fn mac(&self, slot: CodeSlot, tenant: &TenantId, address: &str, keys: &dyn KeyedHash) -> CodeMac {
        let user = slot.user.as_i64().to_be_bytes();
        let parts = [
            slot.purpose.name().as_bytes(),
            tenant.as_str().as_bytes(),
            &user,
            address.as_bytes(),
            self.expose_secret().as_bytes(),
        ];
        CodeMac::from_bytes(keys.mac(KeyPurpose::OneTimeCode, &parts))
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode")
    }
}

/// A code as it waits, sent just now.
pub fn stored(mac: CodeMac, now: DateTime<Utc>) -> StoredCode {
    StoredCode { mac, tries: TRIES, expires_at: now + LIFE }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the same four bytes until told otherwise, then zeros.
    struct Script(std::sync::Mutex<Vec<u32>>);

    impl Entropy for Script {
        fn fill(&self, buf: &mut [u8]) -> Result<(), EntropyError> {
            let next = self.0.lock().unwrap().pop().unwrap_or(0);
            buf.copy_from_slice(&next.to_le_bytes());
            Ok(())
        }
    }

    fn minted(numbers: &[u32]) -> String {
        let script = Script(std::sync::Mutex::new(numbers.iter().rev().copied().collect()));
        OneTimeCode::mint(&script).unwrap().expose_secret().to_owned()
    }

    #[test]
    fn keeps_leading_zeros_and_favours_no_code() {
        assert_eq!(minted(&[7]), "000007");
        assert_eq!(minted(&[999_999]), "999999");
        assert_eq!(minted(&[4_293_999_999]), "999999");
        // The last 967 295 numbers would make the codes below it more likely.
        assert_eq!(minted(&[4_294_000_000, u32::MAX, 42]), "000042");
    }

    #[test]
    fn reads_six_ascii_digits_only() {
        for text in ["12345", "1234567", "12345x", "１２３４５６", " 12345", "-12345"] {
            assert!(OneTimeCode::parse(text).is_none(), "{text:?}");
        }
        assert_eq!(format!("{:?}", OneTimeCode::parse("123456")), "Some(OneTimeCode)");
    }
}
