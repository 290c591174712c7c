//! A server that is killed while it sends.

use std::time::Duration;

use reqwest::StatusCode;

use super::{PostOffice, eventually, verifies, waiting};
use crate::harness::Api;

const PEOPLE: usize = 60;

/// Longer than the lease of what the killed server was sending.
const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_survives_a_server_that_is_killed_while_sending() {
    let office = PostOffice::open();
    let addresses: Vec<String> = (0..PEOPLE).map(|number| format!("slow{number}@example.com")).collect();
    let mut first = office.server(&[("MAIL_PROVIDER", "off")]);
    let api = Api::at(first.base());
    for address in &addresses {
        api.register(address).await.expect(StatusCode::CREATED);
    }
    assert!(tokio::task::block_in_place(|| first.stop()).success());

    let mut second = office.server(&[]);
    eventually(LIMIT, "the first mails", async || office.smtp.mails().len() >= PEOPLE / 4).await;
    second.kill();
    let before = office.smtp.mails().len();
    assert!(before < PEOPLE, "nothing was left to send");

    let third = office.server(&[]);
    let api = Api::at(third.base());
    eventually(LIMIT, "every mail", async || office.counts().len() == PEOPLE).await;
    eventually(LIMIT, "an empty outbox", async || waiting(&api).await == 0).await;

    let counts = office.counts();
    let twice: usize = counts.values().map(|count| count - 1).sum();
    assert!(twice <= 1, "more than the one that was under way: {counts:?}");
    for address in &addresses {
        let mails = office.mails_to(address);
        assert!(verifies(&api, mails.last().expect("a mail")).await, "the newest link of {address}");
    }
    eprintln!("killed after {before} of {PEOPLE} mails: none is missing, {twice} came twice");
}
