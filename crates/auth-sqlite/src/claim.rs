//! One server per database.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::connection::private_file;

/// The right to serve a database. Dropping it lets the next server in.
///
/// It is a lock of the operating system on a file next to the database: it cannot outlive the process,
/// and the file itself means nothing and stays. SQLite would keep two servers from breaking the file,
/// but each would keep its own limits and caches, so that a limit would be worth twice as much.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

/// The database could not be claimed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Another server has it.
    #[error("another server is running on this database ({} is locked)", .path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be opened or locked.
    #[error("cannot lock {}", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Claim {
    pub(crate) fn take(database: &Path) -> Result<Self, ClaimError> {
        // Two servers that reach one file by different links claim the same thing.
        let database = fs::canonicalize(database)
            .map_err(|source| ClaimError::Io { path: database.to_owned(), source })?;
        let mut name = OsString::from(database);
        name.push(".lock");
        let path = PathBuf::from(name);
        let file = match private_file().create(true).append(true).open(&path) {
            Ok(file) => file,
            Err(source) => return Err(ClaimError::Io { path, source }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ClaimError::Held { path }),
            Err(TryLockError::Error(source)) => Err(ClaimError::Io { path, source }),
        }
    }
}
