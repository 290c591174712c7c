//! Passwords: the plain one, the admitted one, the hash, and the policy between them.

mod blocklist;
mod policy;

use std::{borrow::Cow, fmt};

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::{UnicodeNormalization, is_nfkc};
use zeroize::Zeroize;

pub use policy::{InvalidPolicy, PasswordPolicy, WeakPassword};
pub(crate) use policy::{add_words, context_words};

/// A password as a person typed it. Has no `PartialEq`, no `Display`, and a `Debug` without content.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// Takes what the person typed, whole: nothing is trimmed, folded or cut (ASVS 6.2.8).
    pub fn new(typed: String) -> Self {
        Self(typed.into())
    }

    /// What the person typed.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// The form that is hashed: NFKC (NIST SP 800-63B-4 §3.1.1.2), so that one password typed on two
    /// keyboards is one password. `None` when that is what was typed already.
    pub fn normalised(&self) -> Option<Self> {
        let typed = self.expose_secret();
        (!is_nfkc(typed)).then(|| Self(typed.nfkc().collect::<String>().into()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// A password that the policy admitted: the only kind that can become a [`PasswordHash`].
#[derive(Clone, Debug)]
pub struct NewPassword(Password);

impl NewPassword {
    /// The password.
    pub const fn password(&self) -> &Password {
        &self.0
    }
}

/// A password's hash in PHC or crypt form, opaque to everything but the hasher.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// Wraps what a hasher produced, a store handed back or an import brought.
    pub fn new(encoded: impl Into<Box<str>>) -> Self {
        Self(encoded.into())
    }

    /// The encoded hash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl Drop for PasswordHash {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Folds a password or a word for comparison with lists: NFKC and lower case.
fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfkc().collect::<String>().to_lowercase())
    }
}
