//! The secret of an installation.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Fewer bytes are guessable: 32 hexadecimal digits are 128 bits, the least that a key needs (ASVS
/// 11.2.3), and 32 bytes are what HS256 needs (RFC 7518 §3.2).
const LEAST_BYTES: usize = 32;

/// Chance does not repeat itself this much: of 32 random hexadecimal digits fewer than eight differ
/// once in 10^8 times.
const LEAST_DIFFERENT: usize = 8;

/// What templates, tutorials and manuals say in the place of a secret. Whoever knows it can forge
/// every token, whatever its length.
const PUBLISHED: &[&str] = &[
    "change-me",
    "change_me",
    "changeme",
    "changethis",
    "do-not-use",
    "example",
    "in-production",
    "never-use",
    "replace-me",
    "test-only",
    "your-secret",
    "your_secret",
    "yoursecret",
];

/// The secret everything else is derived from, and which HS256 signs with.
#[derive(Clone)]
pub struct ServerSecret(SecretString);

/// The text cannot be the server's secret: it is too short or too regular to be of chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is too weak; make one with: openssl rand -base64 48")]
pub struct WeakSecret;

impl ServerSecret {
    /// Reads a secret.
    ///
    /// # Errors
    /// [`WeakSecret`] for a short or regular text. A published one passes, since development may use
    /// it: see [`is_published`](Self::is_published).
    pub fn parse(text: &str) -> Result<Self, WeakSecret> {
        let mut seen = [false; 256];
        text.bytes().for_each(|byte| seen[usize::from(byte)] = true);
        let different = seen.iter().filter(|&&present| present).count();
        if text.len() < LEAST_BYTES || different < LEAST_DIFFERENT {
            return Err(WeakSecret);
        }
        Ok(Self(text.to_owned().into()))
    }

    /// Whether the secret stands in a published text, and so is known to everybody.
    pub fn is_published(&self) -> bool {
        let lower = Zeroizing::new(self.0.expose_secret().to_ascii_lowercase());
        PUBLISHED.iter().any(|mark| lower.contains(mark))
    }

    /// The bytes that keys are derived from and that sister services share.
    pub fn expose_secret(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_secrets_are_refused() {
        let weak = ["", "your-secret-key", &"a".repeat(64), &"1234567".repeat(10), &"x1".repeat(15)];
        for text in weak {
            assert_eq!(ServerSecret::parse(text).unwrap_err(), WeakSecret, "{text}");
        }
        for text in ["bN5oQ0hXWk3yJ0m5m0nJ8q8xv1wQk1tUu4hJg2cZ0aE=", "0f8fad5bd9cb469fa16570867728950e"] {
            assert!(!ServerSecret::parse(text).unwrap().is_published(), "{text}");
        }
    }

    #[test]
    fn published_secrets_are_known() {
        for text in [
            "local-development-only-do-not-use-in-production",
            "test-only-secret-key-never-use-this-in-production-0001",
            "ChangeMe-ChangeMe-ChangeMe-ChangeMe",
        ] {
            assert!(ServerSecret::parse(text).unwrap().is_published(), "{text}");
        }
    }

    #[test]
    fn nothing_prints_it() {
        let secret = ServerSecret::parse("0f8fad5bd9cb469fa16570867728950e").unwrap();
        assert_eq!(format!("{secret:?}"), "ServerSecret");
    }
}
