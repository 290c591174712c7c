//! The server that is measured, on one of the two stores, and people loaded into that store in bulk.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use auth_testkit::part::postgres::Postgres;
use tempfile::TempDir;

use crate::{
    driver::{
        people,
        server::{SETTINGS, Server},
    },
    load::{Connection, member},
    scripts,
};

/// Whose row is copied, hash of the password included.
const MODEL: &str = "model@example.com";

/// Where accounts are kept.
pub(crate) enum Store {
    /// In memory, as all files of the test kit: what a disk takes to sync is not measured.
    Postgres {
        cluster: Postgres,
        database: String,
    },
    Sqlite(TempDir),
}

/// A server, its store, and how many people were loaded.
pub(crate) struct Subject {
    pub(crate) server: Server,
    pub(crate) store: Store,
    settings: Vec<(String, String)>,
    people: usize,
}

/// How the server answers reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Memory {
    /// As it does where nobody sets it: from a second's memory, where it can.
    Usual,
    /// From the store alone.
    Off,
}

impl Store {
    pub(crate) fn postgres() -> Self {
        let cluster = Postgres::durable(&["synchronous_commit=on", "max_wal_size=4GB"]);
        let database = cluster.database();
        Self::Postgres { cluster, database }
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().expect("a temporary directory"))
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Postgres { .. } => "postgres",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// The settings that lead there. The same directory each time: the server keeps its secret there.
    pub(crate) fn settings(&self, directory: &Path) -> Vec<(String, String)> {
        let url = match self {
            Self::Postgres { cluster, database } => cluster.url(database),
            Self::Sqlite(_) => format!("sqlite://{}", self.file().display()),
        };
        let data = directory.display().to_string();
        vec![("DATABASE_URL".to_owned(), url), ("DATA_DIR".to_owned(), data)]
    }

    fn file(&self) -> PathBuf {
        match self {
            Self::Postgres { .. } => PathBuf::new(),
            Self::Sqlite(directory) => directory.path().join("auth.sqlite3"),
        }
    }

    /// Makes people number `from` to `to`, each with the model's password, a session and a refresh token.
    fn load(&self, from: usize, to: usize) {
        match self {
            Self::Postgres { cluster, database } => {
                cluster.sql(database, &bulk_sql(from, to));
                cluster.sql(database, "VACUUM (ANALYZE) users, sessions, refresh_tokens");
                cluster.sql(database, "CHECKPOINT");
            }
            Self::Sqlite(_) => {
                let mut python = Command::new("python3")
                    .args([
                        "-",
                        &self.file().display().to_string(),
                        MODEL,
                        &from.to_string(),
                        &to.to_string(),
                    ])
                    .stdin(Stdio::piped())
                    .spawn()
                    .expect("python3 is installed");
                let mut input = python.stdin.take().expect("it has an input");
                input.write_all(include_bytes!("bulk.py")).expect("it reads");
                drop(input);
                assert!(python.wait().expect("it ends").success(), "the bulk load failed");
            }
        }
    }
}

impl Subject {
    /// Starts the server on an empty store, and registers the model.
    pub(crate) async fn start(binary: &Path, store: Store, directory: &Path) -> Self {
        let settings = store.settings(directory);
        let migrated = Command::new(binary)
            .arg("migrate")
            .current_dir(directory)
            .env_clear()
            .envs(SETTINGS)
            .envs(settings.iter().cloned())
            .output()
            .expect("the server was built");
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let server = Server::start(binary, &settings).await;
        people::register(server.address, &[MODEL.to_owned()], true).await;
        // From the network that the clients are in: people whose session is a copy of this one are at home there, and
        // get no letter about a strange device.
        let mut connection = Connection::open(server.address, 0).await.expect("the server listens");
        let (status, body) = connection.exchange(&scripts::login(MODEL)).await.expect("an answer");
        assert_eq!(status, 200, "{body}");
        Self { server, store, settings, people: 0 }
    }

    /// Puts another server in the place of this one, on the same store.
    pub(crate) async fn restart(&mut self, binary: &Path, memory: Memory) {
        let mut settings = self.settings.clone();
        if matches!(memory, Memory::Off) {
            settings.push(("SESSION_SNAPSHOT_MILLISECONDS".to_owned(), "0".to_owned()));
        }
        self.server.stop();
        self.server = Server::start(binary, &settings).await;
    }

    /// Sees to it that there are so many people.
    pub(crate) fn grow(&mut self, people: usize) {
        if people > self.people {
            self.store.load(self.people + 1, people);
            self.people = people;
        }
    }

    /// Spends the first refresh token of these people, and gives what came for it: refresh and access tokens.
    pub(crate) async fn sessions(&self, people: impl Iterator<Item = usize>) -> (Vec<String>, Vec<String>) {
        let mut connection = Connection::open(self.server.address, 0).await.expect("the server listens");
        let (mut refresh, mut access) = (Vec::new(), Vec::new());
        for person in people {
            let request = scripts::refresh(&token(person));
            let (status, body) = connection.exchange(&request).await.expect("an answer");
            assert_eq!(status, 200, "{body}");
            refresh.push(member(body, "refresh_token").expect("a refresh token").to_owned());
            access.push(member(body, "access_token").expect("an access token").to_owned());
        }
        (refresh, access)
    }
}

/// The refresh token of a person who was loaded in bulk: it has the shape of one, and anybody can guess it.
fn token(person: usize) -> String {
    format!("rt_{person:x>42}A")
}

/// Copies the model's rows, whatever columns they have.
fn bulk_sql(from: usize, to: usize) -> String {
    format!(
        "BEGIN;
         CREATE TEMP TABLE model_user AS SELECT * FROM users WHERE email = '{MODEL}';
         CREATE TEMP TABLE model_session AS
             SELECT * FROM sessions WHERE user_id = (SELECT id FROM model_user) ORDER BY id LIMIT 1;
         INSERT INTO users SELECT (jsonb_populate_record(m,
                 jsonb_build_object('id', n, 'email', 'bulk' || n || '@example.com'))).*
             FROM model_user m, generate_series({from}, {to}) n;
         INSERT INTO sessions SELECT (jsonb_populate_record(m, jsonb_build_object('id', n, 'user_id', n))).*
             FROM model_session m, generate_series({from}, {to}) n;
         INSERT INTO refresh_tokens
             SELECT n, 0, sha256(convert_to('rt_' || lpad(n::text, 42, 'x') || 'A', 'UTF8')),
                 decode(md5(n::text), 'hex'), m.created_at
             FROM model_session m, generate_series({from}, {to}) n;
         COMMIT"
    )
}
