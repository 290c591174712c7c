//! What a person wants to be called.

use std::fmt;

/// A full name of at most [`MAX_CHARS`](FullName::MAX_CHARS) characters; may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullName(String);

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// More than [`FullName::MAX_CHARS`] characters.
    #[error("a name has at most {} characters", FullName::MAX_CHARS)]
    TooLong,
    /// A NUL character, which PostgreSQL cannot keep in a text.
    #[error("a name has no NUL character")]
    Nul,
}

impl FullName {
    /// Longest allowed, in characters.
    pub const MAX_CHARS: usize = 255;

    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidName`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.chars().count() > Self::MAX_CHARS {
            Err(InvalidName::TooLong)
        } else if text.contains('\0') {
            Err(InvalidName::Nul)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first word, for a greeting; `None` for a blank name.
    pub fn first_word(&self) -> Option<&str> {
        self.0.split_whitespace().next()
    }
}

impl fmt::Display for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
