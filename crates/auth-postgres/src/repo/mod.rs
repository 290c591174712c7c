//! The repositories, one file each: the port's methods first, their statements below.
//!
//! A method gives a statement its values and says whether its answer is needed: [`ask`] sends it, with
//! all that was kept before; [`tell`] may keep it. Rows are locked in one order in every transaction:
//! accounts, authenticator apps and recovery codes, devices, known devices, links, sessions, linked identities,
//! API keys, failure counts, signing keys.
//!
//! [`ask`]: crate::runner::Runner::ask
//! [`tell`]: crate::runner::Runner::tell

mod accounts;
mod api_keys;
mod audit;
mod chain;
mod devices;
mod factors;
mod identities;
mod keys;
mod known_devices;
mod links;
mod locks;
mod outbox;
mod people;
mod sealed;
mod sessions;
mod users;

use auth_domain::port::StoreError;

use crate::statement::Statement;

/// Turns the first row, if there is one, into an entity.
fn entity<R, E: TryFrom<R, Error = StoreError>>(rows: Vec<R>) -> Result<Option<E>, StoreError> {
    rows.into_iter().next().map(E::try_from).transpose()
}

/// Turns rows into entities.
fn entities<R, E: TryFrom<R, Error = StoreError>>(rows: Vec<R>) -> Result<Vec<E>, StoreError> {
    rows.into_iter().map(E::try_from).collect()
}

/// Waits for the turn on an account: parallel changes of what belongs to it go one by one. A statement of
/// its own, so that the one after it sees what those before in the queue have left.
const LOCK_OWNER: &str = "SELECT 1 FROM users WHERE id = ? FOR NO KEY UPDATE";

/// Text without the one character that PostgreSQL cannot keep.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A statement, if the call is part of a transaction.
fn only_if(is_transaction: bool, statement: Statement) -> Vec<Statement> {
    if is_transaction { vec![statement] } else { Vec::new() }
}
