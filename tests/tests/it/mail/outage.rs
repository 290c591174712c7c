//! While the mail server is down people register as ever, and their mail comes afterwards.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use super::{PostOffice, eventually, verifies, waiting};
use crate::harness::Api;

const PEOPLE: u32 = 100;
/// After the end of a fault all is as before.
const NORMAL_AGAIN: Duration = Duration::from_secs(30);
/// An answer that waited for the mail server would take longer.
const PROMPT: Duration = Duration::from_secs(3);

/// How long the mail server is down; `AUTH_MAIL_OUTAGE_SECONDS` makes it longer.
fn outage() -> Duration {
    let seconds = std::env::var("AUTH_MAIL_OUTAGE_SECONDS")
        .map_or(15, |text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_owed_while_the_mail_server_is_down_arrives_once_it_is_back() {
    let (mut office, outage) = (PostOffice::open(), outage());
    let server = office.server(&[]);
    let api = Api::at(server.base());
    office.smtp.kill();
    let begun = Instant::now();
    let address = |number: u32| format!("out{number}@example.com");
    let mut slowest = Duration::ZERO;
    for number in 0..PEOPLE {
        // Evenly over the whole outage.
        tokio::time::sleep_until((begun + outage * number / PEOPLE).into()).await;
        let asked = Instant::now();
        api.register(&address(number)).await.expect(StatusCode::CREATED);
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < PROMPT, "a registration took {slowest:?}");
    tokio::time::sleep_until((begun + outage).into()).await;
    assert_eq!(office.smtp.mails().len(), 0);
    tokio::task::block_in_place(|| office.smtp.restart());
    let back = Instant::now();
    // However long it was down: what is owed is tried every 10 to 20 seconds (invariant I12).
    eventually(NORMAL_AGAIN, "every mail", async || office.smtp.mails().len() >= PEOPLE as usize).await;
    let took = back.elapsed();
    eventually(Duration::from_mins(1), "an empty outbox", async || waiting(&api).await == 0).await;

    let counts = office.counts();
    for number in 0..PEOPLE {
        let address = address(number);
        assert_eq!(counts.get(&address), Some(&1), "{address}");
        assert!(verifies(&api, &office.mails_to(&address)[0]).await, "the link of {address}");
    }
    assert_eq!(counts.len(), PEOPLE as usize, "and nobody else got one");
    eprintln!(
        "mail server down for {outage:?}: {PEOPLE} registrations, the slowest in {slowest:?}; \
         {PEOPLE} mails, each once, the last {took:?} after it was back"
    );
}
