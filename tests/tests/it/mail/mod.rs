//! Mail from the real server through a real mail server: outages, crashes, forgers, operators.

mod codes;
mod crash;
mod injection;
mod operators;
mod outage;

use std::{
    collections::BTreeMap,
    path::Path,
    process::Output,
    time::{Duration, Instant},
};

use auth_testkit::part::{KeptMail, SmtpMode, SmtpServer};
use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::harness::{
    Api,
    process::{Process, run},
    token_after,
};

/// The token that opens the figures for monitoring.
const METRICS_TOKEN: &str = "0123456789abcdef";

/// A mail server, and a directory for servers that use it.
struct PostOffice {
    smtp: SmtpServer,
    port: String,
    directory: TempDir,
}

impl PostOffice {
    fn open() -> Self {
        let smtp = block_in_place(|| SmtpServer::start(SmtpMode::Plain, None));
        let port = smtp.port().to_string();
        Self { smtp, port, directory: TempDir::new().expect("a temporary directory") }
    }

    fn settings<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let data: &Path = self.directory.path();
        let mut settings = vec![
            ("DATA_DIR", data.to_str().expect("a printable path")),
            ("SMTP_HOST", "127.0.0.1"),
            ("SMTP_PORT", &self.port),
            ("SMTP_TLS", "false"),
            ("EMAILS_FROM_EMAIL", "no-reply@auth.example.com"),
            ("EMAIL_MAX_PER_HOUR", "100000"),
            ("METRICS_TOKEN", METRICS_TOKEN),
        ];
        settings.extend(more);
        settings
    }

    fn server(&self, more: &[(&str, &str)]) -> Process {
        block_in_place(|| Process::start(self.directory.path(), &self.settings(more)))
    }

    /// Runs a command of the binary on the same installation.
    fn command(&self, words: &[&str]) -> Output {
        block_in_place(|| run(words, &self.settings(&[])))
    }

    fn mails_to(&self, address: &str) -> Vec<KeptMail> {
        self.smtp.mails().into_iter().filter(|mail| mail.to == [address]).collect()
    }

    /// The first mail to an address. Waits for it.
    async fn mail_to(&self, address: &str) -> KeptMail {
        let mut mails = Vec::new();
        eventually(Duration::from_secs(20), &format!("a mail to {address}"), async || {
            mails = self.mails_to(address);
            !mails.is_empty()
        })
        .await;
        mails.remove(0)
    }

    /// How many mails each address got.
    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for mail in self.smtp.mails() {
            assert_eq!(mail.to.len(), 1, "{mail:?}");
            *counts.entry(mail.to[0].clone()).or_default() += 1;
        }
        counts
    }
}

/// How many messages wait, as the figures for monitoring say: a few seconds late.
async fn waiting(api: &Api) -> u64 {
    let figures = api.get("/metrics", METRICS_TOKEN).await.expect(StatusCode::OK).body;
    let figures = figures.as_str().expect("text");
    let figure = figures.lines().find_map(|line| line.strip_prefix("auth_outbox_waiting "));
    figure.unwrap_or_else(|| panic!("no figure: {figures}")).parse().expect("a number")
}

/// Asks again and again.
async fn eventually(limit: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The link of a mail does what it is for.
async fn verifies(api: &Api, mail: &KeptMail) -> bool {
    let token = token_after(&mail.text, "/verify-email?token=").expect("a link");
    api.post("/api/auth/verify-email", &json!({"token": token})).await.status == StatusCode::OK
}
