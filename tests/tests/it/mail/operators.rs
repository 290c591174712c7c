//! The outbox on the command line, beside a running server.

use std::{process::Output, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use super::{PostOffice, eventually};
use crate::harness::{Api, process::Process};

const LIMIT: Duration = Duration::from_secs(20);
const NO_SUCH_USER: &str = "the mail server refused the recipient: 550 5.1.1 no such user";

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Runs a command that must succeed; gives what it printed.
fn done(office: &PostOffice, words: &[&str]) -> String {
    let (code, out, err) = said(&office.command(words));
    assert_eq!(code, Some(0), "{words:?}: {err}");
    out
}

fn list(office: &PostOffice, more: &[&str]) -> Vec<Value> {
    let printed = done(office, &[&["outbox", "list", "--json"], more].concat());
    serde_json::from_str(&printed).expect("JSON")
}

fn id(entry: &Value) -> String {
    entry["id"].as_i64().expect("an id").to_string()
}

/// A server that has mail for whom the mail server refuses, after it refused two of three for good.
async fn refused(office: &PostOffice) -> (Process, Vec<Value>) {
    let server = office.server(&[]);
    let api = Api::at(server.base());
    for name in ["refused", "spam", "relay"] {
        api.register(&format!("{name}@example.com")).await.expect(StatusCode::CREATED);
    }
    let mut dead = Vec::new();
    eventually(LIMIT, "two dead letters", async || {
        dead = list(office, &["--dead"]);
        dead.len() == 2
    })
    .await;
    (server, dead)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_why_mail_is_refused() {
    let office = PostOffice::open();
    assert_eq!(done(&office, &["outbox", "list"]), "no message waits\n");
    assert_eq!(done(&office, &["outbox", "list", "--dead"]), "no message was given up\n");
    let (_server, dead) = refused(&office).await;
    let errors: Vec<&str> = dead.iter().map(|entry| entry["last_error"].as_str().unwrap()).collect();
    // The server quoted the link in its answer to the second message.
    assert_eq!(errors, [NO_SUCH_USER, "the mail server refused the message: 554 5.6.0"]);
    assert!(dead[0]["kind"] == "verify_email" && dead[0]["tenant"] == "default", "{dead:?}");
    assert!(dead[0]["user_id"].is_i64() && dead[0]["buried_at"].is_string(), "{dead:?}");
    assert_eq!(list(&office, &["--dead", "--after", &id(&dead[0])]), dead[1..]);
    assert_eq!(list(&office, &["--dead", "--limit", "1"]), dead[..1]);
    let (_, page, hint) = said(&office.command(&["outbox", "list", "--dead", "--limit", "1"]));
    assert!(page.starts_with("ID ") && page.contains(NO_SUCH_USER) && page.lines().count() == 2, "{page}");
    assert_eq!(hint, format!("There may be more: add --after {}\n", id(&dead[0])));

    let mut relayed = Value::Null;
    eventually(LIMIT, "a first try", async || {
        relayed = list(&office, &[]).pop().expect("it waits")["last_error"].take();
        !relayed.is_null()
    })
    .await;
    assert_eq!(relayed, "the mail server refused the recipient: 550 5.7.1 relaying denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_tries_again_and_clears_up() {
    let office = PostOffice::open();
    let (_server, dead) = refused(&office).await;
    let first = id(&dead[0]);
    let retried = done(&office, &["outbox", "retry", &first]);
    assert!(retried.starts_with(&format!("{first} (verify_email) is due now")), "{retried}");
    let is_new = |entry: &Value| entry["id"] == dead[0]["id"] && entry["buried_at"] != dead[0]["buried_at"];
    eventually(LIMIT, "a second end", async || list(&office, &["--dead"]).iter().any(is_new)).await;
    assert_eq!(done(&office, &["outbox", "retry", "--all-dead"]), "2 messages due now\n");
    eventually(LIMIT, "two dead letters", async || list(&office, &["--dead"]).len() == 2).await;

    for entry in &dead {
        let dropped = done(&office, &["outbox", "drop", &id(entry)]);
        assert_eq!(dropped, format!("{} (verify_email) is deleted and will not be sent\n", id(entry)));
    }
    for verb in ["drop", "retry"] {
        let (code, out, err) = said(&office.command(&["outbox", verb, &first]));
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert_eq!(err, "error: there is no such message, or it is being sent right now\n");
    }
    assert_eq!(done(&office, &["outbox", "retry", "--all-dead"]), "0 messages due now\n");
    assert_eq!(office.smtp.mails().len(), 0);
}
