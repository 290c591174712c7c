//! People in files.

use std::os::unix::fs::PermissionsExt as _;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{
    Home, OLD_PASSWORD, login_with,
    old::{self, Old},
    write,
};
use crate::{factors::App, harness::Api};

fn lines(path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("the export");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Out of one installation, into another of another store: the same people.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_read_back() {
    let (from, to) = (Home::on_postgres(), Home::on_sqlite());
    let old = block_in_place(|| Old::grown(1_200));
    from.done(&["import", "python", "--from", &old.url]);
    let (plain, whole) = (from.path("plain.ndjson"), from.path("whole.ndjson"));
    from.done(&["export", "users", &plain]);
    from.done(&["export", "users", &whole, "--with-hashes", "--with-totp-secrets"]);
    let mode = std::fs::metadata(&whole).expect("the export").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&plain).expect("the export");
    assert!(!text.contains("$argon2") && !text.contains("$2b$") && !text.contains(old::SECRET));
    assert!(from.failed(&["export", "users", &whole]).contains("cannot make"), "nothing is overwritten");
    let events = from.done(&["audit", "tail", "--event", "admin.users_exported"]);
    assert!(events.contains("password_hash,totp_secret"), "{events}");

    let done = to.json(&["import", "users", &whole, "--json"]);
    assert_eq!(done[0]["taken_over"].as_u64(), Some(lines(&whole).len() as u64));
    assert_eq!((&done[0]["left_out"], &done[0]["changed"]), (&json!({}), &json!({})));
    let back = to.path("back.ndjson");
    to.done(&["export", "users", &back, "--with-hashes", "--with-totp-secrets"]);
    assert_eq!(lines(&back), lines(&whole));
    let again = to.json(&["import", "users", &whole, "--json"]);
    assert_eq!((&again[0]["taken_over"], &again[0]["here_already"]), (&json!(0), &done[0]["taken_over"]));

    let server = to.serve();
    let api = Api::at(server.base());
    api.login("user2@example.com", OLD_PASSWORD).await.expect(StatusCode::OK);
    login_with(&api, "user6@example.com", &App::scan(old::SECRET).code()).await.expect(StatusCode::OK);
}

/// Whose app stays behind is asked for a mailed code: the password alone does not suffice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_without_secrets_weakens_nobody() {
    let (from, to) = (Home::on_sqlite(), Home::on_sqlite());
    let old = block_in_place(|| Old::grown(10));
    from.done(&["import", "python", "--from", &old.url]);
    let file = from.path("users.ndjson");
    from.done(&["export", "users", &file, "--with-hashes", "--tenant", "default"]);
    let done = to.json(&["import", "users", &file, "--json"]);
    assert_eq!(done[0]["changed"], json!({"codes_by_mail": 1, "unreadable_app": 1}));
    let server = to.serve();
    let api = Api::at(server.base());
    api.login("user6@example.com", OLD_PASSWORD).await.refused(400, "Email code required");
    from.done(&["export", "users", &from.path("web.ndjson"), "--tenant", "web"]);
    assert_eq!(lines(&from.path("web.ndjson")), Vec::<Value>::new());
}

/// Each wrong line is named, and nothing is written unless somebody says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_line_keeps_all_out_unless_told_otherwise() {
    let home = Home::on_sqlite();
    let file = home.path("users.csv");
    write(
        &file,
        "email,name,password_hash,phone,phone_verified,verified,roles\n\
         ada@example.com,Ada,pbkdf2_sha256$100000$seasalt$BNZ6eyaNc8qFTJPjrAq99hSYb73EgAdytAtdBg2Sdcc=,,,yes,\n\
         eve@example.com,Eve,\"$argon2id$v=19$m=4194304,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$L1IgeJNTuT/xfOvwul7k7V0REB3ZrJ7xFQfMttp/WEc\",,,yes,\n\
         eve2@example.com,,hunter2,,,yes,\n\
         Ada@Example.com,Ada,,,,yes,\n\
         nobody,,,,,,\n\
         cyd@example.com,,,12,yes,yes,\n\
         dan@example.com,,,,,yes,emperor\n\
         fay@example.com,Fay,,+1 212 555 0177,yes,yes,manager\n",
    );
    let refused = home.run(&["import", "users", &file]);
    let (said, told) = (super::text(&refused.stdout), super::text(&refused.stderr));
    assert!(!refused.status.success() && told.contains("nothing was written"), "{told}");
    for line in [
        "line 3: left out: the password hash takes more memory or time than this server spends on one\n",
        "line 4: left out: the password hash is of no known form\n",
        "line 5: left out: line 2 has the same address or id, and the better claim\n",
        "line 6: left out: the address is none: An email address must have an @-sign.\n",
        "line 7: left out: the telephone number is none\n",
        "line 8: left out: `roles` are some of superuser, application_admin, manager\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    assert!(!said.contains("hunter2") && !said.contains("@example.com"), "{said}");
    let nobody = home.path("nobody.ndjson");
    home.done(&["export", "users", &nobody]);
    assert_eq!(lines(&nobody), Vec::<Value>::new());

    let done = home.json(&["import", "users", &file, "--continue", "--json"]);
    assert_eq!((&done[0]["taken_over"], &done[0]["dry_run"]), (&json!(2), &json!(false)));
    let server = home.serve();
    let api = Api::at(server.base());
    for _ in 0..2 {
        api.login("ada@example.com", "lètmein").await.expect(StatusCode::OK);
    }
    let exported = home.path("after.ndjson");
    home.done(&["export", "users", &exported, "--with-hashes"]);
    let ada = lines(&exported).into_iter().find(|line| line["email"] == "ada@example.com").expect("Ada");
    let hash = ada["password_hash"].as_str().unwrap_or_default();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "hashed anew at the login");
}
