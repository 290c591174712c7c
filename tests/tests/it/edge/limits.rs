//! Limits by address: what is documented holds, for every operation there is, however it is spelt.

use std::{collections::BTreeMap, fs, path::Path};

use auth_server::settings::{Inputs, Settings};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    cognito::PoolSettings,
    harness::{Answer, PASSWORD, TestServer},
    replicas::early_in_a_minute,
};

/// Small numbers that tell which setting is at work: 2, 3, 1, and 12 for every other operation.
const SMALL: [(&str, &str); 4] = [
    ("RATE_LIMIT_PER_MINUTE", "2"),
    ("RATE_LIMIT_LOGIN_PER_MINUTE", "3"),
    ("RATE_LIMIT_PASSWORD_RESET_PER_MINUTE", "1"),
    ("EDGE_REQUESTS_PER_SECOND", "0"),
];
const OTHERS: u32 = 12;

/// The rows of the tables in `docs/limits.md` whose first cell is an operation, as cells without backticks.
fn documented() -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/limits.md");
    let page = fs::read_to_string(path).expect("the page about limits");
    let methods = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "];
    let rows =
        page.lines().filter(|line| methods.iter().any(|method| line.starts_with(&format!("| `{method}"))));
    let cells = |row: &str| {
        row.split('|').map(|cell| cell.trim().replace('`', "")).filter(|cell| !cell.is_empty()).collect()
    };
    rows.map(cells).collect()
}

/// A body that every operation can read, and that none of them agrees with.
fn any_body() -> Value {
    json!({
        "email": "nobody@example.com", "password": "Wr0ng&wrong&1", "current_password": "Wr0ng&wrong&1",
        "new_password": "An0ther&Zebra&1", "new_email": "other@example.com", "token": "A".repeat(43),
        "refresh_token": "rt_unknown", "code": "000000", "mfa_code": "000000", "sms_code": "000000", "totp_code": "000000", "mfa_token": "unknown",
        "phone_number": "+12025550123", "full_name": "Ada", "session_id": 1, "method": "TOTP",
        "name": "a program", "scopes": ["profile:read"],
    })
}

/// What the server says the limit is, once it is reached; otherwise the last answer.
///
/// Goes on with the new token where a call replaces the session.
async fn limit_of(
    server: &TestServer,
    method: &str,
    path: &str,
    token: &mut String,
) -> Result<String, Answer> {
    let path = path.replace("{session_id}", "1").replace("{key_id}", "1");
    let verb = Method::from_bytes(method.as_bytes()).expect("a method");
    // Twice the largest limit: the minute may turn over in between, once.
    let mut calls_left = 2 * OTHERS;
    loop {
        let request = server.request(verb.clone(), &path).header("x-forwarded-for", "198.51.100.1");
        let request = if path.ends_with("/csrf") {
            request.header("cookie", format!("access={token}")) // for browsers alone
        } else {
            request.bearer_auth(&*token).header("X-elevAIte-apikey", "none").json(&any_body())
        };
        let answer = Answer::of(request.send().await).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS && answer.body["code"] == "rate_limited" {
            assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
            return Ok(answer.body["detail"].as_str().expect("the limit in words").to_owned());
        }
        if let Some(next) = answer.body["access_token"].as_str() {
            next.clone_into(token);
        }
        if calls_left == 0 {
            return Err(answer);
        }
        calls_left -= 1;
    }
}

#[tokio::test]
async fn every_operation_has_the_limit_that_is_documented() {
    // With a pool, so that its operations are there, too.
    let settings = SMALL.iter().fold(PoolSettings::new(), |all, (name, value)| all.with(name, value));
    let server = settings.with("TRUSTED_PROXIES", "127.0.0.0/8").serve().await;
    let mut token = signed_in(&server).await;
    let documented: BTreeMap<String, Option<String>> =
        documented().into_iter().map(|row| (row[0].clone(), row.get(1).cloned())).collect();
    let document = Answer::of(server.request(Method::GET, "/openapi.json").send().await).await.body;
    let mut operations = operations(&document);
    // They end the session that the others are called with.
    operations.sort_by_key(|(_, path)| path.ends_with("/logout"));
    let (mut seen, mut wrong) = (0, Vec::new());
    for (method, path) in operations {
        let name = format!("{method} {path}");
        let found = limit_of(&server, &method, &path, &mut token).await;
        let expected = match documented.get(&name) {
            Some(setting) => {
                seen += 1;
                setting.as_ref().map(|setting| value_of(setting))
            }
            None => Some(OTHERS.to_string()),
        };
        let expected = expected.map(|limit| format!("{limit} per 1 minute"));
        if found.as_ref().ok() != expected.as_ref() {
            wrong.push(format!("{name}: documented {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, documented.len(), "every operation of the page exists");
}

/// What the server of these tests was started with.
fn value_of(setting: &str) -> String {
    let found = SMALL.iter().find(|(name, _)| *name == setting);
    found.unwrap_or_else(|| panic!("{setting} is no limit")).1.to_owned()
}

/// Through a trusted proxy, so that getting there uses up nothing of what is tested.
async fn signed_in(server: &TestServer) -> String {
    let call = async |number: u8, path: &str, body: Value| {
        let request = server.request(Method::POST, path).json(&body);
        let request = request.header("x-forwarded-for", format!("198.51.100.{number}"));
        Answer::of(request.send().await).await
    };
    let person = json!({"email": "ada@example.com", "password": PASSWORD});
    call(101, "/api/auth/register", person.clone()).await.expect(StatusCode::CREATED);
    let token = server.mailed_token("ada@example.com", "/verify-email").await;
    call(102, "/api/auth/verify-email", json!({"token": token})).await.expect(StatusCode::OK);
    call(103, "/api/auth/login", person).await.tokens().access
}

fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, operations): (&String, &Value)| {
        let methods: Vec<String> = operations.as_object().expect("operations").keys().cloned().collect();
        methods.into_iter().map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn the_documented_numbers_are_the_defaults() {
    let effective = Settings::from_inputs(&Inputs::only([])).expect("the defaults hold").effective;
    let rows = documented();
    let limited: Vec<_> = rows.iter().filter(|row| row.len() == 3).collect();
    assert!(limited.len() > 10, "{rows:?}");
    for row in limited {
        let setting = effective.iter().find(|setting| setting.name == row[1]);
        assert_eq!(setting.map(|setting| setting.value.as_str()), Some(row[2].as_str()), "{row:?}");
    }
}

async fn login_status(server: &TestServer, path: &str, header: (&str, &str), email: &str) -> u16 {
    let body = json!({"email": email, "password": "Wr0ng&wrong&1"});
    let request = server.request(Method::POST, path).header(header.0, header.1).json(&body);
    Answer::of(request.send().await).await.status.as_u16()
}

const PLAIN: (&str, &str) = ("accept", "*/*");

#[tokio::test]
async fn neither_another_spelling_nor_a_header_makes_another_counter() {
    let server = TestServer::with(&SMALL).await;
    early_in_a_minute().await;
    for call in 0..3 {
        let email = format!("nobody{call}@example.com");
        assert_eq!(login_status(&server, "/api/auth/login", PLAIN, &email).await, 401);
    }
    for path in [
        "/api/auth/login",
        "/api/auth/login/",
        "/api/auth/login//",
        "//api/auth/login",
        "/api//auth/login",
        "/api/auth/login?x=1",
        "/api/auth/login/?x=1",
        "/api/auth/%6Cogin",
        "/api%2Fauth/login",
        "/api/auth%2flogin",
        "/api/auth/login%2F",
        "/API/auth/login",
        "/api/auth/Login",
        "/api/./auth/login",
        "/api/auth/login;x=1",
        "/api/auth/login%00",
        "/api/auth/\u{ff4c}ogin",
    ] {
        let status = login_status(&server, path, PLAIN, "nobody@example.com").await;
        assert!([404, 429].contains(&status), "{path}: {status}");
    }
    for header in [
        ("x-forwarded-for", "198.51.100.9"),
        ("forwarded", "for=198.51.100.9"),
        ("x-real-ip", "198.51.100.9"),
        ("cf-connecting-ip", "198.51.100.9"),
        ("true-client-ip", "198.51.100.9"),
        ("x-client-ip", "198.51.100.9"),
        ("x-tenant-id", "default"),
        ("user-agent", "another"),
    ] {
        let status = login_status(&server, "/api/auth/login", header, "nobody@example.com").await;
        assert_eq!(status, 429, "{header:?}");
    }
}

/// One account has one lock, however its address is written.
#[tokio::test]
async fn spellings_of_an_address_share_a_lock() {
    let server = TestServer::start().await;
    for email in
        ["eve@example.com", "EVE@example.com", "eve@EXAMPLE.com", " eve@example.com ", "Eve@Example.Com"]
    {
        assert_eq!(login_status(&server, "/api/auth/login", PLAIN, email).await, 401, "{email}");
    }
    for email in ["eve@example.com", "eVE@example.com"] {
        assert_eq!(login_status(&server, "/api/auth/login", PLAIN, email).await, 423, "{email}");
    }
}

#[tokio::test]
async fn forty_addresses_of_one_network_share_a_limit() {
    let settings = [("RATE_LIMIT_LOGIN_PER_MINUTE", "20"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = TestServer::with(&settings).await;
    early_in_a_minute().await;
    let mut admitted = 0;
    for host in 1..=40 {
        let from = format!("2001:db8:0:7:{host:x}::{host:x}");
        let email = format!("nobody{host}@example.com");
        let status = login_status(&server, "/api/auth/login", ("x-forwarded-for", &from), &email).await;
        admitted += usize::from(status == 401);
    }
    assert_eq!(admitted, 20);
    let other = ("x-forwarded-for", "2001:db8:0:8::1");
    assert_eq!(login_status(&server, "/api/auth/login", other, "nobody@example.com").await, 401);
}
