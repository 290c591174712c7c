//! Whether an outsider can tell by time what is in the store: accounts that exist from ones that do not.
//!
//! ```text
//! just timing                              # builds the server with the profile `dist`, and runs this
//! target/debug/examples/timing PATH [NAME=VALUE]…     # another binary, other settings
//! ```
//!
//! Each question is asked in two ways that must look alike, in turns, one request at a time. Reported are the
//! medians, their difference, and Mann-Whitney's p: the probability of such a difference by chance alone. No
//! test, because a busy machine can always make two samples differ: run it on one that is idle. Below 5 % of
//! the time of a hash, or with p above 0.01, nothing can be told.
#![expect(clippy::print_stdout, reason = "tells what was measured")]

#[path = "../driver/mod.rs"]
#[expect(dead_code, reason = "each driver uses a part")]
mod driver;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use self::driver::{
    client::Client,
    people::{self, PASSWORD},
    server::{Server, arguments},
    statistics::{mann_whitney, percentile},
};

/// Samples of each way to ask.
const SAMPLES: usize = 200;
/// Wrong passwords for one address; one more locks it.
const TRIES: usize = 4;

/// One way to ask: the body of the request of each number.
struct Way {
    name: &'static str,
    bodies: Vec<Value>,
}

#[tokio::main]
async fn main() {
    let (binary, mut settings) = arguments();
    settings.push(("HIDE_EXISTING_ACCOUNTS".to_owned(), "true".to_owned()));
    let server = Server::start(&binary, &settings).await;
    let address = server.address;
    let [known, inactive, unverified] = [("known", true), ("inactive", true), ("unverified", false)]
        .map(|(name, proved)| (named(name), proved));
    for (emails, verified) in [&known, &inactive, &unverified] {
        people::register(address, emails, *verified).await;
    }
    deactivate(address, &inactive.0).await;

    println!("                                              medians, ms        difference        p");
    for (name, emails) in [("known", &known.0), ("inactive", &inactive.0), ("unverified", &unverified.0)] {
        // Strangers of their own each time: they lock like accounts.
        let strangers = login("unknown", &named(&format!("not-{name}")));
        compare(address, "/api/auth/login", &login(name, emails), &strangers).await;
    }
    let ask = |name, email: &dyn Fn(usize) -> String| Way {
        name,
        bodies: (0..SAMPLES).map(|number| json!({"email": email(number)})).collect(),
    };
    let registered = |number: usize| known.0[number % known.0.len()].clone();
    for path in ["/api/auth/forgot-password", "/api/auth/resend-verification"] {
        let stranger = ask("unknown", &|number| format!("stranger{}@example.com", number % known.0.len()));
        let unproved = |number: usize| unverified.0[number % unverified.0.len()].clone();
        let member =
            if path.ends_with("password") { ask("known", &registered) } else { ask("unverified", &unproved) };
        compare(address, path, &member, &stranger).await;
    }
    let apply = |name, email: &dyn Fn(usize) -> String| Way {
        name,
        bodies: (0..SAMPLES).map(|number| json!({"email": email(number), "password": PASSWORD})).collect(),
    };
    let free = apply("free", &|number| format!("free{number}@example.com"));
    compare(address, "/api/auth/register", &apply("taken", &registered), &free).await;
}

/// As many addresses as it takes to ask without locking one.
fn named(name: &str) -> Vec<String> {
    (0..SAMPLES.div_ceil(TRIES)).map(|number| format!("{name}{number}@example.com")).collect()
}

/// A wrong password each time.
fn login(name: &'static str, emails: &[String]) -> Way {
    let body = |number: usize| json!({"email": emails[number % emails.len()], "password": format!("Wr0ng&wrong&{number:04}")});
    Way { name, bodies: (0..SAMPLES).map(body).collect() }
}

async fn deactivate(server: SocketAddr, emails: &[String]) {
    let mut client = Client::number(server, 0);
    for email in emails {
        let tokens = people::sign_in(&mut client, email).await;
        let body = json!({"password": PASSWORD});
        people::expect(200, client.delete("/api/auth/me", &tokens.access, &body).await);
    }
}

/// Asks in both ways in turns, and prints what that tells.
async fn compare(server: SocketAddr, path: &str, one: &Way, other: &Way) {
    let mut client = Client::number(server, 0);
    let (mut times, mut statuses) = ([Vec::new(), Vec::new()], [0, 0]);
    for number in 0..SAMPLES {
        // Neither way always comes first.
        for turn in [number % 2, (number + 1) % 2] {
            let body = &[one, other][turn].bodies[number];
            let begun = Instant::now();
            let answer = client.post(path, body).await.expect("an answer");
            times[turn].push(begun.elapsed());
            statuses[turn] = answer.status;
        }
    }
    assert_eq!(statuses[0], statuses[1], "the status tells already");
    let p = mann_whitney(&times[0], &times[1]);
    let [first, second] = times.map(|mut times| percentile(&mut times, 50.0));
    let name = format!("{} {} / {}", path.trim_start_matches("/api/auth/"), one.name, other.name);
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let difference = millis(first) - millis(second);
    println!("{name:42}{:9.3}{:9.3}{difference:+15.3} ms{p:10.4}", millis(first), millis(second));
}
