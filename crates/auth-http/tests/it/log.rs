//! The one line that the log has of a request.

use std::{cell::RefCell, io, sync::Once};

use actix_web::test::TestRequest;
use auth_http::HttpSettings;
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;

use crate::toy::{Toy, get, good, post};

static LOGGING: Once = Once::new();

thread_local! {
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what is logged on each thread apart: a test has one of its own.
struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged about the answer to `request`, at every level.
async fn logged(change: fn(&mut HttpSettings), request: TestRequest) -> Vec<Value> {
    LOGGING.call_once(|| {
        let json = tracing_subscriber::fmt().json().flatten_event(true);
        json.with_max_level(LevelFilter::DEBUG).with_writer(|| Sink).init();
    });
    WRITTEN.take();
    Toy::with(change).send(request).await;
    let written = String::from_utf8(WRITTEN.take()).unwrap();
    let lines = written.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["message"] == "answered").collect()
}

async fn one(request: TestRequest) -> Value {
    let [line] = logged(|_| {}, request).await.try_into().expect("one line");
    assert!(!line.to_string().contains("hunter2"), "a secret: {line}");
    line
}

#[actix_web::test]
async fn a_line_tells_who_asked_for_what_and_what_came_of_it() {
    let request = post("/toy/signed?token=hunter2")
        .insert_header(("authorization", "Bearer good"))
        .insert_header(("x-request-id", "request-0001"))
        .insert_header(("x-tenant-id", "default"))
        .peer_addr("203.0.113.77:4711".parse().unwrap())
        .set_json(good());
    let line = one(request).await;
    assert_eq!(line["span"]["request_id"], "request-0001");
    let fields = ["level", "tenant", "user", "method", "route", "status", "network"];
    let shown: Vec<&Value> = fields.iter().map(|name| &line[name]).collect();
    let expected = json!(["INFO", "default", 7, "POST", "/toy/signed", 200, "203.0.113.0"]);
    assert_eq!(json!(shown), expected, "{line}");
    assert_eq!(line["bytes"], json!({"caller": 7, "email": "ada@example.com"}).to_string().len(), "{line}");
    assert!(line["millis"].as_f64().is_some_and(|millis| millis > 0.0), "{line}");
    assert!(!line.to_string().contains("203.0.113.77"), "{line}");
}

#[actix_web::test]
async fn what_is_not_known_is_left_out() {
    let line = one(get("/nowhere/hunter2?token=hunter2")).await;
    assert_eq!((&line["route"], &line["status"]), (&json!("unmatched"), &json!(404)));
    for unknown in ["user", "tenant", "network"] {
        assert!(line.get(unknown).is_none(), "{line}");
    }
    let line = one(get("/toy/me").insert_header(("authorization", "Bearer ended"))).await;
    assert_eq!((&line["status"], line.get("user")), (&json!(401), None), "{line}");
    let line = one(post("/toy/secret").set_json(json!({"token": "hunter2"}))).await;
    assert_eq!((&line["status"], &line["tenant"]), (&json!(200), &json!("default")));
}

#[actix_web::test]
async fn the_level_follows_the_status() {
    let level = async |path| one(get(path)).await["level"].clone();
    assert_eq!(level("/toy/who").await, "INFO");
    assert_eq!(level("/toy/refuses").await, "INFO", "a refusal is nothing to be woken up for");
    assert_eq!(level("/toy/store-down").await, "WARN");
    assert_eq!(level("/toy/store-broken").await, "ERROR");
    assert_eq!(level("/toy/panic").await, "ERROR");
}

#[actix_web::test]
async fn probes_are_logged_only_where_everything_is() {
    let line = one(get("/metrics")).await;
    assert_eq!((&line["level"], &line["route"]), (&json!("DEBUG"), &json!("/metrics")));
}

#[actix_web::test]
async fn the_network_is_that_of_the_client_behind_a_trusted_proxy() {
    let request = get("/toy/who")
        .peer_addr("10.0.0.1:4711".parse().unwrap())
        .insert_header(("x-forwarded-for", "2001:db8:1:2:3:4:5:6"));
    let behind = |settings: &mut HttpSettings| {
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    };
    let [line] = logged(behind, request).await.try_into().unwrap();
    assert_eq!(line["network"], "2001:db8:1::", "{line}");
}
