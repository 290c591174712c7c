//! Addresses that carry a password.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// The address of a database or of Redis. Whoever prints it sees no password.
#[derive(Clone)]
pub struct Dsn(SecretString);

impl Dsn {
    pub(crate) fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The whole address, for the adapter that connects.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(self.expose_secret()))
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({self})")
    }
}

impl PartialEq for Dsn {
    fn eq(&self, other: &Self) -> bool {
        self.expose_secret() == other.expose_secret()
    }
}

impl Eq for Dsn {}

/// The addresses of a comma list, each with `***` in the place of a password. Parameters are left out
/// if one of them may be a password.
pub(crate) fn without_password(text: &str) -> String {
    // A password may hold a comma, so an item without a scheme belongs to the one before it.
    let mut shown = Vec::new();
    let mut rest = text;
    while let Some(end) = next_address(rest) {
        shown.push(masked(rest[..end].trim_end_matches(',')));
        rest = &rest[end..];
    }
    shown.push(masked(rest));
    shown.join(",")
}

/// Where the second address of a comma list begins.
fn next_address(text: &str) -> Option<usize> {
    let commas = text.match_indices(',').map(|(at, _)| at + 1);
    commas.into_iter().find(|&at| {
        let scheme = text[at..].split_once("://").map(|(scheme, _)| scheme.trim());
        scheme.is_some_and(|scheme| !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric()))
    })
}

fn masked(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    // The last `@` ends the password, whatever else stands in it.
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let login = login.map(|login| match login.split_once(':') {
        Some((name, _)) => format!("{name}:***@"),
        None => format!("{login}@"),
    });
    let (place, parameters) = place.split_once('?').unwrap_or((place, ""));
    let parameters = match parameters {
        "" => String::new(),
        secret if secret.to_ascii_lowercase().contains("pass") => "?***".to_owned(),
        harmless => format!("?{harmless}"),
    };
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{}{place}{parameters}", login.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("sqlite://data/auth.sqlite3", "sqlite://data/auth.sqlite3"),
            (
                "postgresql://auth:s3cret@db/auth?sslmode=verify-full",
                "postgresql://auth:***@db/auth?sslmode=verify-full",
            ),
            ("postgresql://auth:s3@cr/et@db:1,db2:2/auth", "postgresql://auth:***@db:1,db2:2/auth"),
            ("postgresql://auth@db/auth?password=s3cret", "postgresql://auth@db/auth?***"),
            ("redis://:s3cret@a:1,rediss://u:s3cret@b:2/0", "redis://:***@a:1,rediss://u:***@b:2/0"),
            ("redis://:s3,cret@a:1", "redis://:***@a:1"),
            ("redis://a:1", "redis://a:1"),
            ("postgresql://a:p?hunter2=1@h/d", "postgresql://a:***@h/d"),
            ("redis://:hun?ter2@h", "redis://:***@h"),
        ] {
            assert_eq!(without_password(text), shown);
            assert_eq!(Dsn::new(text.to_owned()).to_string(), shown);
        }
    }
}
