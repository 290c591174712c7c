//! From SQLite's errors to the port's.

use auth_domain::port::StoreError;
use diesel::result::{DatabaseErrorKind, Error};

/// What a piece of work on a connection fails with: lets `?` turn both kinds of error into the port's.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) StoreError);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(translate(error))
    }
}

/// A row of `table` does not make sense.
pub(crate) fn corrupt(table: &'static str, id: &impl ToString) -> StoreError {
    StoreError::Corrupt { table, id: id.to_string() }
}

fn translate(error: Error) -> StoreError {
    match &error {
        // Expected duplicates never get here: they are caught by ON CONFLICT. What is left is two
        // fresh ids that are the same, and a fresh try makes another one.
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => StoreError::Conflict,
        Error::DatabaseError(_, info) if may_pass(info.message()) => StoreError::Unavailable(Box::new(error)),
        _ => StoreError::Internal(Box::new(error)),
    }
}

/// Whether the trouble is with the machine and not with the statement. Diesel keeps no result code,
/// so the fixed English texts of `sqlite3_errstr` have to do; a test provokes the first one.
fn may_pass(message: &str) -> bool {
    const PASSING: [&str; 5] = [
        "database is locked",
        "database table is locked",
        "disk I/O error",
        "database or disk is full",
        "unable to open database file",
    ];
    PASSING.iter().any(|text| message.starts_with(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machines_trouble_may_pass() {
        let broken = |kind, text: &str| translate(Error::DatabaseError(kind, Box::new(text.to_owned())));
        let busy = broken(DatabaseErrorKind::Unknown, "database is locked");
        assert!(matches!(busy, StoreError::Unavailable(_)));
        let clash = broken(DatabaseErrorKind::UniqueViolation, "UNIQUE constraint failed: users.id");
        assert!(matches!(clash, StoreError::Conflict));
        let bug = broken(DatabaseErrorKind::Unknown, "no such table: users");
        assert!(matches!(bug, StoreError::Internal(_)));
    }
}
