//! What was acknowledged survives `kill -9`.

use std::time::Duration;

use auth_domain::{
    audit::AuditEvent,
    port::{AuditFilter, Store as _},
    tenant::TenantId,
    user::Email,
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, process::Process};

async fn register(http: &Client, base: &str, email: &str) -> Option<StatusCode> {
    let body = json!({"email": email, "password": PASSWORD});
    let sent = http.post(format!("{base}/api/auth/register")).json(&body).send().await;
    sent.ok().map(|response| response.status())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_acknowledged_account_and_its_mail_are_there_after_kill_9() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut first = Process::start(directory.path(), &[]);
    let http = Client::new();
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let (http, base) = (http.clone(), first.base().to_owned());
            tokio::spawn(async move {
                // Four at a time, so that the crash comes in the middle.
                tokio::time::sleep(Duration::from_millis(number / 4 * 40)).await;
                let email = format!("crash{number}@example.com");
                let answered = register(&http, &base, &email).await == Some(StatusCode::CREATED);
                answered.then_some(email)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(900)).await;
    first.kill();
    let mut acknowledged = Vec::new();
    for call in calls {
        acknowledged.extend(call.await.expect("a finished call"));
    }
    assert!((1..200).contains(&acknowledged.len()), "{} acknowledged", acknowledged.len());

    let store =
        SqliteStore::open(SqliteConfig::file(directory.path().join("data/auth.sqlite3"))).expect("the store");
    for email in &acknowledged {
        assert_eq!(registrations(&store, email).await, 1, "{email} has no audit record");
    }
    drop(store);

    let second = Process::start(directory.path(), &[]);
    for email in &acknowledged {
        assert_eq!(
            register(&http, second.base(), email).await,
            Some(StatusCode::BAD_REQUEST),
            "{email} was acknowledged and is gone"
        );
    }
    for email in &acknowledged {
        assert!(mail_comes(&http, second.base(), email).await, "the mail to {email} is lost");
    }
}

/// How many records of its registration the account has in the audit log.
async fn registrations(store: &SqliteStore, email: &str) -> usize {
    let mut repos = store.read().await.expect("a store that answers");
    let email = Email::parse(email).expect("an address");
    let user = repos.users().by_email(&TenantId::default(), &email).await.expect("an answer");
    let subject = Some(user.expect("the account").id);
    let filter = AuditFilter { subject, event: Some(AuditEvent::Registered), ..AuditFilter::default() };
    repos.audit().list(&filter, 10).await.expect("an answer").len()
}

/// Waits longer than a lease: what the killed process had leased comes back when that runs out.
async fn mail_comes(http: &Client, base: &str, email: &str) -> bool {
    for _ in 0..1200 {
        let messages = http.get(format!("{base}/dev/messages")).query(&[("to", email)]).send().await;
        let messages: Value = messages.expect("an answer").json().await.expect("a list");
        if messages.as_array().is_some_and(|list| !list.is_empty()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}
