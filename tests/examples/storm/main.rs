//! What the rest of the server's clients notice while very many people sign in at once.
//!
//! ```text
//! just storm                              # builds the server with the profile `dist`, and runs this
//! target/debug/examples/storm PATH [NAME=VALUE]…     # another binary, other settings
//! ```
//!
//! First `GET /me` and `POST /refresh` are called at a fixed rate for a while, then again while 256 clients
//! sign in over and over, each with an account, a connection and an address of its own. A client that is turned
//! away with 503 comes back when the answer says. Latency counts from the moment at which a call was due, so a
//! server that stands still is not measured less often.
#![expect(clippy::print_stdout, reason = "tells what was measured")]

#[path = "../driver/mod.rs"]
#[expect(dead_code, reason = "each driver uses a part")]
mod driver;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{sleep, sleep_until},
};

use self::driver::{
    client::Client,
    people::{self, PASSWORD, Tokens},
    server::{Server, arguments},
    statistics::percentile,
};

/// Clients that sign in at the same time.
const STORM: u32 = 256;
/// Others, who are signed in already. Half of them read, half of them refresh.
const OTHERS: u32 = 32;
/// Calls of each of the others in a second.
const RATE: f64 = 5.0;
/// How long each of the two parts takes.
const PART: Duration = Duration::from_secs(20);

/// What became of the logins.
#[derive(Default)]
struct Logins {
    over: AtomicBool,
    well: AtomicU64,
    shed: AtomicU64,
    other: AtomicU64,
}

#[tokio::main]
async fn main() {
    let (binary, settings) = arguments();
    let server = Server::start(&binary, &settings).await;
    let emails: Vec<String> =
        (0..STORM + OTHERS).map(|number| format!("person{number}@example.com")).collect();
    people::register(server.address, &emails, true).await;
    let (others, storm) = emails.split_at(OTHERS as usize);
    let mut tokens = Vec::new();
    for (number, email) in (0..).zip(others) {
        tokens.push(people::sign_in(&mut Client::number(server.address, number), email).await);
    }
    println!("{} clients at {RATE} calls a second each, {} s", OTHERS, PART.as_secs());
    println!("                  calls    p50 ms    p99 ms    max ms  failed   RSS peak MiB");
    tokens = measure(&server, "calm", tokens).await;

    let logins = Arc::new(Logins::default());
    let mut clients = JoinSet::new();
    for (number, email) in (OTHERS..).zip(storm.iter().cloned()) {
        clients.spawn(sign_in_again_and_again(server.address, number, email, Arc::clone(&logins)));
    }
    measure(&server, "storm", tokens).await;
    logins.over.store(true, Ordering::Relaxed);
    clients.join_all().await;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{STORM} clients signing in: {} logins, {} turned away with 503, {} other answers",
        count(&logins.well),
        count(&logins.shed),
        count(&logins.other)
    );
}

/// One client of the storm.
async fn sign_in_again_and_again(server: SocketAddr, number: u32, email: String, logins: Arc<Logins>) {
    let mut client = Client::number(server, number);
    let body = json!({"email": email, "password": PASSWORD});
    while !logins.over.load(Ordering::Relaxed) {
        let (counter, pause) = match client.post("/api/auth/login", &body).await {
            Ok(answer) if answer.status == 200 => (&logins.well, 0),
            Ok(answer) if answer.status == 503 => (&logins.shed, answer.retry_after.unwrap_or(1)),
            _ => (&logins.other, 1),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_secs(pause)).await;
    }
}

/// Calls at the fixed rate, prints how long that took, and gives the tokens that are good after it.
async fn measure(server: &Server, name: &str, tokens: Vec<Tokens>) -> Vec<Tokens> {
    let mut tasks = JoinSet::new();
    for (number, tokens) in (0..).zip(tokens) {
        tasks.spawn(other(Client::number(server.address, number), number, tokens));
    }
    let (mut me, mut refresh, mut failed, mut tokens) = (Vec::new(), Vec::new(), [0, 0], Vec::new());
    for outcome in tasks.join_all().await {
        let refreshes = outcome.number % 2 == 1;
        if refreshes { &mut refresh } else { &mut me }.extend(outcome.times);
        failed[usize::from(refreshes)] += outcome.failed;
        tokens.push((outcome.number, outcome.tokens));
    }
    for (what, times, failed) in [("me", &mut me, failed[0]), ("refresh", &mut refresh, failed[1])] {
        let calls = times.len();
        let [median, most, longest] =
            [50.0, 99.0, 100.0].map(|percent| percentile(times, percent).as_secs_f64() * 1000.0);
        let memory = server.peak_memory();
        println!("{name:8}{what:8}{calls:7}{median:10.1}{most:10.1}{longest:10.1}{failed:8}{memory:15}");
    }
    tokens.sort_unstable_by_key(|(number, _)| *number);
    tokens.into_iter().map(|(_, tokens)| tokens).collect()
}

/// What one of the others measured.
struct Outcome {
    number: u32,
    times: Vec<Duration>,
    failed: u32,
    tokens: Tokens,
}

async fn other(mut client: Client, number: u32, mut tokens: Tokens) -> Outcome {
    let (mut times, mut failed) = (Vec::new(), 0);
    // Not all in the same moment.
    let mut due = Instant::now() + Duration::from_secs_f64(f64::from(number) / f64::from(OTHERS) / RATE);
    let end = Instant::now() + PART;
    while due < end {
        sleep_until(due.into()).await;
        let fine = if number % 2 == 1 {
            let body = json!({"refresh_token": tokens.refresh});
            let next = client.post("/api/auth/refresh", &body).await.ok();
            let next = next.and_then(|answer| people::tokens(&answer));
            next.map(|next| tokens = next).is_some()
        } else {
            client.get("/api/auth/me", &tokens.access).await.is_ok_and(|answer| answer.status == 200)
        };
        times.push(due.elapsed());
        failed += u32::from(!fine);
        due += Duration::from_secs_f64(1.0 / RATE);
    }
    Outcome { number, times, failed, tokens }
}
