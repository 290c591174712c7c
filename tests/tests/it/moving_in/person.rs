//! What is kept about one person, and the end of it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{Home, OLD_PASSWORD, old::Old};
use crate::{
    factors::take_app,
    harness::{Api, PASSWORD},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_shown_and_erased_on_sqlite() {
    shown_and_erased(&Home::on_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_shown_and_erased_on_postgres() {
    shown_and_erased(&Home::on_postgres()).await;
}

async fn shown_and_erased(home: &Home) {
    let server = home.serve();
    let api = Api::at(server.base());
    let ada = api.signed_in("ada@example.com").await;
    let eve = api.signed_in("eve@example.com").await;
    take_app(&api, &ada).await;
    api.login("ada@example.com", "Wr0ng&Zebra&1").await.refused(401, "Incorrect email or password");
    let me = api.get("/api/auth/me", &ada.access).await.expect(StatusCode::OK);
    let id = me.body["id"].to_string();

    let shown = home.json(&["users", "export", &id]);
    assert_eq!(
        (&shown["account"]["email"], &shown["account"]["codes_by_app"]),
        (&json!("ada@example.com"), &json!(true))
    );
    assert_eq!(shown["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["authenticator_app"]["at_work"], true);
    assert_eq!(shown["recovery_codes"].as_array().map(Vec::len), Some(10));
    assert_eq!(shown["wrong_passwords"]["failures"], 1);
    let events: Vec<&str> = shown["events"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    for event in ["login.ok", "login.fail", "mfa.activated", "email.verified"] {
        assert!(events.contains(&event), "{event}: {events:?}");
    }
    nothing_opens_anything(&shown, &ada.refresh);
    assert!(home.failed(&["users", "export", "7"]).contains("there is no account 7"));

    let unconfirmed = home.failed(&["users", "erase", &id]);
    assert!(unconfirmed.contains("not confirmed: nothing was erased"), "{unconfirmed}");
    let erased = home.done(&["users", "erase", &id, "--yes"]);
    assert!(erased.contains("is erased") && !erased.contains("in 0 entries"), "{erased}");
    let body = json!({"refresh_token": ada.refresh});
    api.post("/api/auth/refresh", &body).await.expect(StatusCode::UNAUTHORIZED);
    api.forgets(&ada.access).await;
    api.login("ada@example.com", PASSWORD).await.refused(401, "Incorrect email or password");
    api.get("/api/auth/me", &eve.access).await.expect(StatusCode::OK);
    assert!(home.failed(&["users", "export", &id]).contains("there is no account"));
    let left = home.done(&["audit", "tail", "-n", "1000", "--json", "--user", &id]);
    assert!(left.contains("admin.user_erased"), "{left}");
    let kept = left.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    for entry in kept {
        let entry = if entry["entry"].is_object() { &entry["entry"] } else { &entry };
        assert_eq!(entry["user_agent"], Value::Null, "{entry}");
        assert!(matches!(entry["ip_address"].as_str(), None | Some("127.0.0.0")), "{entry}");
        assert!(!entry.to_string().contains("ada@"), "{entry}");
    }
    home.done(&["audit", "verify"]);
    assert!(home.done(&["users", "erase", &id, "--yes"]).contains("was erased before"));

    let again = api.register("ada@example.com").await.expect(StatusCode::CREATED);
    assert_ne!(again.body["id"].to_string(), id, "the address is free, the number is not");
}

/// Whoever reads it can do nothing with it.
fn nothing_opens_anything(shown: &Value, refresh: &str) {
    let text = shown.to_string();
    for secret in ["$argon2", "digest", "secret", "sealed", refresh] {
        assert!(!text.contains(secret), "{secret}: {shown:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_superuser_cannot_be_erased() {
    let home = Home::on_postgres();
    for address in ["ada@example.com", "eve@example.com"] {
        home.done(&["users", "create", address, "--role", "superuser"]);
    }
    let id = |address: &str| {
        let shown = home.done(&["users", "locks", address]);
        let (_, rest) = shown.split_once('(').expect("an id");
        rest.split_once(')').expect("an id").0.to_owned()
    };
    let (ada, eve) = (id("ada@example.com"), id("eve@example.com"));
    home.done(&["users", "erase", &ada, "--yes"]);
    let refused = home.failed(&["users", "erase", &eve, "--yes"]);
    assert!(refused.contains("the last active superuser cannot be erased"), "{refused}");
    assert!(home.done(&["users", "locks", "eve@example.com"]).contains(&eve));
}

/// Whoever was forgotten here does not come back because the old tables still know them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_import_brings_back_who_was_erased() {
    let (home, old) = (Home::on_sqlite(), block_in_place(|| Old::grown(10)));
    let words = ["import", "python", "--from", &old.url, "--json"];
    home.done(&words);
    home.done(&["users", "erase", "2", "--yes"]);
    let again = home.json(&words);
    assert_eq!((&again[0]["taken_over"], &again[0]["left_out"]), (&json!(0), &json!({"erased": 1})));
    let server = home.serve();
    let api = Api::at(server.base());
    api.login("user2@example.com", OLD_PASSWORD).await.refused(401, "Incorrect email or password");
    let me = api.login("user7@example.com", OLD_PASSWORD).await.tokens();
    api.send(Method::GET, "/api/auth/me", &me.access, None).await.expect(StatusCode::OK);
}
