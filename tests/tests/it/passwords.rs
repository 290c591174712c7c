//! The rules for passwords, over a socket: PW-01 to PW-09, PW-15, PW-17, TK-11 of the requirements.

use std::time::{Duration, Instant};

use auth_testkit::part::ranges::{RangeMode, RangeServer, sha1};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::harness::{
    Answer, Api, PASSWORD, TestServer,
    parts::{POSTGRES, SECRET, database},
    process::{Process, run},
};

/// PW-06: what people choose when fifteen characters are asked for.
const COMMON: [&str; 20] = [
    "passwordpassword",
    "password password",
    "123456789012345",
    "1234567890123456",
    "qwertyuiopasdfghjkl",
    "1q2w3e4r5t6y7u8i",
    "1qaz2wsx3edc4rfv",
    "iloveyouiloveyou",
    "manchesterunited",
    "football-baseball",
    "liverpoolchelsea1",
    "abc123abc123abc123",
    "qwerty123456789",
    "SunshinePrincess2024!",
    "letmeinletmein123",
    "abcabcabcabcabc",
    "dragon_superman99",
    "Welcome123Welcome123",
    "michaeljennifer!!",
    "trustno1trustno1",
];

/// Asserts a 422 about one field, and gives its message.
#[track_caller]
fn weak(answer: &Answer, field: &str) -> String {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    let error = &answer.body["detail"][0];
    assert_eq!(error["loc"], json!(["body", field]), "{answer:?}");
    assert_eq!(error.get("input"), None, "a password is never repeated");
    error["msg"].as_str().expect("a message").to_owned()
}

async fn register(api: &Api, email: &str, password: &str) -> Answer {
    api.post("/api/auth/register", &json!({ "email": email, "password": password })).await
}

async fn change(api: &Api, token: &str, password: &str) -> Answer {
    let body = json!({ "current_password": PASSWORD, "new_password": password });
    api.send(Method::POST, "/api/auth/change-password", token, Some(&body)).await
}

async fn reset(api: &Api, token: &str, password: &str) -> Answer {
    api.post("/api/auth/reset-password", &json!({ "token": token, "new_password": password })).await
}

/// The token of a link that resets the password of `email`.
async fn reset_token(api: &Api, email: &str) -> String {
    api.post("/api/auth/forgot-password", &json!({ "email": email })).await.expect(StatusCode::OK);
    api.mailed_token(email, "/reset-password").await
}

/// PW-01, PW-06, PW-08, TK-11: on all three ways to a password, and a refusal uses no link up.
#[tokio::test]
async fn weak_passwords_are_refused_on_every_way_and_burn_no_link() {
    let server = TestServer::with(&[("BRANDING_NAME", "Moonlight Harbour")]).await;
    let email = "alice.wonderland@example.com";
    let tokens = server.signed_in(email).await;
    let link = reset_token(&server, email).await;
    let personal = ["alice.wonderland2026!!", "Moonlight-2026-Harbour!", "moonlightmoonlight!"];
    for password in
        COMMON.into_iter().chain(personal).chain(["Sh0rt!", "nouppercase1!", "aaaaaaaaaaaaaaaaaaaa"])
    {
        let answers = [
            weak(&register(&server, "alice.wonderland+2@example.com", password).await, "password"),
            weak(&change(&server, &tokens.access, password).await, "new_password"),
            weak(&reset(&server, &link, password).await, "new_password"),
        ];
        assert_eq!(answers[0], answers[1], "{password}");
        assert_eq!(answers[0], answers[2], "{password}");
        if COMMON.contains(&password) {
            assert_eq!(answers[0], "Value error, Password is too common", "{password}");
        }
    }
    reset(&server, &link, "An0ther&Zebra&Waltz").await.message("Password successfully reset");
    server.login(email, "An0ther&Zebra&Waltz").await.expect(StatusCode::OK);
}

/// PW-17: the present password is no new one.
#[tokio::test]
async fn the_present_password_is_refused_as_a_new_one() {
    let server = TestServer::start().await;
    let tokens = server.signed_in("ada@example.com").await;
    let told = weak(&change(&server, &tokens.access, PASSWORD).await, "new_password");
    assert_eq!(told, "Value error, New password must be different from current password");
    server.login("ada@example.com", PASSWORD).await.expect(StatusCode::OK);
}

/// A person whose password is `password`, and whether each other one is refused at login.
async fn only(server: &TestServer, email: &str, password: &str, others: &[String]) {
    register(server, email, password).await.expect(StatusCode::CREATED);
    let token = server.mailed_token(email, "/verify-email").await;
    server.post("/api/auth/verify-email", &json!({ "token": token })).await.expect(StatusCode::OK);
    for other in others {
        server.login(email, other).await.refused(401, "Incorrect email or password");
    }
    server.login(email, password).await.expect(StatusCode::OK);
}

/// `count` characters that no rule minds.
fn long(count: usize) -> String {
    (0_u32..).map(|n| char::from_u32(u32::from(b'a') + n * n % 25).expect("a letter")).take(count).collect()
}

/// PW-02, PW-03, PW-04: nothing is cut, folded or trimmed; length is counted in characters.
#[tokio::test]
async fn every_character_of_a_password_counts() {
    let server = TestServer::start().await;
    let base = long(72);
    only(&server, "byte73@example.com", &format!("{base}x"), &[format!("{base}y"), base.clone()]).await;
    only(&server, "chars64@example.com", &long(64), &[long(63), long(65)]).await;
    let (most, changed) = (long(256), format!("{}!", long(255)));
    only(&server, "chars256@example.com", &most, &[changed]).await;
    weak(&register(&server, "chars257@example.com", &long(257)).await, "password");
    let words = "violet gravel lantern";
    only(&server, "case@example.com", words, &["Violet gravel lantern".to_owned()]).await;
    only(&server, "space@example.com", &format!("{words} "), &[words.to_owned(), format!(" {words}")]).await;
    only(&server, "nul@example.com", &format!("{words}\0one"), &[format!("{words}\0two"), words.to_owned()])
        .await;
    // Seven characters of four bytes are seven.
    let told = weak(&register(&server, "emoji@example.com", "😀😃😄😁😆😅😂").await, "password");
    assert!(told.contains("at least 9 characters"), "{told}");
}

/// PW-09, PW-02: two spellings of one password are one, and count alike.
#[tokio::test]
async fn a_password_is_the_same_in_either_normal_form() {
    let server = TestServer::start().await;
    let (composed, decomposed) = ("caf\u{e9} sur la jet\u{e9}e", "cafe\u{301} sur la jete\u{301}e");
    only(&server, "ada@example.com", composed, &["cafe sur la jetee".to_owned()]).await;
    server.login("ada@example.com", decomposed).await.expect(StatusCode::OK);
    let short = "e\u{301}".repeat(8);
    assert!(short.chars().count() > 9);
    weak(&register(&server, "eve@example.com", &short).await, "password");
}

/// PW-15: a password is in no answer, no log and no file, however wrong the request was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_seen_nowhere() {
    const CANARY: &str = "Canary&Zw1tscher&Xylofon";
    let directory = TempDir::new().expect("a temporary directory");
    let server = block_in_place(|| Process::start(directory.path(), &[("LOG_LEVEL", "DEBUG")]));
    let api = Api::at(server.base());
    let mut answers = Vec::new();
    let email = "ada@example.com";
    answers.push(format!("{:?}", register(&api, email, CANARY).await.expect(StatusCode::CREATED)));
    let token = api.mailed_token(email, "/verify-email").await;
    api.post("/api/auth/verify-email", &json!({ "token": token })).await.expect(StatusCode::OK);
    let login = api.login(email, CANARY).await.expect(StatusCode::OK);
    let access = login.body["access_token"].as_str().expect("a token").to_owned();
    answers.push(format!("{login:?}"));
    let short = &CANARY[..8];
    for path in
        ["/api/auth/register", "/api/auth/login", "/api/auth/reset-password", "/api/auth/change-password"]
    {
        for body in [
            json!({ "email": "eve@example.com", "password": short, "new_password": short, "token": CANARY }),
            json!({ "email": "eve@example.com", "password": [CANARY], "new_password": { "a": CANARY } }),
            json!({ "email": "eve@example.com", "password": CANARY.repeat(20), "new_password": CANARY.repeat(20) }),
            json!({ "email": "not an address", "password": CANARY, "new_password": format!("{CANARY}\u{0}") }),
        ] {
            answers.push(format!("{:?}", api.send(Method::POST, path, &access, Some(&body)).await));
        }
        let good = format!(
            "{{\"email\":\"eve@example.com\",\"password\":\"{CANARY}\",\"new_password\":\"{CANARY}\""
        );
        for (body, kind) in [
            (good.clone(), "application/json"),
            (format!("{good}}}"), "text/plain"),
            (format!("{good},\"password\":\"{CANARY}\"}}"), "application/json"),
            (format!("password={CANARY}"), "application/x-www-form-urlencoded"),
        ] {
            let request = api.request(Method::POST, path).header("content-type", kind).body(body);
            answers.push(format!("{:?}", Answer::of(request.send().await).await));
        }
    }
    let wrong = json!({ "current_password": format!("{CANARY}?"), "new_password": format!("{CANARY}!new") });
    answers.push(format!(
        "{:?}",
        api.send(Method::POST, "/api/auth/change-password", &access, Some(&wrong)).await
    ));
    let needle = "Zw1tscher";
    assert!(answers.len() > 30 && !answers.iter().any(|answer| answer.contains(needle)), "{answers:#?}");
    let log = server.log();
    assert!(log.contains("/api/auth/register") || log.lines().count() > 10, "the log says nothing: {log}");
    assert!(!log.contains(needle) && !log.contains(short), "{log}");
    let mut files = 0;
    for entry in walk(directory.path()) {
        let bytes = std::fs::read(&entry).expect("a file");
        files += 1;
        for part in [needle, short] {
            assert!(
                !bytes.windows(part.len()).any(|window| window == part.as_bytes()),
                "{}",
                entry.display()
            );
        }
    }
    assert!(files >= 2, "the database is among them");
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

const BREACHED: &str = "Tr1umph&Marmalade";

fn asking(ranges: &RangeServer) -> Vec<(&'static str, String)> {
    vec![("PASSWORD_BREACH_CHECK_URL", ranges.url()), ("LOG_LEVEL", "DEBUG".to_owned())]
}

fn start(directory: &TempDir, settings: &[(&'static str, String)]) -> Process {
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    block_in_place(|| Process::start(directory.path(), &settings))
}

/// PW-07: what the service knows is refused on all three ways, and what it was asked for is in no log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn breached_passwords_are_refused_and_their_ranges_not_logged() {
    let (ranges, directory) =
        (RangeServer::start(&[BREACHED]), TempDir::new().expect("a temporary directory"));
    let server = start(&directory, &asking(&ranges));
    let api = Api::at(server.base());
    let tokens = api.signed_in("ada@example.com").await;
    let link = reset_token(&api, "ada@example.com").await;
    for told in [
        weak(&register(&api, "eve@example.com", BREACHED).await, "password"),
        weak(&change(&api, &tokens.access, BREACHED).await, "new_password"),
        weak(&reset(&api, &link, BREACHED).await, "new_password"),
    ] {
        assert_eq!(told, "Value error, Password is known from a data breach; choose another one");
    }
    reset(&api, &link, "An0ther&Zebra&Waltz").await.message("Password successfully reset");
    assert_eq!(ranges.questions().len(), 5, "once for each new password: {:?}", ranges.questions());
    // What the cheap rules refuse is not asked for.
    weak(&register(&api, "eve@example.com", "passwordpassword").await, "password");
    assert_eq!(ranges.questions().len(), 5);
    let log = server.log();
    for password in [BREACHED, PASSWORD] {
        let digest = sha1(password);
        assert!(!log.contains(&digest[..5]) && !log.contains(&digest[5..]), "{log}");
    }
}

/// PW-07: a service that takes every question and answers none keeps nobody from an account, and soon costs
/// nobody its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole_delays_a_registration_by_less_than_two_seconds() {
    let (ranges, directory) =
        (RangeServer::start(&[BREACHED]), TempDir::new().expect("a temporary directory"));
    ranges.set(RangeMode::Silent);
    let server = start(&directory, &asking(&ranges));
    let api = Api::at(server.base());
    let mut times = Vec::new();
    for number in 0..6 {
        let begun = Instant::now();
        register(&api, &format!("ada{number}@example.com"), BREACHED).await.expect(StatusCode::CREATED);
        times.push(begun.elapsed());
    }
    eprintln!("registrations with a silent service: {times:?}");
    assert!(times.iter().all(|&time| time < Duration::from_secs(2)), "{times:?}");
    assert!(times[3..].iter().all(|&time| time < Duration::from_millis(700)), "it is left alone: {times:?}");
    assert_eq!(ranges.questions().len(), 3);
    let log = server.log();
    assert!(log.contains("breached passwords cannot be looked up"), "{log}");
    let database = std::fs::read(directory.path().join("data/auth.sqlite3")).expect("the database");
    let journal = std::fs::read(directory.path().join("data/auth.sqlite3-wal")).unwrap_or_default();
    let skipped = "password.breach_check_skipped";
    let written = [database, journal].concat();
    assert!(
        written.windows(skipped.len()).any(|window| window == skipped.as_bytes()),
        "not in the audit log"
    );
}

/// The same from a file, without any service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_breached_passwords_works_without_a_service() {
    let directory = TempDir::new().expect("a temporary directory");
    let mut digests: Vec<String> = ["hunter2", BREACHED, "letmein"].into_iter().map(sha1).collect();
    digests.sort();
    let path = directory.path().join("breached.txt");
    std::fs::write(&path, digests.join(":9\r\n") + ":9\r\n").expect("a file");
    let server = start(&directory, &[("PASSWORD_BREACH_FILE", path.to_str().expect("a path").to_owned())]);
    let api = Api::at(server.base());
    weak(&register(&api, "ada@example.com", BREACHED).await, "password");
    register(&api, "ada@example.com", PASSWORD).await.expect(StatusCode::CREATED);
}

/// The rules have no say at login: whoever has an old password goes on with it.
#[tokio::test]
async fn a_login_asks_for_the_password_and_not_for_its_strength() {
    let server = TestServer::start().await;
    server.signed_in("ada@example.com").await;
    for password in ["short", "passwordpassword"] {
        let answer = server.login("ada@example.com", password).await;
        assert_eq!(
            (answer.status, &answer.body["detail"]),
            (StatusCode::UNAUTHORIZED, &Value::from("Incorrect email or password"))
        );
    }
}

/// PW-13: a hash of other parameters is made anew at the next login, and nothing else changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_hashes_anew_what_was_hashed_otherwise() {
    const IMPORTED: &str =
        "$argon2id$v=19$m=65536,t=3,p=4$811c/n6FN5vtJSLyubE7/g$KSh3Tu8XRme/J9s8V0wBRc09zRVd1wprMT7oa+vyUGw";
    let (database, directory) = (database(), TempDir::new().expect("a temporary directory"));
    let settings = [("DATABASE_URL", database.as_str()), ("SECRET_KEY", SECRET)];
    let server = block_in_place(|| {
        assert!(run(&["migrate"], &settings).status.success());
        Process::start(directory.path(), &settings)
    });
    let api = Api::at(server.base());
    api.signed_in("ada@example.com").await;
    let name = database.rsplit('/').next().expect("the name of a database");
    let sql = |text: &str| block_in_place(|| POSTGRES.sql(name, text));
    sql(&format!("UPDATE users SET password_hash = '{IMPORTED}'"));
    let rest = "SELECT u.id, u.email, u.status, u.superuser, u.email_verified, u.created_at FROM users u";
    let (before, sessions) = (sql(rest), sql("SELECT count(*) FROM sessions"));
    api.login("ada@example.com", "Correct-Horse-7?").await.refused(401, "Incorrect email or password");
    assert_eq!(sql("SELECT password_hash FROM users"), IMPORTED, "a wrong password changes nothing");
    api.login("ada@example.com", "Correct-Horse-7!").await.expect(StatusCode::OK);
    let hash = sql("SELECT password_hash FROM users");
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!((sql(rest), sessions.as_str()), (before, "1"));
    assert_eq!(sql("SELECT count(*) FROM sessions"), "2");
    api.login("ada@example.com", "Correct-Horse-7!").await.expect(StatusCode::OK);
    assert_eq!(sql("SELECT password_hash FROM users"), hash, "once is enough");
}
