//! Keys of a running installation: a new secret, a rotation under load, a key that was stolen.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Output,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use data_encoding::BASE64URL_NOPAD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::{JoinSet, block_in_place};

use crate::{
    factors::{login_with, take_app},
    harness::{
        Api, PASSWORD, Tokens,
        parts::{POSTGRES, REDIS, Replicas, SECRET, database},
        process::{Process, run},
    },
};

const OLD: &str = "q3Vn0c8yT5kL2mR7xW9bZ4fH6jP1sD0a";
const NEW: &str = "M8tY2uK5vB9nQ4wE7rX1cJ6gL3hF0zSd";

fn start(directory: &Path, settings: &[(&str, &str)]) -> Process {
    let settings = [&[("MFA_DEVICE_BYPASS_MINUTES", "0")], settings].concat();
    block_in_place(|| Process::start(directory, &settings))
}

fn command(words: &[&str], settings: &[(&str, &str)]) -> (bool, String) {
    let Output { status, stdout, stderr } = block_in_place(|| run(words, settings));
    (status.success(), [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
}

#[track_caller]
fn done(words: &[&str], settings: &[(&str, &str)]) -> String {
    let (success, text) = command(words, settings);
    assert!(success, "{words:?}: {text}");
    text
}

/// From the old secret to the new one and the end of the old one, with people who sign in with their apps all
/// the way.
async fn a_new_secret(database: &str) {
    let directory = TempDir::new().expect("a temporary directory");
    let at = |secrets: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        [&[("DATABASE_URL", database)], secrets].concat()
    };
    let (first, between, last) = (
        at(&[("SECRET_KEY", OLD)]),
        at(&[("SECRET_KEY", NEW), ("SECRET_KEY_FORMER", OLD)]),
        at(&[("SECRET_KEY", NEW)]),
    );
    done(&["migrate"], &first);
    let mut server = start(directory.path(), &first);
    let api = Api::at(server.base());
    let people = ["ada@example.com", "eve@example.com"];
    let mut apps = Vec::new();
    for email in people {
        apps.push(take_app(&api, &api.signed_in(email).await).await.0);
    }
    let before = api.login("eve@example.com", PASSWORD).await;
    assert_eq!(before.body["code"], "mfa_required", "{before:?}");
    block_in_place(|| server.stop());

    let (success, text) = command(&["serve"], &last);
    assert!(!success && text.contains("SECRET_KEY_FORMER lacks a secret that is still needed"), "{text}");
    assert!(text.contains("totp_secrets.secret holds values sealed with key 01"), "{text}");
    assert!(done(&["keys", "status"], &last).contains("MISSING"));
    assert!(!text.contains(OLD) && !text.contains(NEW));

    let mut server = start(directory.path(), &between);
    let api = Api::at(server.base());
    let status = done(&["keys", "status"], &between);
    assert!(
        status.contains("SECRET_KEY_FORMER, number 1         totp_secrets.secret            2"),
        "{status}"
    );
    let trial = done(&["keys", "rotate-data", "--dry-run"], &between);
    assert!(trial.contains(": 2 would be sealed anew") && trial.contains("still holds"), "{trial}");
    assert_eq!(done(&["keys", "status"], &between), status, "a dry run changes nothing");
    let rotated = done(&["keys", "rotate-data"], &between);
    assert!(rotated.contains("totp_secrets.secret: 2 of 2"), "progress: {rotated}");
    assert!(rotated.contains("may be taken out of the settings"), "{rotated}");
    assert!(!rotated.contains(OLD) && !rotated.contains(NEW));
    login_with(&api, people[0], &apps[0].code()).await.expect(StatusCode::OK);
    block_in_place(|| server.stop());

    let server = start(directory.path(), &last);
    let api = Api::at(server.base());
    login_with(&api, people[1], &apps[1].code()).await.expect(StatusCode::OK);
    let status = done(&["keys", "status"], &last);
    assert!(!status.contains("MISSING") && !status.contains("FORMER"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_takes_over_on_sqlite() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("auth.sqlite3");
    a_new_secret(&format!("sqlite://{}", path.to_str().expect("a printable path"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_takes_over_on_postgres() {
    let database = database();
    a_new_secret(&database).await;
    let name = database.rsplit('/').next().expect("the name of a database");
    let rotated = POSTGRES.sql(name, "SELECT count(*) FROM audit_events WHERE event = 'key.data_rotated'");
    assert_eq!(rotated, "2", "a record for the apps and one for the signing key");
}

fn kid(token: &str) -> String {
    let header = token.split('.').next().expect("a header");
    let header = BASE64URL_NOPAD.decode(header.as_bytes()).expect("base64");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a kid").to_owned()
}

/// The key set, as another service fetches it.
async fn published(api: &Api) -> BTreeSet<String> {
    let jwks = api.request(reqwest::Method::GET, "/.well-known/jwks.json").send().await.expect("an answer");
    assert_eq!(jwks.headers()["cache-control"], "public, max-age=300");
    let jwks: Value = jwks.json().await.expect("JSON");
    let keys = jwks["keys"].as_array().expect("a list");
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

/// What clients met.
#[derive(Default)]
struct Met {
    calls: AtomicUsize,
    kids: Mutex<BTreeSet<String>>,
    refused: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Met {
    fn answer(&self, what: &str, answer: &crate::harness::Answer) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if answer.status != StatusCode::OK {
            self.refused.lock().expect("nobody panicked").push(format!("{what}: {answer:?}"));
        }
    }
}

/// Asks who it is and refreshes, at one replica and at the other, until told to end.
async fn keep_calling(replicas: [Api; 2], mut tokens: Tokens, met: Arc<Met>) {
    let mut turn = 0;
    while !met.ended.load(Ordering::SeqCst) {
        turn += 1;
        let api = &replicas[turn % 2];
        met.answer("me", &api.get("/api/auth/me", &tokens.access).await);
        if turn % 3 == 0 {
            let body = json!({ "refresh_token": tokens.refresh });
            let answer = api.post("/api/auth/refresh", &body).await;
            met.answer("refresh", &answer);
            if answer.status == StatusCode::OK {
                tokens = answer.tokens();
                met.kids.lock().expect("nobody panicked").insert(kid(&tokens.access));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_is_met_by_nobody() {
    let database = database();
    let replicas = Replicas::start(2, &database, &REDIS.url(), &[("MAX_SESSIONS_PER_USER", "1000")]);
    let both = [replicas.api(0), replicas.api(1)];
    both[0].signed_in("ada@example.com").await;
    let cache = published(&both[0]).await;
    let met = Arc::new(Met::default());
    let mut clients = JoinSet::new();
    for client in 0..64 {
        let tokens = both[client % 2].login("ada@example.com", PASSWORD).await.tokens();
        clients.spawn(keep_calling(both.clone(), tokens, Arc::clone(&met)));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let settings = [("DATABASE_URL", database.as_str()), ("SECRET_KEY", SECRET)];
    let told = done(&["keys", "rotate"], &settings);
    let rotated = Instant::now();
    for api in &both {
        while published(api).await.len() < 2 {
            assert!(rotated.elapsed() < Duration::from_secs(5), "no replica publishes the new key");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let took = rotated.elapsed();
    tokio::time::sleep(Duration::from_secs(3)).await;
    met.ended.store(true, Ordering::SeqCst);
    clients.join_all().await;
    let (calls, refused) = (met.calls.load(Ordering::SeqCst), met.refused.lock().expect("nobody panicked"));
    eprintln!("rotation under load: {calls} calls of 64 clients, published on both replicas after {took:?}");
    assert!(calls > 500, "{calls}");
    assert_eq!(*refused, [""; 0]);
    // A verifier that fetched the set before the rotation need not fetch it again for five minutes: the new
    // key waits for ten.
    let kids = met.kids.lock().expect("nobody panicked");
    assert!(!kids.is_empty() && kids.is_subset(&cache), "{kids:?} {cache:?} {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_by_every_replica_within_two_seconds() {
    let database = database();
    let replicas = Replicas::start(2, &database, &REDIS.url(), &[]);
    let both = [replicas.api(0), replicas.api(1)];
    let before = both[0].signed_in("ada@example.com").await;
    for api in &both {
        api.get("/api/auth/me", &before.access).await.expect(StatusCode::OK);
    }
    let stolen = kid(&before.access);
    let settings = [("DATABASE_URL", database.as_str()), ("SECRET_KEY", SECRET)];
    let told = done(&["keys", "revoke", &stolen], &settings);
    let revoked = Instant::now();
    assert!(
        told.contains(&format!("revoked {stolen}, which was active")) && told.contains("made "),
        "{told}"
    );
    for api in &both {
        while api.get("/api/auth/me", &before.access).await.status != StatusCode::UNAUTHORIZED {
            assert!(revoked.elapsed() < Duration::from_secs(5), "a stolen key is still believed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let took = revoked.elapsed();
    eprintln!("revoked: refused on both replicas after {took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");

    let body = json!({ "refresh_token": before.refresh });
    let after = both[1].post("/api/auth/refresh", &body).await.tokens();
    assert_ne!(kid(&after.access), stolen);
    for api in &both {
        api.get("/api/auth/me", &after.access).await.expect(StatusCode::OK);
        assert_eq!(published(api).await, BTreeSet::from([kid(&after.access)]));
    }
    let name = database.rsplit('/').next().expect("the name of a database");
    let details = POSTGRES.sql(name, "SELECT details FROM audit_events WHERE event = 'key.revoked'");
    assert!(details.contains(&stolen), "{details}");
    let (success, text) = command(&["keys", "revoke", &stolen], &settings);
    assert!(!success && text.contains("there is no key"), "{text}");
}
