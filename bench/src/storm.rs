//! What somebody who is signed in notices while 256 others sign in as fast as they can.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    task::JoinSet,
    time::{sleep, sleep_until},
};

use crate::{
    load::{Connection, Script, get},
    scripts,
};

/// Clients that sign in at the same time.
const STORM: usize = 256;
/// Calls of each of the others in a second.
const RATE: f64 = 10.0;

/// What it was like.
pub(crate) struct Storm {
    /// How long each `GET /me` took from the moment it was due: a server that stands still is not asked less.
    pub(crate) times: Vec<Duration>,
    pub(crate) failed: u64,
    /// Logins in a second.
    pub(crate) logins: f64,
    pub(crate) shed: u64,
}

#[derive(Default)]
struct Counts {
    over: AtomicBool,
    well: AtomicU64,
    shed: AtomicU64,
}

/// Lets each of `tokens` ask at the fixed rate, during a storm or without one.
pub(crate) async fn measure(
    server: SocketAddr,
    tokens: &[String],
    people: usize,
    is_stormy: bool,
    long: Duration,
) -> Storm {
    let counts = Arc::new(Counts::default());
    let mut storm = JoinSet::new();
    let scripts = scripts::logins(if is_stormy { STORM } else { 0 }, people, 0);
    for (number, script) in (tokens.len()..).zip(scripts) {
        storm.spawn(sign_in(server, number, script, Arc::clone(&counts)));
    }
    // Not the first second, in which everybody connects.
    sleep(Duration::from_secs(1)).await;
    let before = counts.well.load(Ordering::Relaxed);
    let mut others = JoinSet::new();
    for (number, token) in tokens.iter().cloned().enumerate() {
        others.spawn(read(server, number, token, long));
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    for (more, missed) in others.join_all().await {
        times.extend(more);
        failed += missed;
    }
    let logins = counts.well.load(Ordering::Relaxed) - before;
    counts.over.store(true, Ordering::Relaxed);
    storm.join_all().await;
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let logins = logins as f64 / long.as_secs_f64();
    Storm { times, failed, logins, shed: counts.shed.load(Ordering::Relaxed) }
}

async fn sign_in(server: SocketAddr, number: usize, mut script: Script, counts: Arc<Counts>) {
    let mut connection = Connection::open(server, number).await.ok();
    while !counts.over.load(Ordering::Relaxed) {
        let outcome = match &mut connection {
            Some(connection) => connection.exchange(&script("")).await.map(|(status, _)| status),
            None => Ok(0),
        };
        if matches!(outcome, Ok(200)) {
            counts.well.fetch_add(1, Ordering::Relaxed);
        } else {
            // The server says to come back after a second.
            counts.shed.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_secs(1)).await;
        }
        if !outcome.is_ok_and(|status| status > 0) {
            connection = Connection::open(server, number).await.ok();
        }
    }
}

async fn read(server: SocketAddr, number: usize, token: String, long: Duration) -> (Vec<Duration>, u64) {
    let mut connection = Connection::open(server, number).await.expect("the server listens");
    let request = get("/api/auth/me", &token);
    let (mut times, mut failed) = (Vec::new(), 0);
    // Not all in the same moment.
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let mut due = Instant::now() + Duration::from_secs_f64(number as f64 / 32.0 / RATE);
    let end = Instant::now() + long;
    while due < end {
        // What the driver's own timer is late is not the server's; what the last answer was late, is.
        let begin = if Instant::now() < due {
            sleep_until(due.into()).await;
            Instant::now()
        } else {
            due
        };
        let outcome = connection.exchange(&request).await;
        failed += u64::from(!matches!(outcome, Ok((200, _))));
        times.push(begin.elapsed());
        due += Duration::from_secs_f64(1.0 / RATE);
    }
    (times, failed)
}
