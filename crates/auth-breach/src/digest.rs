//! The SHA-1 that names a password in lists of breached ones. It protects nothing here.

use std::fmt;

use auth_domain::user::Password;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

/// Hexadecimal digits that may leave the machine.
const PREFIX: usize = 5;

/// The SHA-1 of a password, in capital hexadecimal digits. `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct HexDigest(Zeroizing<String>);

impl HexDigest {
    /// How many digits there are.
    pub(crate) const DIGITS: usize = 40;

    /// Of the form that is hashed for login: two spellings of one password are one password.
    pub(crate) fn of(password: &Password) -> Self {
        let normalised = password.normalised();
        let text = normalised.as_ref().unwrap_or(password).expose_secret();
        let bytes = Sha1::digest(text.as_bytes());
        let mut digits = Zeroizing::new(String::with_capacity(Self::DIGITS));
        for byte in bytes {
            for half in [byte >> 4, byte & 0x0f] {
                digits.push(char::from(b"0123456789ABCDEF"[usize::from(half)]));
            }
        }
        Self(digits)
    }

    /// What a service is told.
    pub(crate) fn prefix(&self) -> &str {
        &self.0[..PREFIX]
    }

    /// What is looked for in its answer.
    pub(crate) fn suffix(&self) -> &str {
        &self.0[PREFIX..]
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HexDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HexDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_password_as_the_lists_do() {
        let digest = HexDigest::of(&Password::new("password".to_owned()));
        assert_eq!(digest.as_str(), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
        assert_eq!((digest.prefix(), digest.suffix().len()), ("5BAA6", 35));
        assert_eq!(format!("{digest:?}"), "HexDigest");
    }

    #[test]
    fn two_spellings_of_one_password_have_one_name() {
        let of = |text: &str| HexDigest::of(&Password::new(text.to_owned())).as_str().to_owned();
        assert_eq!(of("caf\u{e9} au lait"), of("cafe\u{301} au lait"));
        assert_ne!(of("cafe au lait"), of("caf\u{e9} au lait"));
    }
}
