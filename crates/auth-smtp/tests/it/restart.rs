//! Messages outlive the process, whole ones and only those.

use std::{fs, io::Write as _, path::Path};

use auth_domain::{
    port::{CapturedMessage, Mailbox as _, MailboxFilter, Mailer, SmsSender, SmsText},
    user::PhoneNumber,
};
use auth_smtp::CapturingSender;
use auth_testkit::contract::mailbox::letter;

use crate::support::open;

async fn text(sender: &CapturingSender, text: &str) {
    let to = PhoneNumber::parse("+15551234567").expect("a number");
    SmsSender::send(sender, &to, &SmsText::new(text.to_owned())).await.expect("takes the message");
}

async fn all(sender: &CapturingSender) -> Vec<CapturedMessage> {
    sender.list(&MailboxFilter::default()).await.expect("lists")
}

fn append(directory: &Path, bytes: &[u8]) {
    let file = fs::OpenOptions::new().append(true).open(directory.join("messages.jsonl"));
    file.and_then(|mut file| file.write_all(bytes)).expect("writes");
}

#[tokio::test]
async fn a_restart_keeps_the_messages() {
    let directory = tempfile::tempdir().unwrap();
    let sender = open(directory.path());
    Mailer::send(&sender, &letter("ada@example.com")).await.unwrap();
    text(&sender, "line one\nline two").await;
    let before = all(&sender).await;
    // No destructor runs, as under `kill -9`.
    std::mem::forget(sender);
    let reopened = open(directory.path());
    assert!(before == all(&reopened).await);
    text(&reopened, "next").await;
    assert!(all(&reopened).await[0].id > before[0].id);
}

#[tokio::test]
async fn ids_rise_over_clearing_and_restart() {
    let directory = tempfile::tempdir().unwrap();
    let sender = open(directory.path());
    text(&sender, "one").await;
    let before = all(&sender).await[0].id;
    sender.clear().await.unwrap();
    drop(sender);
    let sender = open(directory.path());
    assert!(all(&sender).await.is_empty());
    text(&sender, "two").await;
    assert!(all(&sender).await[0].id > before);
}

#[tokio::test]
async fn a_torn_line_is_no_message() {
    let directory = tempfile::tempdir().unwrap();
    let sender = open(directory.path());
    text(&sender, "one").await;
    drop(sender);
    append(directory.path(), b"{\"id\":2,\"channel\":\"sms\",\"to\":\"+1555");
    let sender = open(directory.path());
    assert_eq!(all(&sender).await.len(), 1);
    text(&sender, "two").await;
    drop(sender);
    let texts: Vec<_> = all(&open(directory.path())).await.into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["two", "one"]);
}

#[tokio::test]
async fn an_unreadable_line_hides_no_other() {
    let directory = tempfile::tempdir().unwrap();
    text(&open(directory.path()), "one").await;
    append(directory.path(), b"not json\n\n\xff\xfe\n{\"id\":\"x\"}\n");
    let sender = open(directory.path());
    text(&sender, "two").await;
    assert_eq!(all(&open(directory.path())).await.len(), 2);
}

#[tokio::test]
async fn compaction_keeps_the_newest_and_bounds_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let sender = open(directory.path());
    for number in 0..2100 {
        text(&sender, &number.to_string()).await;
    }
    let before = all(&sender).await;
    assert_eq!((before.len(), before[0].text.as_str(), before[999].text.as_str()), (1000, "2099", "1100"));
    let lines = fs::read_to_string(directory.path().join("messages.jsonl")).unwrap().lines().count();
    assert!(lines < 2000, "{lines}");
    assert!(!directory.path().join("messages.jsonl.new").exists());
    assert!(before == all(&open(directory.path())).await);
}

#[tokio::test]
async fn a_crash_while_compacting_does_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let sender = open(directory.path());
    text(&sender, "one").await;
    fs::write(directory.path().join("messages.jsonl.new"), b"{\"id\"").unwrap();
    sender.clear().await.unwrap();
    text(&sender, "two").await;
    assert_eq!(all(&open(directory.path())).await.len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data/mailbox");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let sender = open(&directory);
    let file = directory.join("messages.jsonl");
    assert_eq!((mode(&directory), mode(&file)), (0o700, 0o600));
    text(&sender, "one").await;
    sender.clear().await.unwrap();
    assert_eq!(mode(&file), 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&directory));
    assert_eq!(mode(&file), 0o600);
}

#[tokio::test]
async fn shows_no_message_in_debug() {
    let directory = tempfile::tempdir().unwrap();
    let sender = open(directory.path());
    text(&sender, "123456").await;
    assert!(!format!("{sender:?}").contains("123456"));
}
