//! A throw-away PostgreSQL.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use super::{Daemon, Part, free_port};

/// A PostgreSQL cluster on a port of its own, whose superuser `postgres` needs no password.
///
/// It trades safety for speed unless [`durable`](Self::durable) or [`tls`](Self::tls) begins it: what
/// it keeps is gone with the test anyway. Make one per test binary and a [`database`](Self::database)
/// per test.
#[derive(Debug)]
pub struct Postgres {
    daemon: Daemon,
    port: u16,
}

/// Settings that make a cluster forgetful and quick.
const QUICK: [&str; 5] =
    ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0"];

/// What every cluster has.
const COMMON: [&str; 4] =
    ["autovacuum=off", "shared_buffers=64MB", "max_connections=300", "unix_socket_directories="];

impl Postgres {
    /// Starts a quick cluster.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    pub fn start() -> Self {
        Self::start_with(&QUICK)
    }

    /// Starts a cluster that keeps what it acknowledged, and lets standbys follow.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    pub fn durable(settings: &[&str]) -> Self {
        Self::start_with(settings)
    }

    /// Starts a quick cluster that speaks TLS, with a certificate and its key as PEM.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    pub fn tls(certificate: &str, key: &str) -> Self {
        let part = Self::new_cluster();
        part.write("server.crt", certificate);
        part.write("server.key", key);
        let settings: Vec<&str> = QUICK
            .into_iter()
            .chain(["ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key"])
            .collect();
        Self::run(part, &settings)
    }

    /// Starts a standby that follows this cluster under `name` for `synchronous_standby_names`. The
    /// cluster must be [`durable`](Self::durable).
    ///
    /// # Panics
    /// If the copy fails or the standby does not start.
    #[must_use]
    pub fn standby(&self, name: &str) -> Self {
        let part = Part::new("postgres-standby");
        let from = format!("host=127.0.0.1 port={} user=postgres application_name={name}", self.port);
        let data = part.dir().join("data");
        let args = ["-D", utf8(&data), "-d", &from, "-R", "-X", "stream", "-c", "fast"];
        part.run(&program("pg_basebackup"), &args);
        Self::run(part, &[])
    }

    fn start_with(settings: &[&str]) -> Self {
        Self::run(Self::new_cluster(), settings)
    }

    fn new_cluster() -> Part {
        let part = Part::new("postgres");
        let data = part.dir().join("data");
        let (data, options) = (utf8(&data), ["-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        let args: Vec<&str> = ["-D", data, "-U", "postgres", "--no-sync", "--no-instructions"]
            .into_iter()
            .chain(options)
            .collect();
        part.run(&program("initdb"), &args);
        part
    }

    fn run(files: Part, settings: &[&str]) -> Self {
        let port = free_port();
        let (data, number) = (files.dir().join("data"), port.to_string());
        let mut args = vec!["-D", utf8(&data), "-p", &number, "-h", "127.0.0.1"];
        for setting in COMMON.iter().chain(settings) {
            args.extend(["-c", setting]);
        }
        // INT is its fast shutdown: it ends every session and cleans up.
        let daemon = files.start("INT", &program("postgres"), &args, || answers(port));
        Self { daemon, port }
    }

    /// The port it listens on, on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The process: to make it hang, wake it or crash it.
    pub const fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// A URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and says what it is called.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn database(&self) -> String {
        self.copy_of("template0")
    }

    /// Makes a copy of a database, to which nobody may be connected, and says what it is called.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn copy_of(&self, template: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"));
        name
    }

    /// Removes a database and ends all connections to it.
    ///
    /// # Panics
    /// If it cannot be removed.
    pub fn remove(&self, database: &str) {
        self.sql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)"));
    }

    /// Runs SQL past whatever is tested and returns the rows it printed, columns parted by `|`.
    ///
    /// # Panics
    /// If PostgreSQL refuses it; with what it said.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Runs SQL that may be refused.
    ///
    /// # Errors
    /// What PostgreSQL said.
    ///
    /// # Panics
    /// If psql is not installed.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(program("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql])
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("cannot run psql: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Whether it takes connections.
    pub fn answers(&self) -> bool {
        answers(self.port)
    }

    /// Runs its own tool on its files: `pg_ctl` with these words.
    ///
    /// # Panics
    /// If the tool fails.
    pub fn control(&self, words: &[&str]) {
        let data = self.daemon.part().dir().join("data");
        let args: Vec<&str> = ["-D", utf8(&data)].into_iter().chain(words.iter().copied()).collect();
        self.daemon.part().run(&program("pg_ctl"), &args);
    }
}

fn answers(port: u16) -> bool {
    let port = port.to_string();
    Command::new(program("pg_isready"))
        .args(["-q", "-h", "127.0.0.1", "-p", &port, "-t", "1"])
        .status()
        .is_ok_and(|status| status.success())
}

/// Where a program of PostgreSQL is: on the path, else where Debian keeps the newest version.
fn program(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = debian.map(|entry| entry.path()).collect();
    versions.sort_by_key(|folder| {
        let version = folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    folders.extend(versions.into_iter().map(|folder| folder.join("bin")));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.map_or_else(|| name.to_owned(), |path| utf8(&path).to_owned())
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("the folders of tests have plain names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_fresh_and_a_copy_is_not() {
        let server = Postgres::start();
        let first = server.database();
        server.sql(&first, "CREATE TABLE t AS SELECT 7 AS n");
        assert_eq!(server.sql(&server.copy_of(&first), "SELECT n FROM t"), "7");
        assert!(server.try_sql(&server.database(), "SELECT n FROM t").is_err());
        server.remove(&first);
        assert!(server.try_sql(&first, "SELECT 1").is_err());
    }
}
