//! A second service that verifies our tokens: the example of `auth-verifier`, against real servers.

// The example itself, so that what is shown there is what is tested here.
#[path = "../../../../crates/auth-verifier/examples/orders.rs"]
#[expect(unreachable_pub, reason = "an example is a program of its own")]
mod example;

use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web::Data};
use auth_verifier::{
    Expectations, RemoteKeys, RemoteKeysConfig, Tenants, Trust, Verifier, VerifyError,
    live::{Introspection, IntrospectionConfig},
};
use data_encoding::BASE64URL_NOPAD;
use reqwest::{Client, StatusCode};
use ring::hmac;
use serde_json::{Value, json};

use super::{Server, make_key, text};
use crate::harness::{Answer, Api, PASSWORD, TestServer};

/// The service on a free port; gives where it answers.
fn open_shop(verifier: Verifier) -> String {
    let verifier = Data::new(verifier);
    let server = HttpServer::new(move || App::new().app_data(verifier.clone()).configure(example::routes))
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    format!("http://{address}")
}

async fn orders(shop: &str, token: &str) -> Answer {
    Answer::of(Client::new().get(format!("{shop}/orders")).bearer_auth(token).send().await).await
}

#[track_caller]
fn turned_away(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
    assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["detail"], "The access token is not valid");
}

fn plain(base: &str, audience: &str, tenants: Tenants) -> Verifier {
    let keys = RemoteKeys::new(RemoteKeysConfig::at(base)).expect("an address");
    Verifier::new(Expectations::new(base, audience).tenants(tenants), Trust::keys(keys))
}

/// The token again, signed as HS256 with what everybody knows: the published key.
async fn confused(api: &Api, token: &str) -> Vec<String> {
    let set = Answer::of(api.request(reqwest::Method::GET, "/.well-known/jwks.json").send().await).await.body;
    let jwk = &set["keys"][0];
    let x = jwk["x"].as_str().or(jwk["n"].as_str()).expect("a public key");
    let payload = token.split('.').nth(1).expect("three parts");
    let secrets = [jwk.to_string().into_bytes(), BASE64URL_NOPAD.decode(x.as_bytes()).expect("base64url")];
    let mut forged = Vec::new();
    for header in [
        json!({ "alg": "HS256", "typ": "at+jwt", "kid": jwk["kid"] }),
        json!({ "alg": jwk["alg"], "typ": "at+jwt", "kid": jwk["kid"] }),
        json!({ "alg": "none", "typ": "at+jwt", "kid": jwk["kid"] }),
        json!({ "alg": "HS256", "typ": "JWT" }),
    ] {
        let message = format!("{}.{payload}", BASE64URL_NOPAD.encode(header.to_string().as_bytes()));
        for secret in &secrets {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
            forged.push(format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref())));
        }
        forged.push(format!("{message}."));
    }
    forged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_takes_the_tokens_that_are_for_it_and_no_others() {
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        let settings = [("TENANTS", "default,acme"), ("JWT_ALGORITHM", algorithm)];
        let server = TestServer::with(&settings).await;
        let other = TestServer::with(&settings).await;
        let (ada, stranger) =
            (server.signed_in("ada@example.com").await, other.signed_in("ada@example.com").await);
        let verifier = example::verifier(server.base(), "auth", None).expect("a verifier");
        let shop = open_shop(verifier.clone());

        let welcome = orders(&shop, &ada.access).await.expect(StatusCode::OK).body;
        let me = server.get("/api/auth/me", &ada.access).await.body;
        assert_eq!((&welcome["user_id"], &welcome["tenant"]), (&me["id"], &json!("default")), "{algorithm}");
        let catalogue = Client::new().get(format!("{shop}/catalogue")).send().await;
        Answer::of(catalogue).await.expect(StatusCode::OK);
        let anonymous = Answer::of(Client::new().get(format!("{shop}/orders")).send().await).await;
        assert_eq!(
            (anonymous.status.as_u16(), &anonymous.headers["www-authenticate"]),
            (401, &"Bearer".parse().expect("a value"))
        );

        // Another issuer, a refresh token, and the same token made over.
        turned_away(&orders(&shop, &stranger.access).await);
        turned_away(&orders(&shop, &ada.refresh).await);
        for forged in confused(&server, &ada.access).await {
            turned_away(&orders(&shop, &forged).await);
        }
        // Another audience, another tenant.
        turned_away(&orders(&open_shop(plain(server.base(), "reports", Tenants::Any)), &ada.access).await);
        turned_away(
            &orders(&open_shop(plain(server.base(), "auth", Tenants::one("acme"))), &ada.access).await,
        );
        // Too late: 30 minutes and 30 seconds after it was made.
        let claims = verifier.verify(&ada.access).await.expect("a good token");
        verifier.verify_at(&ada.access, claims.expires_at + 29).await.expect("within the skew");
        let late = verifier.verify_at(&ada.access, claims.expires_at + 30).await;
        assert_eq!(late, Err(VerifyError::Expired), "{algorithm}");
        assert_eq!(claims.expires_at - claims.issued_at, 30 * 60);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_shares_the_secret_where_the_server_signs_with_it() {
    let secret = "s1gns-w1th-a-shared-one-4Kd7Pz0QmXv2";
    let server = TestServer::with(&[("JWT_ALGORITHM", "HS256"), ("SECRET_KEY", secret)]).await;
    let ada = server.signed_in("ada@example.com").await;
    let sharing = |secret: &str| {
        let trust = Trust::shared_secret(secret.as_bytes()).expect("long enough");
        open_shop(Verifier::new(Expectations::new(server.base(), "auth"), trust))
    };
    orders(&sharing(secret), &ada.access).await.expect(StatusCode::OK);
    turned_away(&orders(&sharing("an0ther-secret-that-is-long-enough-9Z"), &ada.access).await);
}

/// A stolen signing key is replaced at once: the service takes tokens of the new one as soon as it may ask for
/// keys again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_survives_a_rotation_of_keys() {
    let server = Server::start(&[]);
    let api = server.api();
    let before = api.signed_in("ada@example.com").await;
    let shop = open_shop(example::verifier(api.base(), "auth", None).expect("a verifier"));
    orders(&shop, &before.access).await.expect(StatusCode::OK);
    let asked = Instant::now();
    let header = BASE64URL_NOPAD.decode(before.access.split('.').next().expect("a part").as_bytes());
    let header: Value = serde_json::from_slice(&header.expect("base64url")).expect("JSON");
    server.command(&["keys", "revoke", header["kid"].as_str().expect("a key id")]);
    let old = api.get("/api/auth/me", &before.access);
    assert!(old.await.status == StatusCode::UNAUTHORIZED || asked.elapsed() < Duration::from_secs(5));
    let after = loop {
        let after = api.login("ada@example.com", PASSWORD).await.tokens();
        let part = |token: &str| token.split('.').next().map(ToOwned::to_owned);
        if part(&after.access) != part(&before.access) {
            break after;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    while orders(&shop, &after.access).await.status != StatusCode::OK {
        assert!(asked.elapsed() < Duration::from_secs(15), "the new key is not met");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eprintln!("a token of the new key was taken {:?} after the keys were fetched", asked.elapsed());
    // The keys are those of the server now: the old one is gone from the service, too.
    turned_away(&orders(&shop, &before.access).await);
}

/// With the live check a revoked session is refused within the time for which answers are believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_refuses_a_revoked_session_in_time() {
    let server = Server::start(&[]);
    let api = server.api();
    let admin = server.administrator("ada@example.com").await;
    let made = make_key(&api, &admin, "service", &["tokens:introspect"]).await;
    let eve = api.signed_in("eve@example.com").await;
    let believe = Duration::from_secs(2);
    let config = IntrospectionConfig { believe, ..IntrospectionConfig::at(api.base(), text(&made)) };
    let live = Introspection::new(config).expect("a check");
    let shop = open_shop(plain(api.base(), "auth", Tenants::one("default")).with_live_check(live));
    let blind = open_shop(plain(api.base(), "auth", Tenants::one("default")));
    orders(&shop, &eve.access).await.expect(StatusCode::OK);

    api.post("/api/auth/logout", &json!({ "refresh_token": eve.refresh })).await.expect(StatusCode::OK);
    let revoked = Instant::now();
    while orders(&shop, &eve.access).await.status != StatusCode::UNAUTHORIZED {
        assert!(revoked.elapsed() < believe + Duration::from_secs(1), "a revoked session goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("a revoked session was refused after {:?}, of {believe:?} allowed", revoked.elapsed());
    turned_away(&orders(&shop, &eve.access).await);
    orders(&blind, &eve.access).await.expect(StatusCode::OK); // what the check is there for

    // Without the server nobody can tell, and nobody is let in.
    let path = format!("/api/auth/api-keys/{}", made["id"]);
    api.send(reqwest::Method::DELETE, &path, &admin.access, None).await.expect(StatusCode::OK);
    let unknown = orders(&shop, &admin.access).await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.headers["retry-after"]),
        (503, &"1".parse().expect("a value"))
    );
}
