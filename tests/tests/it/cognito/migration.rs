//! Leaving Cognito without anybody noticing.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PoolSettings, THERE, login};
use crate::harness::{TestServer, parts::SECRET, process::run};

const PEOPLE: usize = 100;

fn email(number: usize) -> String {
    format!("user{number}@example.com")
}

/// `cognito report --json` on the store.
fn report(cognito: &PoolSettings) -> Value {
    let values: Vec<_> = cognito.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let output = run(&["cognito", "report", "--json"], &values);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logged_in_meanwhile_needs_no_pool_any_more() {
    let directory = TempDir::new().expect("a temporary directory");
    let url = format!("sqlite://{}", directory.path().join("auth.sqlite3").display());
    let settings = || PoolSettings::new().with("DATABASE_URL", &url).with("SECRET_KEY", SECRET);
    let cognito = settings().with("COGNITO_MIGRATION", "lazy");
    for number in 0..=PEOPLE {
        cognito.add(&email(number)).await;
    }
    let off = PoolSettings::of(cognito.pool.clone()).with("DATABASE_URL", &url).with("SECRET_KEY", SECRET);
    let server = off.serve().await;
    login(&server, &email(PEOPLE), THERE).await.tokens();
    drop(server);
    let server = cognito.serve().await;
    for number in 0..PEOPLE {
        login(&server, &email(number), THERE).await.tokens();
    }
    let counts = report(&cognito);
    assert_eq!((&counts["linked"], &counts["with_password"]), (&json!(PEOPLE + 1), &json!(PEOPLE)));
    assert_eq!(counts["without_password"], 1);
    assert!(counts["last_proved_without_password_at"].is_string(), "{counts}");
    drop(server);

    let native = TestServer::with(&[("DATABASE_URL", &url), ("SECRET_KEY", SECRET)]).await;
    for number in 0..PEOPLE {
        let tokens = native.login(&email(number), THERE).await.tokens();
        native.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    }
    // Who did not come by while it was on has to reset the password.
    native.login(&email(PEOPLE), THERE).await.refused(401, "Incorrect email or password");
}
