//! A pool that ends accounts, and one that is away.

use std::time::{Duration, Instant};

use auth_domain::port::{Archive as _, Record, RecordKind, Store as _};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::part::free_port;
use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use super::{PoolSettings, THERE, login, signed_in};
use crate::harness::{Answer, Api};

/// Makes every link look as if the pool had not been asked for an hour.
async fn overdue(database: &std::path::Path) {
    let store = SqliteStore::open(SqliteConfig::file(database)).expect("the store of the server");
    for record in store.page(RecordKind::Identity, None, 100).await.expect("links") {
        let Record::Identity(mut identity) = record else { panic!("{record:?}") };
        identity.checked_at -= chrono::TimeDelta::hours(1);
        assert!(store.read().await.expect("repositories").identities().save(&identity).await.expect("saved"));
    }
}

async fn until_refused(api: &Api, token: &str) -> Answer {
    for _ in 0..120 {
        let answer = api.get("/api/auth/me", token).await;
        if answer.status == StatusCode::UNAUTHORIZED {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("the session lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_disabled_at_the_pool_is_signed_out_by_the_next_check() {
    let directory = TempDir::new().expect("a temporary directory");
    let database = directory.path().join("auth.sqlite3");
    let url = format!("sqlite://{}", database.display());
    let cognito = PoolSettings::new().with("DATABASE_URL", &url);
    let api = cognito.serve().await;
    for email in ["ada@example.com", "eve@example.com"] {
        cognito.add(email).await;
    }
    let (ada, eve) = (signed_in(&api, "ada@example.com").await, signed_in(&api, "eve@example.com").await);
    cognito.pool.disable("ada@example.com");
    api.get("/api/auth/me", &ada.access).await.expect(StatusCode::OK);
    overdue(&database).await;
    until_refused(&api, &ada.access).await;
    let refresh = json!({"refresh_token": ada.refresh});
    api.post("/api/auth/refresh", &refresh).await.refused(401, "Invalid refresh token");
    login(&api, "ada@example.com", THERE).await.refused(401, "Incorrect email or password");
    api.get("/api/auth/me", &eve.access).await.expect(StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_away_keeps_out_only_those_who_need_it() {
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let api = PoolSettings::new().with("COGNITO_ENDPOINT_URL", &nowhere).serve().await;
    let begun = Instant::now();
    login(&api, "ada@example.com", THERE).await.refused(503, "Service temporarily unavailable");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let native = api.signed_in("eve@example.com").await;
    api.get("/api/auth/me", &native.access).await.expect(StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_pool_is_an_answer_within_its_limit() {
    // Takes connections, and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let nowhere = format!("http://{}", silent.local_addr().expect("it is bound"));
    let api = PoolSettings::new().with("COGNITO_ENDPOINT_URL", &nowhere).serve().await;
    let native = api.signed_in("eve@example.com").await;
    let begun = Instant::now();
    let (refused, known) =
        tokio::join!(login(&api, "ada@example.com", THERE), api.get("/api/auth/me", &native.access));
    refused.refused(503, "Service temporarily unavailable");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    known.expect(StatusCode::OK);
}
