//! What this machine could do at best, measured in the same run: each limit does what a request cannot do
//! without, and nothing else.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use auth_testkit::part::postgres::Postgres;

/// The server's parameters: `Argon2Cost::default` of auth-crypto.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// The word that makes this program the trivial server.
pub(crate) const TRIVIAL: &str = "trivial-server";

/// What a request on an access token reads at least.
const SELECT: &str = "\\set id random(1, :people)
SELECT s.*, u.* FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = :id;
";

/// What a refresh reads and writes at least: the chain of a token, and in one durable statement the next one.
const ROTATE: &str = "\\set id random(1, :people)
\\set generation random(1000, 1000000000)
SELECT s.*, t.*, n.* FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
    LEFT JOIN refresh_tokens n ON n.session_id = t.session_id AND n.generation = t.generation + 1
    WHERE t.digest = sha256(convert_to('rt_' || lpad(:id::text, 42, 'x') || 'A', 'UTF8'));
WITH open AS (SELECT id FROM sessions WHERE id = :id AND ended_at IS NULL FOR NO KEY UPDATE),
    added AS (INSERT INTO refresh_tokens SELECT id, :generation,
        sha256(int8send(:id) || int8send(:generation)), decode('00000000000000000000000000000000', 'hex'), now()
        FROM open ON CONFLICT (session_id, generation) DO NOTHING RETURNING session_id)
    UPDATE sessions SET last_used_at = greatest(last_used_at, now()) FROM added WHERE sessions.id = added.session_id;
";

/// A piece of work for the database alone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sql {
    Select,
    Rotate,
}

pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Hashes in a second on all cores, computed as the server's pool does: each thread in memory of its own.
pub(crate) fn hashes(long: Duration) -> f64 {
    let end = Instant::now() + long;
    let one = move || {
        let params = Params::new(COST.0, COST.1, COST.2, Some(32)).expect("they are good for the server");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut memory = vec![Block::new(); COST.0 as usize];
        let (mut tag, mut count) = ([0; 32], 0_u32);
        while Instant::now() < end {
            let hashed = argon2.hash_password_into_with_memory(b"password", &[7; 16], &mut tag, &mut memory);
            hashed.expect("they are good for the server");
            count += 1;
        }
        count
    };
    let threads: Vec<_> = (0..cores()).map(|_| thread::spawn(one)).collect();
    let count: u32 = threads.into_iter().map(|thread| thread.join().expect("a count")).sum();
    f64::from(count) / long.as_secs_f64()
}

/// The same by the reference implementation, where its library is installed.
pub(crate) fn reference_hashes(long: Duration) -> Option<f64> {
    let words = [long.as_secs().to_string(), cores().to_string(), COST.0.to_string(), COST.1.to_string()];
    let output =
        Command::new("python3").arg("-c").arg(include_str!("libargon2.py")).args(words).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Transactions in a second by `pgbench`, with prepared statements.
pub(crate) fn pgbench(
    cluster: &Postgres,
    database: &str,
    sql: Sql,
    clients: usize,
    people: usize,
    long: Duration,
) -> f64 {
    let script = tempfile::NamedTempFile::new().expect("a temporary file");
    let text = match sql {
        Sql::Select => SELECT,
        Sql::Rotate => ROTATE,
    };
    fs::write(script.path(), text).expect("the file is ours");
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-h", "127.0.0.1", "-U", "postgres", "-j", "1"])
        .args(["-p", &cluster.port().to_string(), "-c", &clients.to_string()])
        .args(["-T", &long.as_secs().to_string(), "-D", &format!("people={people}")])
        .arg("-f")
        .arg(script.path())
        .arg(database)
        .output()
        .expect("pgbench is installed with PostgreSQL");
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.unwrap_or_else(|| panic!("pgbench says {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// A server that answers every request with the same short text, with as many workers as ours has.
pub(crate) struct Trivial {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Trivial {
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .arg(TRIVIAL)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let mut line = String::new();
        let output = child.stdout.take().expect("it has an output");
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        Self { child, address: line.trim().parse().expect("it says where it listens") }
    }
}

impl Drop for Trivial {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the process started by [`Trivial::start`] does.
#[expect(clippy::print_stdout, reason = "tells its parent where it listens")]
pub(crate) fn serve_trivially() -> std::io::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let app = || {
            let answer = || async { HttpResponse::Ok().content_type("application/json").body("{\"id\":1}") };
            App::new().default_service(web::to(answer))
        };
        let server = HttpServer::new(app).workers(cores()).bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs()[0]);
        server.run().await
    })
}
