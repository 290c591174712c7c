//! The audit log as an operator, an intruder and its subjects see it: over HTTP, at the command line, and as
//! the owner of the tables.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::{Duration, Instant},
};

use auth_domain::{
    audit::{AuditEvent, AuditRecord, ChainHead, Salt, StoredRow, time_text},
    client::Client,
};
use auth_testkit::builder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Api, PASSWORD, TestServer,
    parts::{POSTGRES, SECRET, database},
    process::{Process, run},
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An installation on PostgreSQL, whose tables the test owns.
struct Site {
    directory: TempDir,
    url: String,
    database: String,
}

impl Site {
    fn new() -> Self {
        let url = database();
        let database = url.rsplit('/').next().and_then(|name| name.split('?').next()).unwrap_or_default();
        Self { directory: TempDir::new().expect("a temporary directory"), database: database.to_owned(), url }
    }

    fn settings(&self) -> [(&str, &str); 3] {
        [("SECRET_KEY", SECRET), ("PUBLIC_URL", "http://auth.test"), ("DATABASE_URL", &self.url)]
    }

    fn server(&self) -> Process {
        let migrated = run(&["migrate"], &self.settings());
        assert!(migrated.status.success(), "{}", text(&migrated.stderr));
        Process::start(self.directory.path(), &self.settings())
    }

    fn audit(&self, words: &[&str]) -> Output {
        let words: Vec<&str> = std::iter::once("audit").chain(words.iter().copied()).collect();
        run(&words, &self.settings())
    }

    /// What the owner of the tables can do.
    fn sql(&self, statements: &str) -> String {
        POSTGRES.sql(&self.database, statements)
    }

    /// The same, past the rules that keep the log.
    fn tamper(&self, statements: &str) {
        let tables = ["audit_events", "audit_chain", "audit_checkpoints"];
        let all =
            |what: &str| tables.map(|table| format!("ALTER TABLE {table} {what} TRIGGER ALL;")).concat();
        self.sql(&format!("{} {statements}; {}", all("DISABLE"), all("ENABLE")));
    }

    fn export(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        let done = self.audit(&["export", path.to_str().expect("a printable path")]);
        assert!(done.status.success(), "{}", text(&done.stderr));
        path
    }

    /// What the check of the database prints, and whether it is content.
    fn verify(&self) -> (bool, String) {
        let done = self.audit(&["verify"]);
        (done.status.success(), text(&done.stdout) + &text(&done.stderr))
    }

    fn key(&self) -> String {
        text(&self.audit(&["key"]).stdout).trim().to_owned()
    }

    /// Both ways to check find this in the entry of this position in the log, and nothing else in another.
    fn assert_found(&self, seq: &str, what: &str) {
        let (is_good, said) = self.verify();
        assert!(!is_good && said.contains(&format!("seq {seq}: {what}")), "{said}");
        let export = self.export(&format!("{}.ndjson", what.replace(' ', "-")));
        let (is_good, offline) = offline(&export, &self.key());
        assert!(!is_good && offline.contains(&format!("seq {seq}: {what}")), "{offline}");
        for said in [said, offline] {
            assert_eq!(
                said.matches("position ").count() - said.matches("from position ").count(),
                1,
                "{said}"
            );
        }
    }
}

/// Checks an export where neither the database nor the secret is known.
fn offline(export: &Path, key: &str) -> (bool, String) {
    let done = run(&["audit", "verify", export.to_str().expect("a printable path"), "--key", key], &[]);
    (done.status.success(), text(&done.stdout) + &text(&done.stderr))
}

/// A story with some entries, and its server stopped in order.
async fn told() -> Site {
    let site = Site::new();
    let mut server = tokio::task::block_in_place(|| site.server());
    let api = Api::at(server.base());
    api.signed_in("ada@example.com").await;
    for _ in 0..3 {
        api.login("ada@example.com", "Wrong&Passw0rd").await.refused(401, "Incorrect email or password");
    }
    assert!(tokio::task::block_in_place(|| server.stop()).success());
    site
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_log_is_proved_with_and_without_the_database() {
    let site = told().await;
    tokio::task::block_in_place(|| {
        let (is_good, said) = site.verify();
        assert!(is_good && said.contains("0 entries wait to be chained"), "{said}");
        assert!(!said.contains("not signed yet"), "a server that stops in order signs the end: {said}");
        let export = site.export("export.ndjson");
        let (is_good, said) = offline(&export, &site.key());
        assert!(is_good && !said.contains("warning"), "{said}");
        // Without a key the export vouches for itself, and the command says so.
        let done = run(&["audit", "verify", export.to_str().expect("a printable path")], &[]);
        assert!(done.status.success() && text(&done.stderr).contains("vouches for itself"));
        let other = "11".repeat(32);
        let (is_good, said) = offline(&export, &other);
        assert!(!is_good && said.contains("signed by a key that is not known"), "{said}");
        // Taking the copy left a trace.
        let tail = text(&site.audit(&["tail", "--event", "admin.audit_exported", "--json"]).stdout);
        let entry: Value = serde_json::from_str(tail.lines().next().expect("an entry")).expect("JSON");
        assert_eq!(entry["event"], "admin.audit_exported");
        let tail = text(&site.audit(&["tail", "-n", "1", "--event", "login.fail"]).stdout);
        assert!(tail.contains("login.fail failure") && tail.lines().count() == 1, "{tail}");
        // Nothing that names a person is in it.
        assert!(!fs::read_to_string(&export).expect("an export").contains("ada@example.com"));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_changes_or_deletes_an_entry_is_found() {
    let site = told().await;
    tokio::task::block_in_place(|| {
        let seq = site.sql("SELECT min(seq) FROM audit_events WHERE event = 'login.fail'");
        let seq = seq.trim();
        for change in
            ["event = 'login.ok'", "at = at + interval '1 second'", "details = '[]'", "outcome = 'success'"]
        {
            site.sql(&format!("CREATE TABLE kept AS SELECT * FROM audit_events WHERE seq = {seq}"));
            site.tamper(&format!("UPDATE audit_events SET {change} WHERE seq = {seq}"));
            let (is_good, said) = site.verify();
            assert!(
                !is_good && said.contains(&format!("seq {seq}: the entry was changed")),
                "{change}: {said}"
            );
            site.tamper(
                "UPDATE audit_events e SET event = k.event, at = k.at, details = k.details, outcome = k.outcome
                 FROM kept k WHERE e.seq = k.seq",
            );
            site.sql("DROP TABLE kept");
            assert!(site.verify().0, "as it was");
        }
        site.tamper(&format!("UPDATE audit_events SET ip = '203.0.113.9' WHERE seq = {seq}"));
        let (is_good, said) = site.verify();
        assert!(!is_good && said.contains(&format!("seq {seq}: ")), "{said}");
        site.tamper(&format!("UPDATE audit_events SET ip = '127.0.0.1', tenant = 'x' WHERE seq = {seq}"));
        site.assert_found(seq, "the entry was changed");
        site.tamper(&format!("DELETE FROM audit_events WHERE seq = {seq}"));
        site.assert_found(seq, "the entry was deleted");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_swaps_entries_or_cuts_the_end_is_found() {
    let site = told().await;
    tokio::task::block_in_place(|| {
        let whole = site.export("whole.ndjson");
        site.tamper(
            "UPDATE audit_events a SET event = b.event, at = b.at, details = b.details, outcome = b.outcome
             FROM audit_events b WHERE (a.seq, b.seq) IN ((1, 2), (2, 1))",
        );
        let (is_good, said) = site.verify();
        let both = ["seq 1: the entry was changed", "seq 2: the entry was changed"];
        assert!(!is_good && both.iter().all(|line| said.contains(line)), "{said}");
        site.tamper(
            "UPDATE audit_events a SET event = b.event, at = b.at, details = b.details, outcome = b.outcome
             FROM audit_events b WHERE (a.seq, b.seq) IN ((1, 2), (2, 1))",
        );
        assert!(site.verify().0, "as it was");
        // The end goes, entries and links.
        site.tamper("DELETE FROM audit_events WHERE seq IN (SELECT seq FROM audit_chain ORDER BY position DESC LIMIT 2);
             DELETE FROM audit_chain WHERE position > (SELECT max(position) - 2 FROM audit_chain)");
        let (is_good, said) = site.verify();
        assert!(!is_good && said.contains("the chain ends before what checkpoint"), "{said}");
        // With the checkpoints, too: only the copy of the last one, kept elsewhere, tells.
        let lines = fs::read_to_string(&whole).expect("an export");
        let last = lines.lines().rfind(|line| line.contains("\"checkpoint\"")).expect("a checkpoint");
        let last: Value = serde_json::from_str(last).expect("JSON");
        site.tamper("DELETE FROM audit_checkpoints WHERE position > (SELECT max(position) FROM audit_chain)");
        let through = format!("{}:{}", last["position"], last["hash"].as_str().expect("a hash"));
        let done = site.audit(&["verify", "--through", &through]);
        assert!(!done.status.success(), "{}", text(&done.stdout));
        assert!(text(&done.stdout).contains("does not have the hash"), "{}", text(&done.stdout));
        let (is_good, said) = offline(&whole, &site.key());
        assert!(is_good, "{said}");
    });
}

/// A row that fits behind `last`, and never happened.
fn appended(last: &str) -> String {
    let mut row: Value = serde_json::from_str(last).expect("JSON");
    let hash = row["hash"].as_str().and_then(|hash| hash.parse().ok()).expect("a hash");
    let number = |name: &str| row[name].as_i64().expect("a number");
    let (position, seq) = (number("position"), number("seq") + 1);
    let record = builder::audit(AuditEvent::LoginOk, builder::noon());
    let record = AuditRecord { client: Client::default(), ..record };
    let stored = StoredRow::of(seq, &record);
    let link = ChainHead { position, hash }.link(&stored, Salt::from_bytes([0; 16]));
    let entry = row["entry"].as_object_mut().expect("an entry");
    for name in ["actor_id", "subject_id", "session_id", "ip_address", "user_agent", "request_id"] {
        entry[name] = Value::Null;
    }
    entry["seq"] = seq.into();
    entry["at"] = time_text(stored.at).into();
    entry["event"] = stored.event.into();
    entry["outcome"] = stored.outcome.into();
    entry["actor_id"] = stored.actor.into();
    entry["subject_id"] = stored.subject.into();
    entry["details"] = json!(stored.details);
    row["position"] = link.position.into();
    row["seq"] = seq.into();
    row["hash"] = link.hash.to_string().into();
    row["client"] = Value::Null;
    row["salt"] = Value::Null;
    row.to_string()
}

/// Whoever owns the tables can compute the links anew. The server puts no signature under them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_not_sign_a_chain_that_does_not_fit_its_checkpoints() {
    let site = told().await;
    tokio::task::block_in_place(|| {
        site.tamper(
            "UPDATE audit_chain SET hash = decode(repeat('ab', 32), 'hex')
             WHERE position = (SELECT max(position) FROM audit_checkpoints)",
        );
        let signed = || site.sql("SELECT count(*) FROM audit_checkpoints");
        let before = signed();
        let mut server = site.server();
        let begun = Instant::now();
        while !server.log().contains("audit log neither signed nor pruned") {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(server.stop().success(), "the last thing a process does is to sign, or not to");
        assert_eq!(signed(), before);
        // A copy is wanted all the more.
        let path = site.directory.path().join("evidence.ndjson");
        let done = site.audit(&["export", path.to_str().expect("a printable path")]);
        assert!(done.status.success() && text(&done.stderr).contains("is not signed"), "{done:?}");
        let (is_good, said) = offline(&path, &site.key());
        assert!(!is_good && said.contains("the chain is not the one that checkpoint"), "{said}");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tampered_export_is_found_offline() {
    let site = told().await;
    tokio::task::block_in_place(|| {
        let (export, key) = (site.export("export.ndjson"), site.key());
        let lines: Vec<String> =
            fs::read_to_string(&export).expect("an export").lines().map(Into::into).collect();
        let row = lines.iter().position(|line| line.contains("login.fail")).expect("an entry");
        let copy = site.directory.path().join("copy.ndjson");
        let check = |lines: &[String]| {
            fs::write(&copy, lines.join("\n")).expect("a copy");
            offline(&copy, &key)
        };
        assert!(check(&lines).0);
        let mut changed = lines.clone();
        changed[row] = changed[row].replace("login.fail", "login.ok");
        let (is_good, said) = check(&changed);
        assert!(!is_good && said.contains("the entry was changed"), "{said}");
        let mut shorter = lines.clone();
        shorter.remove(row);
        let (is_good, said) = check(&shorter);
        assert!(!is_good && said.contains("links of the chain are missing"), "{said}");
        let mut swapped = lines.clone();
        swapped.swap(row, row + 1);
        assert!(!check(&swapped).0);
        assert!(!check(&lines[..lines.len() - 1]).0, "the end is missing");
        let (is_good, said) = check(&lines[1..]);
        assert!(!is_good && said.contains("does not begin with a header"), "{said}");
        // Behind the last checkpoint, and without any: nothing that a stranger can compute is believed.
        let mut longer = lines.clone();
        longer.push(appended(lines.last().expect("an entry")));
        let (is_good, said) = check(&longer);
        assert!(!is_good && said.contains("no checkpoint is signed"), "{said}");
        let unsigned: Vec<String> =
            lines.iter().filter(|line| !line.contains("\"signature\"")).cloned().collect();
        let (is_good, said) = check(&unsigned);
        assert!(!is_good && said.contains("position 1: no checkpoint is signed"), "{said}");
        let mut resigned = lines;
        let at = resigned.iter().position(|line| line.contains("\"signature\"")).expect("a checkpoint");
        let mut forged: Value = serde_json::from_str(&resigned[at]).expect("JSON");
        forged["signature"] = "00".repeat(64).into();
        resigned[at] = forged.to_string();
        let (is_good, said) = check(&resigned);
        assert!(!is_good && said.contains("the signature of checkpoint"), "{said}");
    });
}

/// Old entries go, old addresses shrink, and the rest is still proved. The entries become old by the owner's
/// hand, before they are chained.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_leaves_is_proved() {
    let site = Site::new();
    let insert = |count: u32, days: u32| {
        format!(
            "INSERT INTO audit_events (at, tenant, event, outcome, subject, ip, user_agent, details)
             SELECT now() - interval '{days} days', 'default', 'login.ok', 'success', 7, '203.0.113.77', 'Firefox',
                 '[]' FROM generate_series(1, {count})"
        )
    };
    tokio::task::block_in_place(|| {
        assert!(run(&["migrate"], &site.settings()).status.success());
        site.sql(&insert(700, 400));
        site.sql(&insert(5, 100));
        site.sql(&insert(3, 10));
        let _ = site.export("before.ndjson"); // chains all that is there
        assert!(site.verify().0);
        let mut server = site.server();
        let begun = Instant::now();
        let old = "SELECT count(*) FROM audit_events WHERE at < now() - interval '365 days'";
        // The server's log carries every checkpoint, also those of prunings.
        while site.sql(old).trim() != "0" || !server.log().contains("\"pruned\"") {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "old entries stay, or nobody is told that they went"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        let shortened = "SELECT count(*) FROM audit_events WHERE ip = '203.0.113.0' AND user_agent IS NULL";
        assert_eq!(site.sql(shortened).trim(), "5");
        assert_eq!(site.sql("SELECT count(*) FROM audit_events WHERE ip = '203.0.113.77'").trim(), "3");
        assert!(server.stop().success());
        let (is_good, said) = site.verify();
        assert!(is_good && said.contains("from position 701 "), "{said}");
        assert!(said.contains("5 of the entries are so old"), "{said}");
        let (is_good, said) = offline(&site.export("after.ndjson"), &site.key());
        assert!(is_good, "{said}");
        // A shortened address that is changed is found as well.
        let seq = site.sql("SELECT min(seq) FROM audit_events WHERE ip = '203.0.113.0'");
        site.tamper(&format!("UPDATE audit_events SET ip = '203.0.113.5' WHERE seq = {}", seq.trim()));
        site.assert_found(seq.trim(), "the address or the device of the entry was changed");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_some_days_is_proved_by_itself() {
    let site = told().await;
    tokio::task::block_in_place(|| {
        let path = site.directory.path().join("part.ndjson");
        let path = path.to_str().expect("a printable path");
        let since = site.sql(
            "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM audit_events
             WHERE event = 'login.ok' ORDER BY seq LIMIT 1",
        );
        let done = site.audit(&["export", "--since", since.trim(), path]);
        assert!(done.status.success(), "{}", text(&done.stderr));
        let (is_good, said) = offline(Path::new(path), &site.key());
        assert!(is_good && !said.contains("from position 1 "), "{said}");
        let lines = fs::read_to_string(path).expect("an export");
        assert!(!lines.contains("\"register\"") && lines.contains("\"login.ok\""), "{lines}");
        let again = site.audit(&["export", path]);
        assert!(!again.status.success(), "a file that exists is not overwritten");
    });
}

/// AU-01: everything that happened is there, in order, with who, what, from where and how it ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_story_leaves_the_events_it_should() {
    let site = Site::new();
    let mut server = tokio::task::block_in_place(|| site.server());
    let api = Api::at(server.base());
    let tokens = api.signed_in("ada@example.com").await;
    api.login("ada@example.com", "Wrong&Passw0rd").await.refused(401, "Incorrect email or password");
    api.login("eve@example.com", PASSWORD).await.refused(401, "Incorrect email or password");
    let refreshed = api.post("/api/auth/refresh", &json!({"refresh_token": tokens.refresh})).await;
    let refreshed = refreshed.expect(StatusCode::OK);
    api.post("/api/auth/forgot-password", &json!({"email": "ada@example.com"})).await.expect(StatusCode::OK);
    let access = refreshed.body["access_token"].as_str().expect("a token").to_owned();
    for _ in 0..20 {
        assert_eq!(api.get("/api/auth/me", "no.such.token").await.status, StatusCode::UNAUTHORIZED);
    }
    let body = json!({"full_name": "Ada"});
    api.send(Method::PATCH, "/api/auth/me", &access, Some(&body)).await.expect(StatusCode::OK);
    let body = json!({"refresh_token": refreshed.body["refresh_token"]});
    api.send(Method::POST, "/api/auth/logout", &access, Some(&body)).await.expect(StatusCode::OK);
    assert_eq!(api.get("/api/auth/me", &access).await.status, StatusCode::UNAUTHORIZED);
    tokio::task::block_in_place(|| {
        assert!(server.stop().success());
        let tail = text(&site.audit(&["tail", "--json", "-n", "100"]).stdout);
        let entries: Vec<Value> =
            tail.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let names = |entry: &Value| {
            let reason = entry["details"].as_array().expect("pairs").iter().find(|pair| pair[0] == "reason");
            let reason = reason.map_or(String::new(), |pair| format!(" {}", pair[1].as_str().expect("text")));
            format!(
                "{} {}{reason}",
                entry["event"].as_str().expect("text"),
                entry["outcome"].as_str().expect("text")
            )
        };
        let told: Vec<String> = entries.iter().map(names).collect();
        let refusals: BTreeSet<&str> =
            told.iter().map(String::as_str).filter(|name| name.starts_with("token.invalid")).collect();
        assert_eq!(
            refusals,
            BTreeSet::from(["token.invalid failure malformed", "token.invalid failure session_ended"])
        );
        let story: Vec<&str> =
            told.iter().map(String::as_str).filter(|name| !name.starts_with("token.invalid")).collect();
        assert_eq!(
            story,
            [
                "key.rotated success",
                "config.loaded success",
                "register success",
                "email.verified success",
                "login.ok success",
                "login.fail failure wrong_password",
                "login.fail failure unknown_address",
                "refresh.ok success",
                "password.reset_requested success",
                "profile.changed success",
                "logout success",
            ]
        );
        let malformed = entries.iter().find(|entry| names(entry).ends_with("malformed")).expect("an entry");
        let count = malformed["details"].as_array().expect("pairs").iter().find(|pair| pair[0] == "count");
        assert_eq!(count.expect("a count")[1], "20", "one entry, however many");
        for entry in entries.iter().filter(|entry| entry["event"] == "login.ok") {
            assert!(entry["subject_id"].is_i64() && entry["session_id"].is_i64(), "{entry}");
            assert!(entry["ip_address"] == "127.0.0.1" && entry["request_id"].is_string(), "{entry}");
        }
        let loaded = &entries[1]["details"];
        assert!(
            loaded.to_string().contains("SECRET_KEY") && !loaded.to_string().contains(SECRET),
            "{loaded}"
        );
    });
}

fn events(page: &Value) -> Vec<&str> {
    page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["event"].as_str().expect("text"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_see_what_happened_to_them_and_to_nobody_else() {
    let server = TestServer::start().await;
    let ada = server.signed_in("ada@example.com").await;
    let eve = server.signed_in("eve@example.com").await;
    server.login("ada@example.com", "Wrong&Passw0rd").await.refused(401, "Incorrect email or password");
    let path = "/api/auth/me/activity";
    let all = server.get(path, &ada.access).await.expect(StatusCode::OK).body;
    assert_eq!(events(&all), ["login.fail", "login.ok", "email.verified", "register"]);
    assert_eq!(all["next_cursor"], Value::Null);
    let me = server.get("/api/auth/me", &ada.access).await.expect(StatusCode::OK).body["id"].clone();
    for item in all["items"].as_array().expect("items") {
        assert_eq!(item["subject_id"], me, "{item}");
        assert_eq!(item["details"].get("reason"), None, "why a login failed is for operators: {item}");
    }
    let failed = &all["items"][0];
    assert_eq!((&failed["outcome"], &failed["actor_id"]), (&json!("failure"), &Value::Null));
    assert_eq!((&failed["ip_address"], &all["items"][1]["actor_id"]), (&json!("127.0.0.1"), &me));

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("{path}?limit=3&cursor={cursor}"), &ada.access).await;
        let page = page.expect(StatusCode::OK).body;
        seen.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(json!(seen), all["items"]);

    // A cursor of somebody else, or a changed one, is none.
    let first = server.get(&format!("{path}?limit=1"), &ada.access).await.expect(StatusCode::OK).body;
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let changed = format!("{}{}", if cursor.starts_with('A') { "B" } else { "A" }, &cursor[1..]);
    let wrong: [(&str, &str); 4] = [
        (&ada.access, &changed),
        (&ada.access, "x"),
        (&eve.access, cursor),
        (&ada.access, &cursor[..cursor.len() - 2]),
    ];
    for (token, cursor) in wrong {
        let refused = server.get(&format!("{path}?cursor={cursor}"), token).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{cursor}");
    }
    for limit in ["0", "101", "-1", "x", "1e9", "9223372036854775808", "NaN"] {
        let refused = server.get(&format!("{path}?limit={limit}"), &ada.access).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{limit}");
    }
    let others = server.get(path, &eve.access).await.expect(StatusCode::OK).body;
    assert_eq!(events(&others), ["login.ok", "email.verified", "register"]);
    assert_eq!(server.request(Method::GET, path).send().await.expect("an answer").status(), 401);
}

/// How long it takes to chain ten thousand entries; printed, and bounded far above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_entries_are_chained_in_seconds() {
    use std::sync::Arc;

    use auth_domain::{port::Store, usecase::Policy};
    use auth_postgres::{PostgresConfig, PostgresStore};
    use auth_sqlite::{SqliteConfig, SqliteStore};
    use auth_testkit::fake::TestEngine;

    let directory = TempDir::new().expect("a temporary directory");
    let sqlite = SqliteStore::open(SqliteConfig::file(directory.path().join("a.sqlite3"))).expect("a store");
    sqlite.migrate().await.expect("a schema");
    let config = PostgresConfig::from_url(&database()).expect("an address");
    let postgres = PostgresStore::open(&config).expect("a store");
    postgres.migrate().await.expect("a schema");
    let stores: [(&str, Arc<dyn Store>); 2] =
        [("sqlite", Arc::new(sqlite)), ("postgres", Arc::new(postgres))];
    for (name, store) in stores {
        let mut tx = store.begin().await.expect("a transaction");
        for number in 0..10_000 {
            let record =
                builder::audit(AuditEvent::LoginOk, builder::noon()).with("number", number.to_string());
            tx.audit().append(&record).await.expect("the store works");
        }
        tx.commit().await.expect("a commit");
        let trail = TestEngine::new(store, Policy::default()).engine.trail;
        let begun = Instant::now();
        while trail.chain().await.expect("the store works").is_unfinished {}
        let chained = begun.elapsed();
        trail.checkpoint().await.expect("the store works").expect("a checkpoint");
        let begun = Instant::now();
        let report = trail.check(None, |_| {}).await.expect("the store works");
        eprintln!(
            "{name}: chained in {} ms, checked in {} ms",
            chained.as_millis(),
            begun.elapsed().as_millis()
        );
        assert!(report.is_good() && report.good_rows == 10_000, "{report:?}");
        assert!(chained < Duration::from_secs(30), "{name}: {chained:?}");
    }
}
