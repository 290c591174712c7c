//! How accounts are looked for.

/// The beginning of an address or of a name, whatever its case.
///
/// Not a part from their middle: no index finds that, and reading every account of a large installation for
/// each letter typed into a search field is what an attacker with a stolen session would ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSearch {
    email: String,
    name: String,
}

/// Why a text cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSearch {
    /// Longer than any address or name.
    #[error("a search has at most {} characters", UserSearch::MAX_CHARS)]
    TooLong,
    /// A NUL character, which no address and no name has.
    #[error("a search has no NUL character")]
    Nul,
}

impl UserSearch {
    /// Longest allowed, in characters: longer than any address, as long as a name.
    pub const MAX_CHARS: usize = 255;

    /// Reads what somebody typed. Blank text is `None`: it narrows nothing.
    ///
    /// # Errors
    /// [`InvalidSearch`] says what is wrong.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidSearch> {
        let text = text.trim();
        if text.contains('\0') {
            return Err(InvalidSearch::Nul);
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidSearch::TooLong);
        }
        let both = Self { email: text.to_lowercase(), name: text.to_ascii_lowercase() };
        Ok((!text.is_empty()).then_some(both))
    }

    /// What an address that fits begins with.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// What a name that fits begins with, once the ASCII letters of that are small. Others keep their case,
    /// because the stores do not agree about it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_margins_do_not_matter() {
        let search = UserSearch::parse(" Zoë ADA ").unwrap().unwrap();
        assert_eq!((search.email(), search.name()), ("zoë ada", "zoë ada"));
        let search = UserSearch::parse("ÉMILE").unwrap().unwrap();
        assert_eq!((search.email(), search.name()), ("émile", "Émile"));
    }

    #[test]
    fn what_no_account_can_begin_with_is_refused() {
        assert_eq!(UserSearch::parse("\0"), Err(InvalidSearch::Nul));
        assert_eq!(UserSearch::parse(&"é".repeat(256)), Err(InvalidSearch::TooLong));
        assert!(UserSearch::parse(&"é".repeat(255)).unwrap().is_some());
        assert_eq!(UserSearch::parse(" \t"), Ok(None));
    }
}
