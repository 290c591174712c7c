//! PostgreSQL and Redis behind servers.

use std::sync::LazyLock;

use auth_testkit::part::{
    free_port,
    postgres::Postgres,
    redis::{RedisCluster, RedisServer},
};
use tempfile::TempDir;

use super::{
    Api,
    process::{Process, run},
};

/// One PostgreSQL for all tests of this binary; each has a database of its own.
pub(crate) static POSTGRES: LazyLock<Postgres> = LazyLock::new(Postgres::start);
/// One Redis for all tests that do not harm it; each has a prefix of its own.
pub(crate) static REDIS: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);
/// The same as a cluster of three.
pub(crate) static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

/// What replicas must have in common.
pub(crate) const SECRET: &str = "Vd0vO8yN1m3K5qZt7R2xW4bY6cE9fH0jL1pS3uA5gT8=";

struct Server {
    process: Process,
    directory: TempDir,
    port: u16,
}

/// Several servers that share a database and a Redis.
pub(crate) struct Replicas {
    settings: Vec<(String, String)>,
    servers: Vec<Server>,
}

impl Replicas {
    /// Makes and migrates a database, and starts `count` servers on it.
    pub(crate) fn start(count: usize, database: &str, redis: &str, more: &[(&str, &str)]) -> Self {
        let count_text = count.to_string();
        let name = database.rsplit('/').next().expect("the name of a database");
        let prefix = format!("{name}:");
        let shared = [
            ("DATABASE_URL", database),
            ("REDIS_URL", redis),
            ("REDIS_KEY_PREFIX", &prefix),
            ("REPLICAS", &count_text),
            ("SECRET_KEY", SECRET),
            ("PUBLIC_URL", "http://auth.test"),
        ];
        let settings: Vec<(&str, &str)> = shared.into_iter().chain(more.iter().copied()).collect();
        let migrated = run(&["migrate"], &settings);
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let owned = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut replicas = Self { settings: owned, servers: Vec::new() };
        for _ in 0..count {
            let directory = TempDir::new().expect("a temporary directory");
            let port = free_port();
            let process = replicas.launch(&directory, port);
            replicas.servers.push(Server { process, directory, port });
        }
        replicas
    }

    /// Where the server of that number answers.
    pub(crate) fn base(&self, number: usize) -> &str {
        self.servers[number].process.base()
    }

    /// Where each server answers.
    pub(crate) fn bases(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.process.base().to_owned()).collect()
    }

    /// The API as the server of that number offers it.
    pub(crate) fn api(&self, number: usize) -> Api {
        Api::of_replicas(self.base(number), self.bases())
    }

    /// Stops a server in order and starts another one in its place, on the same port.
    pub(crate) fn roll(&mut self, number: usize) {
        let status = self.servers[number].process.stop();
        assert!(status.success(), "{status}");
        let process = self.launch(&self.servers[number].directory, self.servers[number].port);
        self.servers[number].process = process;
    }

    fn launch(&self, directory: &TempDir, port: u16) -> Process {
        let port = port.to_string();
        let mut settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        settings.push(("PORT", &port));
        Process::start(directory.path(), &settings)
    }
}

/// A database of its own, on the PostgreSQL of all tests.
pub(crate) fn database() -> String {
    POSTGRES.url(&POSTGRES.database())
}
