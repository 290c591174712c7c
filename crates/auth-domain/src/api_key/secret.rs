//! The text of a key: `ak_` + 8 characters that are shown + `_` + 256 random bits + CRC-32.
//!
//! ```text
//! ak_7w3kq0zd_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE2h0iQw
//! └───prefix─┘ └──────────── 43 ─────────────────────────┘└─6──┘
//! ```
//!
//! The checksum proves nothing. It lets whoever scans for leaked keys tell one from other text, and this
//! server refuse a mistyped one without asking the store.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{
    port::{Entropy, EntropyError},
    secret::Digest,
};

/// Crockford's alphabet in lower case: no two characters look alike.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of the prefix behind `ak_`: 40 random bits.
const SHOWN_CHARS: usize = 8;
/// 256 bits and 32 bits in base64url.
const BODY_CHARS: usize = 43;
const SUM_CHARS: usize = 6;

/// A key as its owner gets to see it, once.
pub struct ApiKeySecret(SecretString);

/// How the text of a key begins, `ak_` included. Not secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrefix(String);

impl ApiKeySecret {
    /// What every key begins with.
    pub const PREFIX: &str = "ak_";
    /// How long every key is.
    pub const CHARS: usize = KeyPrefix::CHARS + 1 + BODY_CHARS + SUM_CHARS;

    /// Makes a key from chance.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no randomness.
    pub fn mint(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut shown = [0u8; SHOWN_CHARS];
        entropy.fill(&mut shown)?;
        let mut bits = Zeroizing::new([0u8; 32]);
        entropy.fill(&mut *bits)?;
        let mut text = Zeroizing::new(String::with_capacity(Self::CHARS));
        text.push_str(Self::PREFIX);
        text.extend(shown.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])));
        text.push('_');
        URL_SAFE_NO_PAD.encode_string(*bits, &mut text);
        let sum = checksum(text.as_bytes());
        text.push_str(&sum);
        Ok(Self(text.as_str().into()))
    }

    /// Reads a key that a client presents; `None` unless it has exactly the shape of one, and its checksum.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::CHARS || !text.is_ascii() {
            return None;
        }
        let (body, sum) = text.split_at(Self::CHARS - SUM_CHARS);
        let (prefix, bits) = body.split_at(KeyPrefix::CHARS);
        KeyPrefix::parse(prefix)?;
        // One key has one spelling: this engine refuses other alphabets and bits left over.
        let bits = Zeroizing::new(URL_SAFE_NO_PAD.decode(bits.strip_prefix('_')?).ok()?);
        (bits.len() == 32 && checksum(body.as_bytes()) == sum).then(|| Self(text.into()))
    }

    /// What is shown of it from now on.
    pub fn prefix(&self) -> KeyPrefix {
        KeyPrefix(self.expose_secret()[..KeyPrefix::CHARS].to_owned())
    }

    /// The form that is stored and looked up.
    pub fn digest(&self) -> Digest {
        Digest::of(self.expose_secret().as_bytes())
    }

    /// The key itself, for the one answer that carries it.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret")
    }
}

impl KeyPrefix {
    /// How long it is.
    pub const CHARS: usize = ApiKeySecret::PREFIX.len() + SHOWN_CHARS;

    /// Reads a prefix that a store handed back; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let shown = text.strip_prefix(ApiKeySecret::PREFIX)?;
        let fits = shown.len() == SHOWN_CHARS && shown.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn checksum(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(crc32(bytes).to_be_bytes())
}

/// CRC-32 as in ISO-HDLC (zlib, PNG), bit by bit: keys are short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, buf: &mut [u8]) -> Result<(), EntropyError> {
            (1..=u8::MAX).zip(buf).for_each(|(number, byte)| *byte = number);
            Ok(())
        }
    }

    /// The check value of the catalogue of parametrised CRC algorithms.
    #[test]
    fn the_checksum_is_the_one_that_others_know() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_key_reads_back_and_shows_its_prefix() {
        let key = ApiKeySecret::mint(&Counting).unwrap();
        let text = key.expose_secret();
        assert_eq!(text.len(), ApiKeySecret::CHARS);
        assert!(text.starts_with("ak_12345678_"), "{text}");
        let read = ApiKeySecret::parse(text).unwrap();
        assert_eq!((read.digest(), read.prefix().as_str()), (key.digest(), "ak_12345678"));
        assert_eq!(KeyPrefix::parse("ak_12345678"), Some(key.prefix()));
        assert_eq!(format!("{key:?}"), "ApiKeySecret");
    }

    /// No change of one character is a key: each is found by its checksum.
    #[test]
    fn one_wrong_character_is_no_key() {
        let key = ApiKeySecret::mint(&Counting).unwrap();
        let text = key.expose_secret();
        for place in 0..text.len() {
            for other in ["A", "0", "_", "-", "é", " "] {
                let wrong = format!("{}{other}{}", &text[..place], &text[place + 1..]);
                assert_eq!(ApiKeySecret::parse(&wrong).is_some(), wrong == text, "{wrong}");
            }
        }
        for wrong in ["", "ak_", &text[1..], &text[..text.len() - 1], &format!("{text}A")] {
            assert!(ApiKeySecret::parse(wrong).is_none(), "{wrong}");
        }
        for wrong in ["ak_1234567", "ak_123456789", "ak_1234567I", "rt_12345678"] {
            assert_eq!(KeyPrefix::parse(wrong), None, "{wrong}");
        }
    }
}
