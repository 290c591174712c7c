//! From PostgreSQL's errors to the port's.

use auth_domain::port::StoreError;
use diesel::result::{DatabaseErrorKind, Error};

/// What a failure says about the connection it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// It is as good as before.
    Good,
    /// It must not be used again, but the server had it in hand.
    Spoilt,
    /// The server does not answer on it. Whether what was sent happened is not known.
    Silent,
    /// It was gone already. Whatever was not committed did not happen.
    Dead,
}

impl Connection {
    /// Whether those made before it are most likely no better.
    pub(crate) const fn speaks_for_others(self) -> bool {
        matches!(self, Self::Silent | Self::Dead)
    }
}

/// A failed exchange with the server.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    pub(crate) connection: Connection,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        translate(error)
    }
}

impl Failure {
    /// The server did not answer in time.
    pub(crate) fn late() -> Self {
        let error = StoreError::Unavailable("the database did not answer in time".into());
        Self { error, connection: Connection::Silent }
    }
}

/// A row of `table` does not make sense.
pub(crate) fn corrupt(table: &'static str, id: &impl ToString) -> StoreError {
    StoreError::Corrupt { table, id: id.to_string() }
}

fn translate(error: Error) -> Failure {
    use Connection::{Dead, Good, Spoilt};
    use DatabaseErrorKind as Kind;

    let (error, connection) = match error {
        // Expected duplicates never get here: they are caught by ON CONFLICT. What is left is two
        // fresh ids that are the same, or two transactions for one place; a fresh try sees which.
        Error::DatabaseError(Kind::UniqueViolation | Kind::SerializationFailure, _) => {
            (StoreError::Conflict, Good)
        }
        // The server became a standby: another one accepts writes now.
        Error::DatabaseError(Kind::ReadOnlyTransaction, _) => (StoreError::Unavailable(error.into()), Spoilt),
        Error::DatabaseError(Kind::UnableToSendCommand | Kind::ClosedConnection, _) => {
            (StoreError::Unavailable(error.into()), Dead)
        }
        Error::DatabaseError(Kind::Unknown, ref info) => match trouble(info.message()) {
            Some(Trouble::Deadlock) => (StoreError::Conflict, Good),
            Some(Trouble::Late) => (StoreError::Unavailable(error.into()), Good),
            Some(Trouble::Machine) => (StoreError::Unavailable(error.into()), Spoilt),
            Some(Trouble::Ending) => (StoreError::Unavailable(error.into()), Dead),
            None => (StoreError::Internal(error.into()), Good),
        },
        Error::DatabaseError(..) => (StoreError::Internal(error.into()), Good),
        Error::NotFound => (StoreError::Internal("a row to be changed is not there".into()), Good),
        _ => (StoreError::Internal(error.into()), Spoilt),
    };
    Failure { error, connection }
}

/// Kinds of trouble for which diesel has no name.
enum Trouble {
    /// Two transactions waited for each other, and this one gave way.
    Deadlock,
    /// A limit of the session was reached.
    Late,
    /// Trouble of the machine: no space, no memory.
    Machine,
    /// The server, or this session, is shutting down.
    Ending,
}

/// diesel keeps no SQLSTATE, so the texts have to do. A server that speaks another language than English
/// (`lc_messages`) turns these into internal errors: wrong status, same safety.
fn trouble(message: &str) -> Option<Trouble> {
    let begins = |texts: &[&str]| texts.iter().any(|text| message.starts_with(text));
    if begins(&["deadlock detected"]) {
        Some(Trouble::Deadlock)
    } else if begins(&["canceling statement due to"]) {
        Some(Trouble::Late)
    } else if begins(&["terminating connection", "the database system is"]) {
        Some(Trouble::Ending)
    } else if begins(&["could not ", "out of ", "disk full", "remaining connection slots", "sorry, too many"])
    {
        Some(Trouble::Machine)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_has_its_answer() {
        use DatabaseErrorKind::{ReadOnlyTransaction, UnableToSendCommand, UniqueViolation, Unknown};
        for (kind, text, name, connection) in [
            (UniqueViolation, "duplicate key value", "Conflict", Connection::Good),
            (Unknown, "deadlock detected", "Conflict", Connection::Good),
            (Unknown, "canceling statement due to lock timeout", "Unavailable", Connection::Good),
            (Unknown, "terminating connection due to administrator command", "Unavailable", Connection::Dead),
            (Unknown, "could not extend file \"base/1\": No space left", "Unavailable", Connection::Spoilt),
            (ReadOnlyTransaction, "cannot execute INSERT", "Unavailable", Connection::Spoilt),
            (UnableToSendCommand, "connection closed", "Unavailable", Connection::Dead),
            (Unknown, "relation \"users\" does not exist", "Internal", Connection::Good),
        ] {
            let failure = translate(Error::DatabaseError(kind, Box::new(text.to_owned())));
            assert!(format!("{:?}", failure.error).starts_with(name), "{text}: {failure:?}");
            assert_eq!(failure.connection, connection, "{text}");
        }
    }
}
