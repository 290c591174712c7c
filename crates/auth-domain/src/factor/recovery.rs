//! Recovery codes: ten, each good once, for the day the phone is lost.

use std::{fmt, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{
    port::{Entropy, EntropyError},
    secret::Digest,
};

/// How many an account is given.
pub const COUNT: usize = 10;
/// 120 bits: at 112 or more a plain hash is enough (NIST SP 800-63B-4 §3.1.2.2).
const BYTES: usize = 15;
/// Characters in a group.
const GROUP: usize = 4;
/// Characters of a code, without the hyphens between its groups.
const CHARS: usize = BYTES * 8 / 5;

/// Crockford's base32: no I, L, O or U to be misread, and what is misread all the same reads right.
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("abcdefghjkmnpqrstvwxyzIiLlOo");
    specification.translate.to.push_str("ABCDEFGHJKMNPQRSTVWXYZ111100");
    specification.ignore.push_str("- ");
    specification.encoding().expect("the specification above is a valid one, as the tests show")
});

/// One recovery code: six groups of four characters.
pub struct RecoveryCode(SecretString);

impl RecoveryCode {
    /// Makes a code from chance.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no randomness.
    pub fn mint(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        entropy.fill(&mut *bytes)?;
        Ok(Self::from_bytes(&bytes))
    }

    fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let plain = Zeroizing::new(CROCKFORD.encode(bytes));
        let groups: Vec<&str> = (0..CHARS).step_by(GROUP).map(|at| &plain[at..at + GROUP]).collect();
        Self(groups.join("-").into())
    }

    /// Reads what somebody typed: case, hyphens and spaces do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 2 * CHARS {
            return None;
        }
        let bytes = Zeroizing::new(CROCKFORD.decode(text.trim().as_bytes()).ok()?);
        Some(Self::from_bytes(bytes.as_slice().try_into().ok()?))
    }

    /// The form that is stored and looked up.
    pub fn digest(&self) -> Digest {
        Digest::of(self.expose_secret().as_bytes())
    }

    /// The code, for the one answer that shows it.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_however_it_is_typed() {
        let bytes: [u8; BYTES] = std::array::from_fn(|i| u8::try_from(i * 17).unwrap());
        let code = RecoveryCode::from_bytes(&bytes);
        let text = code.expose_secret();
        assert_eq!((text.len(), text.matches('-').count()), (29, 5));
        for typed in [
            text.to_owned(),
            text.to_lowercase(),
            text.replace('-', ""),
            format!("  {} ", text.replace('-', " ")),
            text.replace('0', "O").replace('1', "l"),
        ] {
            assert_eq!(RecoveryCode::parse(&typed).unwrap().digest(), code.digest(), "{typed}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in ["", "123456", "UUUU-UUUU-UUUU-UUUU-UUUU-UUUU", "0000-0000-0000-0000-0000-000"] {
            assert!(RecoveryCode::parse(text).is_none(), "{text:?}");
        }
        assert!(RecoveryCode::parse(&"-".repeat(100_000)).is_none());
    }
}
