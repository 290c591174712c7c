//! What a key is good for: a closed set.

use std::{fmt, str::FromStr};

use super::ApiKeyKind;

/// One thing that a key may be good for.
///
/// Each belongs to one kind of key. None of them makes keys, changes passwords or second factors, or shows
/// sessions, and none ever may (AZ-08): whoever holds a key is not proved to be a person.
///
/// To add one: the variant here with its name and kind, and a marker of its own in the HTTP adapter's
/// `extract`, so that a route can ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Reading one's own account.
    ProfileRead,
    /// Reading what happened to one's own account.
    ActivityRead,
    /// Asking whether access tokens of the tenant are good.
    TokensIntrospect,
}

impl Scope {
    /// All scopes, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::ProfileRead, Self::ActivityRead, Self::TokensIntrospect];

    /// The name that stores and clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProfileRead => "profile:read",
            Self::ActivityRead => "activity:read",
            Self::TokensIntrospect => "tokens:introspect",
        }
    }

    /// The kind of key that may have it.
    pub const fn kind(self) -> ApiKeyKind {
        match self {
            Self::ProfileRead | Self::ActivityRead => ApiKeyKind::Personal,
            Self::TokensIntrospect => ApiKeyKind::Service,
        }
    }
}

/// The text names no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a scope")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one key is good for: each scope once, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Whether `scope` is among them.
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// Whether a key of that kind may have all of them, and there are any.
    pub fn fit(&self, kind: ApiKeyKind) -> bool {
        !self.0.is_empty() && self.iter().all(|scope| scope.kind() == kind)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
}

impl fmt::Display for Scopes {
    /// Names with a space between them, as stores and tokens keep them (RFC 6749 §3.3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(place, scope)| {
            let gap = if place == 0 { "" } else { " " };
            write!(f, "{gap}{scope}")
        })
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(' ').map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set_in_order() {
        let scopes: Scopes =
            [Scope::ActivityRead, Scope::ProfileRead, Scope::ActivityRead].into_iter().collect();
        assert_eq!(scopes.to_string(), "profile:read activity:read");
        assert_eq!("activity:read profile:read".parse(), Ok(scopes));
        for text in ["", "profile:read ", "profile:write", "profile:read,activity:read"] {
            assert_eq!(text.parse::<Scopes>(), Err(UnknownScope), "{text:?}");
        }
    }

    #[test]
    fn each_scope_belongs_to_one_kind() {
        for scope in Scope::ALL {
            let fits = ApiKeyKind::ALL.map(|kind| Scopes::from_iter([scope]).fit(kind));
            assert_eq!(fits.iter().filter(|&&fits| fits).count(), 1, "{scope}");
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert!(!Scopes::from_iter([]).fit(ApiKeyKind::Personal));
        assert!(!Scopes::from_iter(Scope::ALL).fit(ApiKeyKind::Service));
    }
}
