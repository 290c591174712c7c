//! The server that is measured: the real binary, in a process and a directory of its own.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

/// Limits by address that do not get in the way: what is measured is what the server bears, not what it
/// would let one client do.
pub(crate) const SETTINGS: [(&str, &str); 8] = [
    ("APP_ENV", "test"),
    ("PORT", "0"),
    ("LOG_FORMAT", "json"),
    ("RATE_LIMIT_PER_MINUTE", "1000000"),
    ("RATE_LIMIT_LOGIN_PER_MINUTE", "1000000"),
    ("RATE_LIMIT_PASSWORD_RESET_PER_MINUTE", "1000000"),
    ("EMAIL_MAX_PER_HOUR", "1000000"),
    ("HTTP_MAX_CONNECTIONS_PER_ADDRESS", "0"),
];

/// A running server. Stops when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl Server {
    /// Starts `binary` with `settings` on top of the usual ones.
    pub(crate) async fn start(binary: &Path, settings: &[(String, String)]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let log = directory.path().join("log");
        let child = Command::new(binary)
            .current_dir(directory.path())
            .env_clear()
            .envs(SETTINGS)
            .envs(settings.iter().cloned())
            .stderr(File::create(&log).expect("a file for its log"))
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", binary.display()));
        let mut server = Self { child, address: SocketAddr::from(([0; 4], 0)), _directory: directory };
        server.address = server.listening(&log).await;
        server
    }

    /// Where it listens, as its log says.
    async fn listening(&mut self, log: &Path) -> SocketAddr {
        for _ in 0..600 {
            let text = fs::read_to_string(log).unwrap_or_default();
            let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut addresses = entries.filter_map(|entry| entry["address"].as_str()?.parse().ok());
            if let Some(address) = addresses.next() {
                return address;
            }
            let ended = self.child.try_wait().expect("its state");
            assert!(ended.is_none(), "the server ended:\n{text}");
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not listen");
    }

    /// The most memory it has had, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        kib(self.child.id(), "VmHWM:") / 1024
    }

    /// The id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The memory it has now, in MiB.
    pub(crate) fn memory(&self) -> f64 {
        resident_mib(self.child.id())
    }
}

/// The memory that a process has now, in MiB.
pub(crate) fn resident_mib(process: u32) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far less than 2^52")]
    let kib = kib(process, "VmRSS:") as f64;
    kib / 1024.0
}

/// A line of what the kernel says about a process; 0 once that is gone.
fn kib(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
    value.and_then(|kib| kib.trim().parse().ok()).unwrap_or(0)
}

impl Server {
    /// Ends it.
    pub(crate) fn stop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The binary and the settings that the command line names: `[PATH] [NAME=VALUE]…`.
pub(crate) fn arguments() -> (PathBuf, Vec<(String, String)>) {
    let mut binary = PathBuf::from("target/release/auth-server");
    let mut settings = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some((name, value)) => settings.push((name.to_owned(), value.to_owned())),
            None => binary = PathBuf::from(argument),
        }
    }
    (binary.canonicalize().unwrap_or(binary), settings)
}
