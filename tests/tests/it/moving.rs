//! A grown embedded installation moves to PostgreSQL.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{
    Answer, Api, PASSWORD,
    parts::{SECRET, database},
    process::{Process, run},
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_stay_signed_in_when_their_server_moves() {
    let directory = TempDir::new().expect("a temporary directory");
    let common = [("SECRET_KEY", SECRET), ("PUBLIC_URL", "http://auth.test")];
    let mut old = tokio::task::block_in_place(|| Process::start(directory.path(), &common));
    let api = Api::at(old.base());
    let tokens = api.signed_in("ada@example.com").await;
    let device =
        api.login("ada@example.com", PASSWORD).await.body["device_token"].as_str().map(ToOwned::to_owned);
    let device = device.expect("a token");
    api.post("/api/auth/forgot-password", &json!({"email": "ada@example.com"})).await.expect(StatusCode::OK);
    let reset = api.mailed_token("ada@example.com", "/reset-password").await;
    for _ in 0..5 {
        api.login("eve@example.com", PASSWORD).await.refused(401, "Incorrect email or password");
    }

    let from = format!("sqlite://{}", directory.path().join("data/auth.sqlite3").display());
    let to = database();
    let words = ["store", "copy", "--from", &from, "--to", &to];
    let busy = tokio::task::block_in_place(|| run(&words, &common));
    assert!(!busy.status.success(), "a server is running on the old database");
    assert!(text(&busy.stderr).contains("a server is using"), "{}", text(&busy.stderr));

    assert!(tokio::task::block_in_place(|| old.stop()).success());
    let copied = tokio::task::block_in_place(|| run(&words, &common));
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    let report = text(&copied.stdout);
    assert!(report.contains("accounts                1 copied,         1 in all"), "{report}");
    assert!(report.contains("Both hold the same now."), "{report}");
    let again = tokio::task::block_in_place(|| run(&words, &common));
    assert!(!again.status.success());
    assert!(text(&again.stderr).contains("add --resume"), "{}", text(&again.stderr));
    let resumed: Vec<&str> = words.iter().copied().chain(["--resume"]).collect();
    let resumed = tokio::task::block_in_place(|| run(&resumed, &common));
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert!(text(&resumed.stdout).contains("accounts                0 copied,         1 in all"));

    let other = TempDir::new().expect("a temporary directory");
    let settings = [common[0], common[1], ("DATABASE_URL", to.as_str())];
    let new = tokio::task::block_in_place(|| Process::start(other.path(), &settings));
    let api = Api::at(new.base());
    let me = api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    assert_eq!(me.body["email"], "ada@example.com");
    let body = json!({"refresh_token": tokens.refresh});
    api.post("/api/auth/refresh", &body).await.expect(StatusCode::OK);
    api.login("eve@example.com", PASSWORD).await.refused(423, "account_locked");
    let request = api.request(Method::POST, "/api/auth/login").header("X-Device-Token", &device);
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let known = Answer::of(request.json(&body).send().await).await.expect(StatusCode::OK);
    assert_eq!(known.body["device_token"], device, "the new server knows the device");
    let body = json!({"token": reset, "new_password": "An0ther&Zebra&1"});
    api.post("/api/auth/reset-password", &body).await.expect(StatusCode::OK);
    api.login("ada@example.com", "An0ther&Zebra&1").await.expect(StatusCode::OK);
}

#[test]
fn a_password_in_an_address_is_never_repeated() {
    let words = ["store", "copy", "--from", "mysql://root:hunter2@db/auth"];
    let refused = run(&words, &[]);
    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    assert!(said.contains("--from: expected postgresql://USER:PASSWORD@HOST/NAME"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let directory = TempDir::new().expect("a temporary directory");
    let from = format!("sqlite://{}", directory.path().join("old.sqlite3").display());
    let words = ["store", "copy", "--from", &from, "--to", "postgresql://a:hunter2@127.0.0.1:1/a"];
    let nowhere = text(&run(&words, &[]).stderr);
    assert!(nowhere.contains("there is no file"), "{nowhere}");
    std::fs::write(directory.path().join("old.sqlite3"), "").expect("an empty file");
    let failed = run(&words, &[]);
    assert!(!failed.status.success());
    assert!(!text(&failed.stderr).contains("hunter2"), "{}", text(&failed.stderr));
}
