//! Time-based one-time passwords (RFC 6238) as authenticator apps know them: SHA-1, six digits, 30
//! seconds.

use std::fmt::{self, Write as _};

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::port::{Entropy, EntropyError, TotpGenerator};

/// Length of a time step, in seconds.
pub const PERIOD: i64 = 30;
/// How many steps a clock may be ahead or behind (RFC 6238 §5.2).
pub const SKEW: i64 = 1;

/// A secret shared with an authenticator app: 160 bits (RFC 4226 §4 R6).
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<[u8; Self::BYTES]>);

impl TotpSecret {
    /// Length in bytes.
    pub const BYTES: usize = 20;

    /// Makes a secret from chance.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no randomness.
    pub fn mint(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        entropy.fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// Wraps what a secret box opened; `None` unless it has the length of a secret.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Reads the secret that another system keeps: base32 with or without padding and spaces. One of 10 to 20
    /// bytes is good; zeros behind a shorter one give the same codes, because HMAC adds them anyway (RFC 2104
    /// §2). A longer one cannot be kept.
    pub fn from_foreign(base32: &str) -> Option<Self> {
        let plain = |c: &char| !c.is_ascii_whitespace() && *c != '-' && *c != '=';
        let text: Zeroizing<String> = Zeroizing::new(base32.chars().filter(plain).collect());
        let text = Zeroizing::new(text.to_ascii_uppercase());
        let decoded = Zeroizing::new(BASE32_NOPAD.decode(text.as_bytes()).ok()?);
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        if !(Self::BYTES / 2..=Self::BYTES).contains(&decoded.len()) {
            return None;
        }
        bytes[..decoded.len()].copy_from_slice(&decoded);
        Some(Self(bytes))
    }

    /// The bytes, to be sealed or computed with.
    pub fn expose_secret(&self) -> &[u8] {
        &*self.0
    }

    /// The form that people type into their app: 32 characters of base32 (RFC 4648).
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&*self.0))
    }

    /// The form that apps read from a picture (`otpauth://`, Google's key URI format).
    pub fn to_uri(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        let (issuer, account) = (percent_encoded(issuer), percent_encoded(account));
        let secret = self.to_base32();
        Zeroizing::new(format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", *secret))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret")
    }
}

/// Encodes all but the unreserved characters of RFC 3986: a name cannot add parameters.
fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Six digits, as an app shows them.
#[derive(Clone, Copy)]
pub struct TotpCode([u8; 6]);

impl TotpCode {
    /// Reads exactly six ASCII digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 6] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// The digits.
    pub const fn as_bytes(&self) -> &[u8; 6] {
        &self.0
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpCode")
    }
}

/// The number of a 30-second step since 1970 (the T of RFC 6238).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeStep(i64);

impl TimeStep {
    /// The step that `now` lies in.
    pub const fn at(now: DateTime<Utc>) -> Self {
        Self(now.timestamp().div_euclid(PERIOD))
    }

    /// Wraps a number that a store handed back.
    pub const fn from_i64(raw: i64) -> Self {
        Self(raw)
    }

    /// The number, as stores keep it.
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The moving factor that goes into the code.
    pub fn counter(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }

    const fn offset(self, steps: i64) -> Self {
        Self(self.0.saturating_add(steps))
    }
}

/// The step that `code` belongs to: one of those around `now`, and later than `last`, the step of the
/// code accepted before (RFC 6238 §5.2: a code is good once, and with it all before it).
///
/// Always computes and compares all of them, in constant time, so that time tells nothing of which one
/// came close.
pub fn matching_step(
    secret: &TotpSecret,
    code: TotpCode,
    now: DateTime<Utc>,
    last: Option<TimeStep>,
    generator: &dyn TotpGenerator,
) -> Option<TimeStep> {
    let present = TimeStep::at(now);
    let mut found = None;
    for step in (-SKEW..=SKEW).map(|steps| present.offset(steps)) {
        let expected = generator.code(secret, step);
        if bool::from(expected.as_bytes().ct_eq(code.as_bytes())) {
            found = Some(step);
        }
    }
    found.filter(|&step| last.is_none_or(|last| step > last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::MockTotpGenerator;

    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    /// A generator whose code is the last six digits of the step.
    fn counting() -> MockTotpGenerator {
        let mut generator = MockTotpGenerator::new();
        generator
            .expect_code()
            .returning(|_, step| TotpCode::parse(&format!("{:06}", step.as_i64() % 1_000_000)).unwrap());
        generator
    }

    fn at(step: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(step * PERIOD + 7, 0).unwrap()
    }

    #[test]
    fn accepts_one_step_of_drift_and_no_more() {
        for (code, accepted) in
            [("000098", false), ("000099", true), ("000100", true), ("000101", true), ("000102", false)]
        {
            let found = matching_step(&secret(), TotpCode::parse(code).unwrap(), at(100), None, &counting());
            assert_eq!(found.is_some(), accepted, "{code}");
        }
    }

    #[test]
    fn an_accepted_step_ends_itself_and_all_before_it() {
        for (last, accepted) in [(99, true), (100, false), (101, false)] {
            let code = TotpCode::parse("000100").unwrap();
            let found = matching_step(&secret(), code, at(100), Some(TimeStep(last)), &counting());
            assert_eq!(found, accepted.then_some(TimeStep(100)), "{last}");
        }
    }

    #[test]
    fn codes_are_six_ascii_digits() {
        for text in ["12345", "1234567", "12345a", "+12345", " 12345", "１２３４５６", ""] {
            assert!(TotpCode::parse(text).is_none(), "{text:?}");
        }
        assert!(TotpCode::parse("012345").is_some());
    }

    #[test]
    fn a_name_cannot_add_parameters() {
        let uri = secret().to_uri("A&B: C", "a&secret=AAAA@x.example");
        assert_eq!(
            *uri,
            "otpauth://totp/A%26B%3A%20C:a%26secret%3DAAAA%40x.example\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A%26B%3A%20C"
        );
        assert_eq!(uri.matches("secret=").count(), 1);
    }

    #[test]
    fn secrets_of_others_are_read_as_they_write_them() {
        let plain = TotpSecret::from_foreign("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(plain.expose_secret(), b"12345678901234567890");
        let typed = TotpSecret::from_foreign("gezd gnbv-gy3t QOJQ\tGEZDGNBVGY3TQOJQ====").unwrap();
        assert_eq!(typed.expose_secret(), plain.expose_secret());
        let short = TotpSecret::from_foreign("GEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(short.expose_secret(), b"1234567890\0\0\0\0\0\0\0\0\0\0");
        let long = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBV";
        for bad in ["", "GEZDGNBV", long, "GEZDGNBVGY3TQOJ1", "not base32 at all!!"] {
            assert!(TotpSecret::from_foreign(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_have_32_characters_and_no_debug() {
        assert_eq!(secret().to_base32().len(), 32);
        assert_eq!(format!("{:?}", secret()), "TotpSecret");
        assert!(TotpSecret::from_bytes(b"short").is_none());
    }
}
