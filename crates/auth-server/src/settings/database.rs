//! Where accounts are stored.

use std::{fmt, path::PathBuf};

use super::{dsn::Dsn, parse::Wrong, table};

/// Where accounts are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In memory, until the end of the process.
    Memory,
    /// In an SQLite file.
    Sqlite(PathBuf),
    /// On PostgreSQL, at `postgresql://…`.
    Postgres(Dsn),
}

impl Database {
    /// Reads the address of a database from the command line.
    ///
    /// # Errors
    /// One line without the address, which may hold a password.
    pub fn from_argument(text: &str) -> Result<Self, String> {
        parse(text).map_err(|Wrong::Shape| format!("expected {}", table::DATABASE_URL.kind.accepts()))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("sqlite::memory:"),
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(dsn) => write!(f, "{dsn}"),
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Database, Wrong> {
    let (scheme, rest) = text.split_once(':').ok_or(Wrong::Shape)?;
    if is_postgres(scheme) {
        return Ok(Database::Postgres(Dsn::new(format!("postgresql:{rest}"))));
    }
    if !scheme.eq_ignore_ascii_case("sqlite") {
        return Err(Wrong::Shape);
    }
    match rest.strip_prefix("//").unwrap_or(rest) {
        ":memory:" => Ok(Database::Memory),
        path if path.is_empty() || path.contains('?') => Err(Wrong::Shape),
        path => Ok(Database::Sqlite(path.into())),
    }
}

/// `postgres`, `postgresql`, and what `SQLAlchemy` calls it with a driver, as in `postgresql+asyncpg`.
fn is_postgres(scheme: &str) -> bool {
    let name = scheme.split_once('+').map_or(scheme, |(name, _driver)| name);
    name.eq_ignore_ascii_case("postgres") || name.eq_ignore_ascii_case("postgresql")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_all_their_spellings() {
        let file = |path: &str| Ok(Database::Sqlite(path.into()));
        assert_eq!(parse("sqlite://data/a.sqlite3"), file("data/a.sqlite3"));
        assert_eq!(parse("sqlite:///var/a.sqlite3"), file("/var/a.sqlite3"));
        assert_eq!(parse("sqlite:a.sqlite3"), file("a.sqlite3"));
        assert_eq!(parse("sqlite::memory:"), Ok(Database::Memory));
        assert_eq!(parse("sqlite://:memory:"), Ok(Database::Memory));
        for scheme in ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg2"] {
            let read = parse(&format!("{scheme}://u:p@h/d"));
            assert_eq!(read, Ok(Database::Postgres(Dsn::new("postgresql://u:p@h/d".to_owned()))), "{scheme}");
        }
        for bad in ["", "sqlite://", "data/a.sqlite3", "mysql://h/d", "postgress://h/d", "sqlite://a?mode=ro"]
        {
            assert_eq!(parse(bad), Err(Wrong::Shape), "{bad}");
        }
    }
}
