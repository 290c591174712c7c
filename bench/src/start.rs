//! How long the server takes from nothing to its first answer, and how much memory it has then.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use auth_testkit::part::free_port;

use crate::driver::server::{SETTINGS, resident_mib};

/// How long a start may take before something is wrong.
const LIMIT: Duration = Duration::from_secs(20);

/// One start on a store that is there already.
pub(crate) struct Start {
    pub(crate) took: Duration,
    /// MiB, a second after the first answer.
    pub(crate) idle: f64,
}

/// Ends the process when dropped.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn measure(binary: &Path, settings: &[(String, String)], directory: &Path) -> Start {
    let port = free_port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let begun = Instant::now();
    let child = Command::new(binary)
        .current_dir(directory)
        .env_clear()
        .envs(SETTINGS)
        .envs(settings.iter().cloned())
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(File::create(directory.join("start.log")).expect("a file for its log"))
        .spawn()
        .expect("the server was built");
    let child = Started(child);
    while !answers(address) {
        assert!(begun.elapsed() < LIMIT, "the server does not answer");
        thread::sleep(Duration::from_micros(250));
    }
    let took = begun.elapsed();
    thread::sleep(Duration::from_secs(1));
    Start { took, idle: resident_mib(child.0.id()) }
}

/// Whether it answers that it is ready.
fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let request = "GET /health/ready HTTP/1.1\r\nhost: auth.test\r\nconnection: close\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
