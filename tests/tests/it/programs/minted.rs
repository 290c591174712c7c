//! Keys that are minted outside, in the words of the contract.

use data_encoding::BASE64URL_NOPAD;
use reqwest::{Method, StatusCode};
use ring::hmac;
use serde_json::{Value, json};

use super::{Server, make_key, send, text};
use crate::harness::{Answer, Api, PASSWORD, TestServer};

const MINTING: &str = "m1ntEd-0utside-7Qx2LkV9sTzB4wRf8YcHn";

fn mint(alg: &str, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let message = format!("{}.{}", part(&json!({ "alg": alg, "typ": "JWT" })), part(claims));
    let algorithm = if alg == "HS512" { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 };
    let tag = hmac::sign(&hmac::Key::new(algorithm, MINTING.as_bytes()), message.as_bytes());
    format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

fn claims(subject: &str) -> Value {
    json!({ "type": "api_key", "sub": subject, "exp": chrono::DateTime::<chrono::Utc>::MAX_UTC.timestamp().min(4_000_000_000) })
}

async fn validate(api: &Api, header: &str, key: &str, tenant: &str) -> Answer {
    let request = api.request(Method::POST, "/api/auth/validate-apikey").header("X-Tenant-ID", tenant);
    send(if key.is_empty() { request } else { request.header(header, key) }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_minted_outside_are_validated_in_the_words_of_the_contract() {
    let settings = [("API_KEY_SECRET", MINTING), ("TENANTS", "default,acme")];
    let server = TestServer::with(&settings).await;
    let ada = server.signed_in("ada@example.com").await;
    let id = server.get("/api/auth/me", &ada.access).await.body["id"].to_string();
    let asked = async |key: &str| validate(&server, "X-elevAIte-apikey", key, "default").await;
    let refused = |answer: Answer, detail: &str| {
        answer.refused(401, detail);
        assert!(!answer.headers.contains_key("www-authenticate"), "{answer:?}");
    };

    let good = asked(&mint("HS256", &claims(&id))).await.expect(StatusCode::OK);
    assert_eq!(good.body, json!({ "user_id": id }));
    asked("").await.refused(400, "missing X-elevAIte-apikey header");
    for bad in [
        "no key".to_owned(),
        ada.access.clone(),
        mint("HS512", &claims(&id)),
        mint("none", &claims(&id)),
        mint("HS256", &json!({ "type": "api_key", "sub": id })),
        mint("HS256", &json!({ "type": "api_key", "sub": id, "exp": 1_000_000_000 })),
    ] {
        refused(asked(&bad).await, "invalid api key");
    }
    let mut other = claims(&id);
    other["type"] = json!("access");
    refused(asked(&mint("HS256", &other)).await, "invalid api key type");
    refused(asked(&mint("HS256", &claims("ada"))).await, "invalid api key subject");
    refused(asked(&mint("HS256", &claims("404"))).await, "user_not_found");

    let mut acme = claims(&id);
    acme["tenant_id"] = json!("acme");
    refused(asked(&mint("HS256", &acme)).await, "invalid api key");
    let here = validate(&server, "X-elevAIte-apikey", &mint("HS256", &acme), "acme").await;
    refused(here, "user_not_found");

    // Our own keys, too.
    let own = make_key(&server, &ada, "personal", &["profile:read"]).await;
    assert_eq!(asked(text(&own)).await.expect(StatusCode::OK).body, json!({ "user_id": id }));
    let foreign = validate(&server, "X-elevAIte-apikey", text(&own), "acme").await;
    refused(foreign, "invalid api key");

    let close = json!({ "password": PASSWORD });
    server.send(Method::DELETE, "/api/auth/me", &ada.access, Some(&close)).await.expect(StatusCode::OK);
    refused(asked(&mint("HS256", &claims(&id))).await, "user_inactive");
    refused(asked(text(&own)).await, "invalid api key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_configured_is_said_and_the_header_has_the_name_it_is_given() {
    let server = TestServer::with(&[("API_KEY_HEADER", "X-Shop-Key")]).await;
    validate(&server, "X-Shop-Key", "", "default").await.refused(400, "missing X-Shop-Key header");
    let elsewhere = validate(&server, "X-elevAIte-apikey", "key", "default").await;
    elsewhere.refused(400, "missing X-Shop-Key header");
    validate(&server, "X-Shop-Key", "key", "default").await.refused(500, "API key secret not configured");
    let server = TestServer::with(&[("API_KEY_ALGORITHM", "ES256")]).await;
    let bare = validate(&server, "X-elevAIte-apikey", "key", "default").await;
    bare.refused(500, "API key public key not configured");
}

/// A key of a service stands for no account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_service_names_nobody() {
    let server = Server::start(&[]);
    let admin = server.administrator("ada@example.com").await;
    let made = make_key(&server.api(), &admin, "service", &["tokens:introspect"]).await;
    let answer = validate(&server.api(), "X-elevAIte-apikey", text(&made), "default").await;
    answer.refused(401, "invalid api key subject");
}
