//! Throw-away Redis servers and clusters.
//!
//! They keep nothing on disk and listen on loopback only. Needs `redis-server` and `redis-cli`, and
//! `openssl` for TLS.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Daemon, Part, free_port};

/// What a server is like beyond the usual.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// Lines of its configuration, such as `user ada on >secret ~auth:* +ping`. The default user keeps
    /// all rights, for the test itself.
    pub lines: Vec<String>,
    /// Whether it speaks TLS only, with a certificate for `127.0.0.1` of an authority of its own.
    pub tls: bool,
}

/// One server, which may hang, die and come back on the same port.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    lines: Vec<String>,
    /// Who certifies it, if it speaks TLS.
    authority: Option<Arc<Authority>>,
    daemon: Mutex<Option<Daemon>>,
}

impl RedisServer {
    /// Starts a server.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start() -> Self {
        Self::with(RedisOptions::default())
    }

    /// Starts a server with options.
    ///
    /// # Panics
    /// If it does not start.
    pub fn with(options: RedisOptions) -> Self {
        let authority = options.tls.then(|| Arc::new(Authority::new()));
        Self::certified(options.lines, authority)
    }

    fn certified(lines: Vec<String>, authority: Option<Arc<Authority>>) -> Self {
        let port = free_port();
        let daemon = Mutex::new(Some(run(port, &lines, authority.as_deref())));
        Self { port, lines, authority, daemon }
    }

    /// Where it listens on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL, without a user.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The certificate of its authority (PEM); all nodes of a cluster have the same.
    ///
    /// # Panics
    /// If it is not running.
    pub fn ca_file(&self) -> PathBuf {
        self.running(|daemon| daemon.part().dir().join("ca.crt"))
    }

    /// Runs a command as the default user and gives the answer as `redis-cli` prints it.
    ///
    /// # Panics
    /// If it is not running, or `redis-cli` fails.
    pub fn cli(&self, command: &[&str]) -> String {
        self.running(|daemon| cli(daemon.part(), self.port, self.authority.is_some(), command))
    }

    /// Makes it hang: it accepts connections and answers nothing.
    ///
    /// # Panics
    /// If it is not running.
    pub fn hang(&self) {
        self.running(|daemon| {
            daemon.signal("STOP");
            daemon.wait_until(|| !answers(self.port));
        });
    }

    /// Lets it go on after [`hang`](Self::hang).
    ///
    /// # Panics
    /// If it is not running.
    pub fn wake(&self) {
        self.running(|daemon| {
            daemon.signal("CONT");
            daemon.wait_until(|| answers(self.port));
        });
    }

    /// Kills it; all it knew is gone.
    pub fn kill(&self) {
        drop(self.lock().take());
    }

    /// Starts it anew on the same port, killing it first if it runs.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&self) {
        let mut daemon = self.lock();
        drop(daemon.take());
        *daemon = Some(run(self.port, &self.lines, self.authority.as_deref()));
    }

    fn running<T>(&self, act: impl FnOnce(&Daemon) -> T) -> T {
        act(self.lock().as_ref().expect("the server runs"))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Three masters that share the slots of a cluster.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster.
    ///
    /// # Panics
    /// If it does not come together.
    pub fn start() -> Self {
        Self::with(RedisOptions::default())
    }

    /// Starts a cluster whose nodes have options.
    ///
    /// # Panics
    /// If it does not come together.
    pub fn with(options: RedisOptions) -> Self {
        let own = ["cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 2000"];
        let more = options.tls.then_some("tls-cluster yes");
        let lines: Vec<_> =
            options.lines.into_iter().chain(own.into_iter().chain(more).map(ToOwned::to_owned)).collect();
        let authority = options.tls.then(|| Arc::new(Authority::new()));
        let nodes = (0..3).map(|_| RedisServer::certified(lines.clone(), authority.clone())).collect();
        let cluster = Self { nodes };
        cluster.join();
        cluster
    }

    /// The nodes.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The URLs of all nodes with commas between them.
    pub fn urls(&self) -> String {
        let urls: Vec<_> = self.nodes.iter().map(RedisServer::url).collect();
        urls.join(",")
    }

    fn join(&self) {
        let addresses: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let mut args = vec!["--cluster", "create"];
        args.extend(addresses.iter().map(String::as_str));
        args.extend(["--cluster-replicas", "0", "--cluster-yes"]);
        self.nodes[0].cli(&args);
        for node in &self.nodes {
            let tls = node.authority.is_some();
            node.running(|daemon| daemon.wait_until(|| is_joined(daemon.part(), node.port, tls)));
        }
    }
}

/// Who certifies servers: a key and its certificate (PEM).
#[derive(Debug)]
struct Authority {
    key: String,
    certificate: String,
}

impl Authority {
    fn new() -> Self {
        let home = Part::new("authority");
        openssl(
            &home,
            &format!("req -x509 {NEW_KEY} -keyout ca.key -out ca.crt -days 2 -subj /CN=throw-away"),
        );
        let read = |name| fs::read_to_string(home.dir().join(name)).expect("openssl wrote it");
        let authority = Self { key: read("ca.key"), certificate: read("ca.crt") };
        fs::remove_dir_all(home.dir()).expect("the folder is ours");
        authority
    }

    /// Makes a certificate for the loopback address.
    fn certify(&self, home: &Part) {
        home.write("ca.key", &self.key);
        home.write("ca.crt", &self.certificate);
        home.write("leaf.cnf", "subjectAltName = IP:127.0.0.1, DNS:localhost\n");
        openssl(home, &format!("req {NEW_KEY} -keyout server.key -out server.csr -subj /CN=localhost"));
        openssl(
            home,
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -out server.crt -days 2 -extfile leaf.cnf",
        );
    }
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

fn openssl(home: &Part, line: &str) {
    home.run("openssl", &line.split(' ').collect::<Vec<_>>());
}

fn run(port: u16, lines: &[String], authority: Option<&Authority>) -> Daemon {
    let home = Part::new("redis");
    if let Some(authority) = authority {
        authority.certify(&home);
    }
    let tls = authority.is_some();
    let file = home.write("redis.conf", &configuration(port, lines, tls, &home));
    let file = file.to_str().expect("the name is made here");
    home.start("KILL", "redis-server", &[file], || if tls { accepts(port) } else { answers(port) })
}

fn configuration(port: u16, lines: &[String], tls: bool, home: &Part) -> String {
    let dir = home.dir().display();
    let listen = if tls {
        format!(
            "port 0\ntls-port {port}\ntls-cert-file {dir}/server.crt\ntls-key-file {dir}/server.key\n\
             tls-ca-cert-file {dir}/ca.crt\ntls-auth-clients no\n"
        )
    } else {
        format!("port {port}\n")
    };
    let lines = lines.join("\n");
    format!("bind 127.0.0.1\n{listen}dir {dir}\nsave \"\"\nappendonly no\n{lines}\n")
}

/// Runs `redis-cli` in a server's folder.
fn cli(home: &Part, port: u16, tls: bool, command: &[&str]) -> String {
    let port = port.to_string();
    let mut args = vec!["-h", "127.0.0.1", "-p", &port];
    if tls {
        args.extend(["--tls", "--cacert", "ca.crt"]);
    }
    args.extend(command);
    let output = home.run("redis-cli", &args);
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn accepts(port: u16) -> bool {
    connect(port).is_some()
}

fn answers(port: u16) -> bool {
    ask(port, "PING").is_some_and(|answer| answer.starts_with("+PONG"))
}

fn is_joined(home: &Part, port: u16, tls: bool) -> bool {
    let state = cli(home, port, tls, &["CLUSTER", "INFO"]);
    state.contains("cluster_state:ok") && state.contains("cluster_known_nodes:3")
}

/// Sends an inline command and reads the beginning of its answer.
fn ask(port: u16, command: &str) -> Option<String> {
    let mut stream = connect(port)?;
    stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
    let mut answer = [0; 2048];
    let length = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}

fn connect(port: u16) -> Option<TcpStream> {
    let patience = Duration::from_millis(500);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    Some(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_hangs_dies_and_comes_back() {
        let server = RedisServer::start();
        assert_eq!(server.cli(&["SET", "key", "1"]), "OK");
        server.hang();
        server.wake();
        assert_eq!(server.cli(&["GET", "key"]), "1");
        server.kill();
        assert!(!accepts(server.port()));
        server.restart();
        assert_eq!(server.cli(&["GET", "key"]), "");
    }

    #[test]
    fn a_server_speaks_tls() {
        let server = RedisServer::with(RedisOptions { tls: true, ..RedisOptions::default() });
        assert!(server.ca_file().exists());
        assert_eq!(server.cli(&["PING"]), "PONG");
        let before = fs::read(server.ca_file()).unwrap();
        server.restart();
        assert_eq!(fs::read(server.ca_file()).unwrap(), before);
    }

    #[test]
    fn a_cluster_shares_the_slots() {
        let cluster = RedisCluster::start();
        let moved = cluster.nodes().iter().filter(|node| node.cli(&["GET", "key"]).starts_with("MOVED"));
        assert_eq!(moved.count(), 2);
    }
}
