//! Opening connections.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use diesel::{
    Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, dsl::sql, sql_types::Text,
};

use crate::config::{Location, OpenError};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything; there is one such connection.
    Write,
    /// Queries only; SQLite refuses the rest.
    Read,
}

/// Opens connections to one database.
#[derive(Debug)]
pub(crate) struct Database {
    url: String,
    path: PathBuf,
    busy_timeout: Duration,
    /// Removes the directory of a throw-away database, after the last connection is closed.
    scratch: Option<Scratch>,
}

impl Database {
    /// Makes the file if it is missing.
    pub(crate) fn prepare(location: Location, busy_timeout: Duration) -> Result<Self, OpenError> {
        let (path, scratch) = match location {
            Location::File(path) => (std::path::absolute(path).map_err(|_| OpenError::Path)?, None),
            Location::Memory => {
                let scratch = Scratch::create()?;
                (scratch.0.join("store.db"), Some(scratch))
            }
        };
        // An absolute path: SQLite would take `file:x` or `:memory:` for something else than a file.
        let url = path.to_str().ok_or(OpenError::Path)?.to_owned();
        create_file(&path).map_err(|source| OpenError::Create { path: path.clone(), source })?;
        Ok(Self { url, path, busy_timeout, scratch })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a connection. Blocks.
    pub(crate) fn connect(&self, access: Access) -> Result<SqliteConnection, OpenError> {
        let mut conn = SqliteConnection::establish(&self.url)?;
        conn.batch_execute(&self.common_pragmas())?;
        match access {
            Access::Read => conn.batch_execute("PRAGMA query_only = ON")?,
            Access::Write => self.prepare_writer(&mut conn)?,
        }
        Ok(conn)
    }

    fn common_pragmas(&self) -> String {
        // The reasons are in the documentation of the crate. The timeout comes first: the others wait too.
        format!(
            "PRAGMA busy_timeout = {};
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON;
             PRAGMA temp_store = MEMORY;",
            self.busy_timeout.as_millis()
        )
    }

    fn prepare_writer(&self, conn: &mut SqliteConnection) -> Result<(), OpenError> {
        const TRIES: u32 = 100;
        const PAUSE: Duration = Duration::from_millis(20);

        // The change to WAL does not honour the timeout when two processes open a new file at once.
        let mut tries = 0;
        while let Err(error) = conn.batch_execute("PRAGMA journal_mode = WAL") {
            tries += 1;
            if tries == TRIES {
                return Err(error.into());
            }
            thread::sleep(PAUSE);
        }
        let mode: String =
            diesel::select(sql::<Text>("journal_mode FROM pragma_journal_mode")).get_result(conn)?;
        if mode != "wal" {
            return Err(OpenError::NoWriteAheadLog(mode));
        }
        let synchronous = if self.scratch.is_some() { "OFF" } else { "FULL" };
        conn.batch_execute(&format!(
            "PRAGMA synchronous = {synchronous}; PRAGMA journal_size_limit = 67108864;"
        ))?;
        Ok(())
    }
}

/// Makes an empty file that only its owner can read, unless there is a file already. SQLite gives the
/// log files next to it the same rights.
fn create_file(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        private_directory().recursive(true).create(directory)?;
    }
    private_file().create(true).append(true).open(path).map(drop)
}

fn private_directory() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(false);
    builder
}

/// Options that give a new file to its owner alone.
pub(crate) fn private_file() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A private directory, removed on drop.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn create() -> Result<Self, OpenError> {
        let memory = PathBuf::from("/dev/shm");
        Self::create_in(&memory).or_else(|_| Self::create_in(&std::env::temp_dir()))
    }

    fn create_in(parent: &Path) -> Result<Self, OpenError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("auth-sqlite-{}-{number}", std::process::id()));
            match private_directory().create(&path) {
                Ok(()) => return Ok(Self(path)),
                // Left over by an earlier process of the same number, or laid there by somebody else.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(OpenError::Create { path, source }),
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "could not remove the throw-away database");
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::BigInt;

    use super::*;

    fn pragma(conn: &mut SqliteConnection, name: &str) -> i64 {
        sql::<BigInt>(&format!("SELECT * FROM pragma_{name}")).get_result(conn).unwrap()
    }

    /// Nothing else notices when a setting is lost: a process that dies loses no commit without
    /// `synchronous`, only a machine does.
    #[test]
    fn every_connection_has_its_settings() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = Location::File(directory.path().join("auth.db"));
        let database = Database::prepare(file, Duration::from_millis(1234)).unwrap();
        let mut writer = database.connect(Access::Write).unwrap();
        let mut reader = database.connect(Access::Read).unwrap();
        for conn in [&mut writer, &mut reader] {
            for (name, value) in [
                ("busy_timeout", 1234),
                ("foreign_keys", 1),
                ("trusted_schema", 0),
                ("cell_size_check", 1),
                ("temp_store", 2),
            ] {
                assert_eq!(pragma(conn, name), value, "{name}");
            }
        }
        assert_eq!(pragma(&mut writer, "synchronous"), 2, "FULL");
        assert_eq!((pragma(&mut writer, "query_only"), pragma(&mut reader, "query_only")), (0, 1));
    }
}
