//! The repositories, one file each: the port's method first, its statement below it.
//!
//! A method only turns its arguments into owned values and picks `read` or `write`; the work is a plain
//! function on a connection.

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

use crate::error::Fault;

/// Turns a row, if there is one, into an entity.
fn entity<R, E>(row: Option<R>) -> Result<Option<E>, Fault>
where
    E: TryFrom<R>,
    Fault: From<E::Error>,
{
    Ok(row.map(E::try_from).transpose()?)
}

/// Turns rows into entities.
fn entities<R, E>(rows: Vec<R>) -> Result<Vec<E>, Fault>
where
    E: TryFrom<R>,
    Fault: From<E::Error>,
{
    Ok(rows.into_iter().map(E::try_from).collect::<Result<_, _>>()?)
}

/// A number of rows as the ports count them.
fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
