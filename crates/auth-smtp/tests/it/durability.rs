//! What was acknowledged outlives the process, and the file stays bounded and private.

use std::{fs, io::Write as _, path::Path};

use auth_domain::port::{CapturedMessage, Mailbox, MailboxFilter, Mailer, SmsSender, SmsText};
use auth_domain::user::PhoneNumber;
use auth_smtp::CapturingSender;
use auth_testkit::contract::mailbox::letter;
use tempfile::TempDir;

use crate::open;

async fn text(sender: &CapturingSender, text: &str) {
    let to = PhoneNumber::parse("+15551234567").expect("a number");
    SmsSender::send(sender, &to, &SmsText::new(text.to_owned())).await.expect("takes the message");
}

async fn all(sender: &CapturingSender) -> Vec<CapturedMessage> {
    sender.list(&MailboxFilter::default()).await.expect("lists")
}

async fn texts(sender: &CapturingSender) -> Vec<String> {
    all(sender).await.into_iter().map(|message| message.text).collect()
}

fn journal(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("messages.jsonl")
}

fn append(path: &Path, bytes: &[u8]) {
    fs::OpenOptions::new()
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .expect("writes");
}

#[tokio::test]
async fn messages_survive_the_process() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path());
    Mailer::send(&first, &letter("ada@example.com")).await.unwrap();
    text(&first, "line one\nline two \u{2028} \"quoted\"").await;
    let before = all(&first).await;
    // Leaked: no destructor runs, as under `kill -9`.
    std::mem::forget(first);
    let second = open(directory.path());
    assert_eq!(all(&second).await, before);
    text(&second, "after").await;
    let ids: Vec<i64> = all(&second).await.iter().map(|message| message.id).collect();
    assert_eq!(ids, [3, 2, 1]);
}

#[tokio::test]
async fn a_torn_last_line_is_no_message_and_spoils_no_other() {
    let directory = TempDir::new().unwrap();
    text(&open(directory.path()), "whole").await;
    append(&journal(&directory), br#"{"id":2,"channel":"sms","to":"+1555"#);
    let sender = open(directory.path());
    assert_eq!(texts(&sender).await, ["whole"]);
    text(&sender, "next").await;
    drop(sender);
    assert_eq!(texts(&open(directory.path())).await, ["next", "whole"]);
}

#[tokio::test]
async fn an_unreadable_line_is_left_out() {
    let directory = TempDir::new().unwrap();
    text(&open(directory.path()), "one").await;
    append(&journal(&directory), b"garbage\n\n\xff\xfe\n{\"id\":9,\"channel\":\"fax\",\"to\":\"\",\"subject\":\"\",\"text\":\"\",\"html\":\"\",\"created_at\":0}\n");
    let sender = open(directory.path());
    text(&sender, "two").await;
    assert_eq!(texts(&sender).await, ["two", "one"]);
}

#[tokio::test]
async fn the_file_is_compacted_and_ids_go_on_rising() {
    let directory = TempDir::new().unwrap();
    let sender = open(directory.path());
    for number in 0..2100 {
        text(&sender, &number.to_string()).await;
    }
    let lines = fs::read_to_string(journal(&directory)).unwrap().lines().count();
    assert!(lines < 2000, "{lines}");
    drop(sender);
    let sender = open(directory.path());
    let kept = all(&sender).await;
    assert_eq!((kept.len(), kept[0].id, kept[0].text.as_str()), (1000, 2100, "2099"));
    sender.clear().await.unwrap();
    drop(sender);
    let sender = open(directory.path());
    assert!(all(&sender).await.is_empty());
    text(&sender, "after").await;
    assert_eq!(all(&sender).await[0].id, 2101);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_messages() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = TempDir::new().unwrap();
    let inner = directory.path().join("a/b");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let sender = open(&inner);
    assert_eq!(mode(&inner), 0o700);
    assert_eq!(mode(&inner.join("messages.jsonl")), 0o600);
    text(&sender, "one").await;
    sender.clear().await.unwrap();
    assert_eq!(mode(&inner.join("messages.jsonl")), 0o600);
    fs::set_permissions(inner.join("messages.jsonl"), fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&inner));
    assert_eq!(mode(&inner.join("messages.jsonl")), 0o600);
}

#[tokio::test]
async fn nothing_prints_the_messages() {
    let directory = TempDir::new().unwrap();
    let sender = open(directory.path());
    text(&sender, "Your code is 123456").await;
    assert!(!format!("{sender:?} {:?}", all(&sender).await).contains("123456"));
}
