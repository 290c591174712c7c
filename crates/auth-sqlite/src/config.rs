//! Settings of the store, and why it did not open.

use std::{path::PathBuf, time::Duration};

/// Where the database lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In this file. The file (readable by its owner alone) and its directory are made if missing.
    File(PathBuf),
    /// Nowhere for long: in a private directory of this process, in memory where the system offers
    /// that (`/dev/shm`), removed with the store. It behaves exactly like a file because it is one;
    /// SQLite's own in-memory databases lock readers out while a transaction writes.
    Memory,
}

/// How to open the store.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// Where the database lives.
    pub location: Location,
    /// Connections that read; there is always one more, which writes.
    pub readers: usize,
    /// How long SQLite waits for *another process* (a command line tool, a backup) to let go.
    pub busy_timeout: Duration,
    /// How long a caller waits for its turn on a connection of this process.
    pub acquire_timeout: Duration,
}

impl SqliteConfig {
    /// The database in the file at `path`, with the default numbers.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::at(Location::File(path.into()))
    }

    /// A throw-away database, for tests and trials.
    pub const fn in_memory() -> Self {
        Self::at(Location::Memory)
    }

    const fn at(location: Location) -> Self {
        Self {
            location,
            readers: 4,
            busy_timeout: Duration::from_secs(2),
            acquire_timeout: Duration::from_secs(5),
        }
    }
}

/// The store did not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The path cannot be given to SQLite.
    #[error("the path of the database is not valid UTF-8 or cannot be made absolute")]
    Path,
    /// The file or its directory could not be made.
    #[error("cannot create {path}")]
    Create {
        /// What could not be made.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// SQLite refused to open the file.
    #[error("cannot open the database")]
    Connect(#[from] diesel::ConnectionError),
    /// SQLite refused a setting.
    #[error("cannot prepare the database connection")]
    Prepare(#[from] diesel::result::Error),
    /// The file system cannot keep a write-ahead log; network file systems cannot.
    #[error("the file system does not support a write-ahead log (journal mode is {0})")]
    NoWriteAheadLog(String),
}
