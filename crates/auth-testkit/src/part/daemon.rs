//! One throw-away server process.

use std::{
    ffi::OsString,
    fs,
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Debian's user without rights. Servers such as PostgreSQL refuse to run as root.
const NOBODY: u32 = 65_534;

/// How long a server may take until it answers. It takes a tenth of a second on an idle machine.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Runs a server until its standard input ends, which it does when the test process is gone, even by
/// `kill -9`. Each line it reads is a signal for the server.
///
/// It ignores `HUP`: the kernel sends that to a group that lost its parent while a member is stopped,
/// which is what a server made to hang is.
const WATCHDOG: &str = r#"
dir=$1; last=$2; shift 2
"$@" </dev/null >"$dir/log" 2>&1 & server=$!
trap '' HUP
exec 2>/dev/null
while read -r signal; do kill -s "$signal" $server; done
kill -s CONT $server; kill -s "$last" $server; wait $server
rm -rf -- "$dir"
"#;

/// A folder for a part's files, and the programs that work on it.
///
/// Whoever is root becomes nobody for them. The folder lies in memory where the machine offers that.
#[derive(Debug)]
pub struct Part {
    dir: PathBuf,
    as_nobody: bool,
}

impl Part {
    /// Makes an empty folder whose name begins with `name`.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let shm = Path::new("/dev/shm");
        let parent = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let dir = parent.join(format!("{name}-{}-{number}", std::process::id()));
        fs::create_dir(&dir).unwrap_or_else(|error| panic!("cannot make {}: {error}", dir.display()));
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).expect("the folder is ours");
        let as_nobody = fs::metadata(&dir).expect("the folder exists").uid() == 0;
        let part = Self { dir, as_nobody };
        part.give_away(&part.dir);
        part
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file only the server's user may read, such as a key.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.join(name);
        fs::write(&path, content).expect("the folder is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        self.give_away(&path);
        path
    }

    /// Runs a program to its end.
    ///
    /// # Panics
    /// If it cannot be started or fails; with what it wrote.
    pub fn run(&self, program: &str, args: &[&str]) -> Output {
        let output = self
            .command(program, args)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("cannot run {program}: {error}; is it installed?"));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?} failed: {text}");
        output
    }

    /// Starts a server and waits until `answers`. `last` is the signal that ends it for good.
    ///
    /// # Panics
    /// If it cannot be started or does not answer in time; with its log.
    pub fn start(self, last: &str, program: &str, args: &[&str], answers: impl Fn() -> bool) -> Daemon {
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "watchdog"]).arg(&self.dir).arg(last).args(self.words(program, args));
        let process = watchdog
            .current_dir(&self.dir)
            .env("LC_ALL", "C.UTF-8")
            // A group of its own: Ctrl-C must reach the tests alone, so that the watchdog cleans up.
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .expect("every machine has sh");
        let daemon = Daemon { process: Mutex::new(process), part: self };
        daemon.wait_until(answers);
        daemon
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let words = self.words(program, args);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.dir).env("LC_ALL", "C.UTF-8");
        command
    }

    /// The words of a command line, with the change of user in front where it is needed.
    fn words(&self, program: &str, args: &[&str]) -> Vec<OsString> {
        let change = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"];
        let change = if self.as_nobody { &change[..] } else { &[] };
        change.iter().chain([&program]).chain(args).map(OsString::from).collect()
    }

    fn give_away(&self, path: &Path) {
        if self.as_nobody {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give files away");
        }
    }
}

/// A server that runs until this is dropped or the process ends; then its folder goes too.
#[derive(Debug)]
pub struct Daemon {
    process: Mutex<Child>,
    part: Part,
}

impl Daemon {
    /// Its folder.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Sends it a signal: `STOP` makes it hang, `CONT` wakes it, `KILL` is a crash.
    ///
    /// # Panics
    /// If its watchdog is gone.
    pub fn signal(&self, name: &str) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let input = process.stdin.as_mut().expect("the watchdog was started with an input");
        writeln!(input, "{name}").expect("the watchdog reads until its input ends");
    }

    /// Waits until `answers`.
    ///
    /// # Panics
    /// If that takes too long; with the server's log.
    pub fn wait_until(&self, answers: impl Fn() -> bool) {
        let begun = Instant::now();
        while !answers() {
            if begun.elapsed() > START_LIMIT {
                let log = fs::read_to_string(self.part.dir.join("log")).unwrap_or_default();
                panic!("a part does not answer within {START_LIMIT:?}; its log:\n{log}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(process.stdin.take());
        // Nothing sensible is left to do for a watchdog that cannot be waited for.
        let _ = process.wait();
    }
}

/// A loopback port nobody listens on, as on the one 10,000 above it: the second port of a Redis Cluster
/// node.
///
/// Both lie below the ports that Linux gives to outgoing connections, and in ranges that do not touch:
/// so they stay free until the server takes them.
///
/// # Panics
/// If all are taken.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 10_000;
    // Test processes run side by side; each begins somewhere else.
    let offset = std::process::id().wrapping_mul(7_919);
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    (0..COUNT)
        .map(|_| FIRST + offset.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|&port| is_free(port) && is_free(port + 10_000))
        .expect("a machine has a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Daemon {
        Part::new("sleeper").start("KILL", "sleep", &["600"], || true)
    }

    fn ends(condition: impl Fn() -> bool) {
        let begun = Instant::now();
        while !condition() {
            assert!(begun.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn takes_its_folder_along() {
        let daemon = sleeper();
        let dir = daemon.part().dir().to_owned();
        ends(|| dir.join("log").exists());
        drop(daemon);
        assert!(!dir.exists());
    }

    #[test]
    fn ends_with_its_watchdogs_input() {
        let daemon = sleeper();
        let dir = daemon.part().dir().to_owned();
        ends(|| dir.join("log").exists());
        // As if this process had died: nobody waits, nobody drops.
        drop(daemon.process.lock().unwrap().stdin.take());
        ends(|| !dir.exists());
    }

    #[test]
    fn runs_programs_without_rights() {
        let part = Part::new("whoami");
        let uid = String::from_utf8(part.run("id", &["-u"]).stdout).unwrap();
        assert_ne!(uid.trim(), "0");
        fs::remove_dir_all(part.dir()).unwrap();
    }

    #[test]
    fn ports_differ() {
        assert_ne!(free_port(), free_port());
    }
}
