//! People move in from the service before this one and from files, and out again.

mod file;
mod old;
mod person;

use std::{path::Path, process::Output};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::block_in_place;

use self::old::{Expected, OLD_PASSWORD, Old, rows};
use crate::{
    factors::App,
    harness::{
        Answer, Api,
        parts::{SECRET, database},
        process::{Process, run},
    },
};

/// An installation that is not running yet.
struct Home {
    directory: TempDir,
    database: String,
}

impl Home {
    fn on_sqlite() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let database = format!("sqlite://{}", directory.path().join("auth.sqlite3").display());
        Self { directory, database }
    }

    fn on_postgres() -> Self {
        let home = Self { directory: TempDir::new().expect("a temporary directory"), database: database() };
        home.done(&["migrate"]);
        home
    }

    fn settings(&self) -> [(&str, &str); 4] {
        let public = ("PUBLIC_URL", "http://auth.test");
        [("DATABASE_URL", &self.database), ("SECRET_KEY", SECRET), ("TENANTS", "default,web"), public]
    }

    fn run(&self, words: &[&str]) -> Output {
        block_in_place(|| run(words, &self.settings()))
    }

    /// What a command prints that succeeds.
    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// What a command says that does not.
    fn failed(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(!output.status.success(), "{words:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.done(words)).expect("JSON")
    }

    fn serve(&self) -> Process {
        block_in_place(|| Process::start(self.directory.path(), &self.settings()))
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().expect("a printable path").to_owned()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn write(path: &str, content: &str) {
    std::fs::write(Path::new(path), content).expect("a file");
}

async fn login_with(api: &Api, email: &str, code: &str) -> Answer {
    let body = json!({"email": email, "password": OLD_PASSWORD, "totp_code": code});
    api.post("/api/auth/login", &body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_service_moves_to_sqlite() {
    an_evening(&Home::on_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_service_moves_to_postgres() {
    an_evening(&Home::on_postgres()).await;
}

/// Dry run, import, import again, and everybody signs in as before.
#[expect(clippy::print_stderr, reason = "tells how long it took, however many they are")]
async fn an_evening(home: &Home) {
    let (rows, old) = (rows(), block_in_place(|| Old::grown(rows())));
    let expected = Expected::of(rows);
    let words = ["import", "python", "--from", &old.url, "--json"];
    let dry = home.json(&[&words[..], &["--dry-run"]].concat());
    compare(&dry[0], &expected, rows, expected.added, 0);
    let begun = std::time::Instant::now();
    let done = home.json(&words);
    eprintln!("{rows} users taken over in {:?}", begun.elapsed());
    compare(&done[0], &expected, rows, expected.added, 0);
    let again = home.json(&words);
    compare(&again[0], &Expected { changed: [].into(), ..Expected::of(rows) }, rows, 0, expected.added);
    assert_eq!(old.sql("SELECT count(*) FROM users"), rows.to_string(), "nothing changed there");

    let server = home.serve();
    let api = Api::at(server.base());
    passwords_work(&api).await;
    factors_work(&api).await;
    what_was_lost_can_be_had_again(&api).await;
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

fn compare(report: &Value, expected: &Expected, found: u64, added: u64, present: u64) {
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(report["found"], found);
    assert_eq!((&report["taken_over"], &report["here_already"]), (&json!(added), &json!(present)));
    assert_eq!(report["left_out"], json!(expected.left_out));
    assert_eq!(report["changed"], json!(expected.changed));
    let named = expected.left_out.values().sum::<u64>() + expected.changed.values().sum::<u64>();
    assert_eq!(findings.len() as u64, named, "everybody is named");
    let text = report.to_string();
    for secret in ["@example", "$argon2", "$2b$", "md5$", old::SECRET] {
        assert!(!text.contains(secret), "{secret}");
    }
}

async fn passwords_work(api: &Api) {
    for id in [2, 3, 7, 8, 57] {
        let email = format!("user{id}@example.com");
        let tokens = api.login(&email, OLD_PASSWORD).await.tokens();
        let me = api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
        assert_eq!((&me.body["id"], &me.body["email"]), (&json!(id), &json!(email)));
        api.login(&email, OLD_PASSWORD).await.expect(StatusCode::OK);
        api.login(&email, "Correct-Horse-8!").await.refused(401, "Incorrect email or password");
    }
    for stopped in [4, 5] {
        let email = format!("user{stopped}@example.com");
        api.login(&email, OLD_PASSWORD).await.refused(401, "Incorrect email or password");
    }
    api.login("user22@example.com", OLD_PASSWORD).await.refused(403, "email_not_verified");
    for handed_out in [26, 36] {
        let entered = api.login(&format!("user{handed_out}@example.com"), OLD_PASSWORD).await;
        assert_eq!(entered.expect(StatusCode::OK).body["password_change_required"], true, "{handed_out}");
    }
}

async fn factors_work(api: &Api) {
    let mut app = App::scan(old::SECRET);
    let email = "user6@example.com";
    api.login(email, OLD_PASSWORD).await.refused(400, "TOTP code required");
    login_with(api, email, &app.wrong_code()).await.refused(400, "Invalid MFA code");
    login_with(api, email, &app.code()).await.expect(StatusCode::OK);
    let email = "user28@example.com";
    api.login(email, OLD_PASSWORD).await.refused(400, "SMS code required");
    let texts = api.messages("+12125550000").await;
    let code: String = texts[0].chars().filter(char::is_ascii_digit).take(6).collect();
    login_with(api, email, &code).await.expect(StatusCode::OK);
    for mailed in [29, 31, 32] {
        let email = format!("user{mailed}@example.com");
        api.login(&email, OLD_PASSWORD).await.refused(400, "Email code required");
    }
}

/// Whose password could not be taken over gets another one by mail.
async fn what_was_lost_can_be_had_again(api: &Api) {
    for id in [14, 114] {
        let email = format!("user{id}@example.com");
        api.login(&email, OLD_PASSWORD).await.refused(401, "Incorrect email or password");
        api.post("/api/auth/forgot-password", &json!({"email": email})).await.expect(StatusCode::OK);
        let token = api.mailed_token(&email, "/reset-password").await;
        let body = json!({"token": token, "new_password": "An0ther&Zebra&1"});
        api.post("/api/auth/reset-password", &body).await.expect(StatusCode::OK);
        api.login(&email, "An0ther&Zebra&1").await.expect(StatusCode::OK);
    }
}

/// What happened here counts more than what was there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_here_stays_as_they_are() {
    let (home, old) = (Home::on_sqlite(), block_in_place(|| Old::grown(40)));
    let words = ["import", "python", "--from", &old.url, "--json"];
    home.done(&["users", "create", "user9@example.com"]);
    let first = home.json(&words);
    assert_eq!(first[0]["left_out"]["address_taken"], 1, "{first}");
    let mut server = home.serve();
    let api = Api::at(server.base());
    let ada = api.login("user2@example.com", OLD_PASSWORD).await.tokens();
    let change = json!({"current_password": OLD_PASSWORD, "new_password": "An0ther&Zebra&1"});
    let changed =
        api.send(reqwest::Method::POST, "/api/auth/change-password", &ada.access, Some(&change)).await;
    changed.expect(StatusCode::OK);
    let again = home.json(&words); // while the server runs
    assert_eq!(again[0]["taken_over"], 0);
    api.login("user2@example.com", "An0ther&Zebra&1").await.expect(StatusCode::OK);
    api.login("user2@example.com", OLD_PASSWORD).await.refused(401, "Incorrect email or password");
    // Somebody registered there meanwhile: only they come.
    let insert = "INSERT INTO users (email, is_verified) VALUES ('late@example.com', true)";
    block_in_place(|| old.sql(&format!("SELECT setval('users_id_seq', 40); {insert}")));
    assert_eq!(home.json(&words)[0]["taken_over"], 1);
    assert!(block_in_place(|| server.stop()).success());
}

/// Each tenant's table counts from 1: who comes second gets another id, the same one each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_come_each_with_their_people() {
    let (home, old) = (Home::on_postgres(), Old::empty());
    block_in_place(|| {
        old.fill("public", 0);
        old.fill("auth_default", 10);
        old.fill("auth_web", 10);
    });
    let words = ["import", "python", "--from", &old.url, "--json"];
    for (taken_over, here_already) in [(10, 0), (0, 10)] {
        let done = home.json(&words);
        assert_eq!(done.as_array().expect("a list").len(), 2, "an empty table is none");
        for (report, tenant) in [(&done[0], "default"), (&done[1], "web")] {
            assert_eq!(report["tenant"], tenant);
            assert_eq!(
                (&report["taken_over"], &report["here_already"]),
                (&json!(taken_over), &json!(here_already))
            );
        }
        assert_eq!(done[1]["changed"]["new_id"].as_u64().unwrap_or_default(), taken_over);
        assert_eq!(done[0]["changed"].get("new_id"), None);
    }
    let server = home.serve();
    let api = Api::at(server.base());
    for tenant in ["default", "web"] {
        let request = api.request(reqwest::Method::POST, "/api/auth/login").header("X-Tenant-ID", tenant);
        let body = json!({"email": "user7@example.com", "password": OLD_PASSWORD});
        Answer::of(request.json(&body).send().await).await.expect(StatusCode::OK);
    }
    block_in_place(|| old.fill("auth_other", 1));
    let one = home.json(&[&words[..], &["--schema", "auth_other", "--tenant", "web", "--dry-run"]].concat());
    assert_eq!((&one[0]["tenant"], &one[0]["taken_over"]), (&json!("web"), &json!(0)));
    let unknown = home.failed(&[&words[..], &["--schema", "auth_web", "--tenant", "elsewhere"]].concat());
    assert!(unknown.contains("TENANTS does not name elsewhere"), "{unknown}");
    let both = home.failed(&[&words[..], &["--tenant", "web"]].concat());
    assert!(both.contains("several tables would go into one tenant"), "{both}");
    let wrong = home.failed(&[&words[..], &["--schema", "auth_nobody"]].concat());
    assert!(wrong.contains("there is no table auth_nobody.users; there are"), "{wrong}");
}

/// Nothing is written there, even by somebody who may; and no password is repeated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_database_is_only_read() {
    let (home, old) = (Home::on_sqlite(), Old::empty());
    let none = home.failed(&["import", "python", "--from", &old.url]);
    assert!(none.contains("there is no table `users` of the Python service"), "{none}");
    block_in_place(|| {
        old.fill("public", 10);
        // Whoever reads in a transaction that could write would fire this.
        old.sql(
            "CREATE TABLE seen (mode text); CREATE FUNCTION spy() RETURNS boolean LANGUAGE sql AS
            $$SELECT current_setting('transaction_read_only') = 'on' AND
              current_setting('transaction_isolation') = 'repeatable read'$$;
            ALTER TABLE users RENAME TO people;
            CREATE VIEW users AS SELECT * FROM people WHERE spy();",
        );
    });
    assert_eq!(home.json(&["import", "python", "--from", &old.url, "--json"])[0]["taken_over"], 10);
    for from in ["mysql://root:hunter2@db/auth", "postgresql://a:hunter2@127.0.0.1:1/a", "sqlite://hunter2"] {
        let said = home.failed(&["import", "python", "--from", from]);
        assert!(!said.contains("hunter2"), "{said}");
    }
}
