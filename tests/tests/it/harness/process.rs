//! The real binary, in a process of its own: something that can be killed.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// The binary, built beside this test by `cargo build --workspace`.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let path = test.ancestors().nth(2).expect("a target directory").join("auth-server");
    assert!(path.exists(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}

/// The settings of every process: free port, and limits by address that do not get in the way.
const SETTINGS: [(&str, &str); 6] = [
    ("APP_ENV", "test"),
    ("PORT", "0"),
    ("LOG_FORMAT", "json"),
    ("RATE_LIMIT_PER_MINUTE", "100000"),
    ("RATE_LIMIT_LOGIN_PER_MINUTE", "100000"),
    ("RATE_LIMIT_PASSWORD_RESET_PER_MINUTE", "100000"),
];

/// A running server.
pub(crate) struct Process {
    child: Child,
    base: String,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Starts a server in `directory` and reads from its log where it listens.
    pub(crate) fn start(directory: &Path, settings: &[(&str, &str)]) -> Self {
        let mut child =
            command(directory, settings).stderr(Stdio::piped()).spawn().expect("a started server");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines().map_while(Result::ok);
        let log = Arc::new(Mutex::new(String::new()));
        let keep = |log: &Mutex<String>, line: &str| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(line);
            log.push('\n');
        };
        let address = lines.by_ref().find_map(|line| {
            keep(&log, &line);
            let entry = serde_json::from_str::<Value>(&line).ok()?;
            entry["address"].as_str().map(ToOwned::to_owned)
        });
        let address =
            address.unwrap_or_else(|| panic!("no server listens:\n{}", log.lock().expect("the log")));
        // The log must be drained, or the server blocks once the pipe is full.
        let kept = Arc::clone(&log);
        std::thread::spawn(move || lines.for_each(|line| keep(&kept, &line)));
        Self { child, base: format!("http://{address}"), log }
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where it answers.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The most memory it has had so far, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("a running server");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.and_then(|kib| kib.trim().parse::<u64>().ok()).expect("a number of KiB") / 1024
    }

    /// What it has taken of the cores so far.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("a running server");
        let (_, after_its_name) = stat.rsplit_once(')').expect("a name in parentheses");
        let ticks = after_its_name.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().expect("a number of ticks")).sum();
        // Linux counts hundredths of a second here, on every machine.
        Duration::from_millis(10 * ticks)
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a running server");
        self.child.wait().expect("its end");
    }

    /// Asks it to stop in order and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-s", "TERM", &id]).status().expect("every machine has kill");
        assert!(told.success(), "a running server");
        self.child.wait().expect("its end")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of the binary to its end.
pub(crate) fn run(words: &[&str], settings: &[(&str, &str)]) -> Output {
    let directory = TempDir::new().expect("a temporary directory");
    command(directory.path(), settings).args(words).output().expect("a binary that starts")
}

fn command(directory: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(directory).env_clear().envs(SETTINGS).envs(settings.iter().copied());
    command
}
