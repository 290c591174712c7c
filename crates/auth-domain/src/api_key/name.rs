//! What the owner of a key calls it.

use std::fmt;

/// 1 to [`MAX_CHARS`](ApiKeyName::MAX_CHARS) characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyName(String);

/// The text cannot be the name of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a key has 1 to {} characters, none of them a control character", ApiKeyName::MAX_CHARS)]
pub struct InvalidKeyName;

impl ApiKeyName {
    /// Longest allowed, in characters.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name. White space around it is no part of it.
    ///
    /// # Errors
    /// [`InvalidKeyName`] for a blank or too long one, and for control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidKeyName> {
        let text = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKeyName)
        }
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_readable_line() {
        assert_eq!(ApiKeyName::parse(" nightly report ").unwrap().as_str(), "nightly report");
        assert!(ApiKeyName::parse(&"ä".repeat(100)).is_ok());
        for text in ["", "  ", "a\nb", "a\0b", &"ä".repeat(101)] {
            assert_eq!(ApiKeyName::parse(text), Err(InvalidKeyName), "{text:?}");
        }
    }
}
