//! Tenants: separate sets of users behind one server.

use std::fmt;

/// The name of a tenant: `[a-z0-9_-]{1,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Box<str>);

/// The text is not a tenant's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's name has 1 to 63 characters out of a-z, 0-9, '_' and '-'")]
pub struct InvalidTenant;

impl TenantId {
    /// Reads a tenant's name; upper case is folded to lower case.
    ///
    /// # Errors
    /// [`InvalidTenant`] for an empty or long name, or any other character.
    pub fn parse(text: &str) -> Result<Self, InvalidTenant> {
        let name = text.to_ascii_lowercase();
        let fits = (1..=63).contains(&name.len());
        let plain = name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if fits && plain { Ok(Self(name.into())) } else { Err(InvalidTenant) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    /// The tenant of requests that name none.
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_and_refuses_the_rest() {
        assert_eq!(TenantId::parse("Web").unwrap().as_str(), "web");
        for bad in ["", "a b", "../x", "é", &"x".repeat(64)] {
            assert_eq!(TenantId::parse(bad), Err(InvalidTenant), "{bad:?}");
        }
    }
}
