//! Asking whether sessions live.

use std::time::Duration;

use auth_verifier::{
    Algorithm, Verifier, VerifyError,
    live::{Introspection, IntrospectionConfig, LiveCheckFailed, OnFailure},
};
use serde_json::json;

use crate::{
    signer::{NOON, Signer, knowing, with},
    stub::{Reply, Stub},
};

const KEY: &str = "ak_12345678_secret";

fn active(sub: &str, sid: u64) -> Reply {
    Reply::Json(json!({ "active": true, "sub": sub, "sid": sid }).to_string())
}

fn asking(signer: &Signer, stub: &Stub, change: impl FnOnce(&mut IntrospectionConfig)) -> Verifier {
    let mut config = IntrospectionConfig::at(&stub.url, KEY);
    change(&mut config);
    knowing(&[signer]).with_live_check(Introspection::new(config).unwrap())
}

#[tokio::test]
async fn the_server_is_asked_and_believed_for_a_moment() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    let stub = Stub::answering(active("17", 3)).await;
    let believe = Duration::from_millis(200);
    let verifier = asking(&signer, &stub, |config| config.believe = believe);
    let token = signer.token();
    assert!(verifier.verify_at(&token, NOON).await.is_ok());
    stub.now(Reply::Json(r#"{"active":false}"#.to_owned()));
    tokio::time::sleep(believe).await;
    assert_eq!(verifier.verify_at(&token, NOON).await, Err(VerifyError::Revoked));
    assert_eq!(stub.times_asked(), 2);
    let request = &stub.seen()[0];
    assert!(request.starts_with("POST /api/auth/introspect HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("x-api-key: {KEY}\r\n")), "{request}");
    assert!(request.contains("x-tenant-id: default\r\n"), "{request}");
    assert!(request.ends_with(&format!("\r\n\r\ntoken={token}&token_type_hint=access_token")), "{request}");
}

#[tokio::test]
async fn an_answer_is_asked_for_once_while_it_is_believed() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    let stub = Stub::answering(active("17", 3)).await;
    let verifier = asking(&signer, &stub, |config| config.believe = Duration::from_hours(1));
    for _ in 0..5 {
        assert!(verifier.verify_at(&signer.token(), NOON).await.is_ok());
    }
    let other = signer.sign(&signer.header(), &with("jti", json!("another")));
    assert!(verifier.verify_at(&other, NOON).await.is_ok());
    assert_eq!(stub.times_asked(), 2, "one question per token");
    let forged = Signer::new(Algorithm::EdDsa, "k").token();
    assert!(verifier.verify_at(&forged, NOON).await.is_err());
    assert_eq!(stub.times_asked(), 2, "nobody is asked about what is bad already");
}

#[tokio::test]
async fn an_answer_about_another_token_is_none() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    for (sub, sid) in [("18", 3), ("17", 4)] {
        let stub = Stub::answering(active(sub, sid)).await;
        let verifier = asking(&signer, &stub, |_| {});
        assert_eq!(verifier.verify_at(&signer.token(), NOON).await, Err(VerifyError::Revoked), "{sub} {sid}");
    }
}

#[tokio::test]
async fn without_an_answer_tokens_are_refused_unless_the_service_says_otherwise() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    let refused = "HTTP/1.1 401 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
    for reply in
        [Reply::Raw(refused), Reply::Json("[]".to_owned()), Reply::Json("{}".to_owned()), Reply::Silence]
    {
        let stub = Stub::answering(reply).await;
        let impatient = |config: &mut IntrospectionConfig| config.http.timeout = Duration::from_millis(200);
        let closed = asking(&signer, &stub, impatient);
        let failed = VerifyError::LiveCheckFailed(LiveCheckFailed);
        assert_eq!(closed.verify_at(&signer.token(), NOON).await, Err(failed));
        assert!(failed.is_unavailable());
        let open = asking(&signer, &stub, |config| {
            impatient(config);
            config.on_failure = OnFailure::Accept;
        });
        assert!(open.verify_at(&signer.token(), NOON).await.is_ok());
        assert!(stub.times_asked() >= 2, "a failure is not remembered as an answer");
    }
}

#[test]
fn the_key_shows_nowhere_and_must_fit_into_a_header() {
    let config = IntrospectionConfig::at("https://auth.example.com", KEY);
    assert!(!format!("{config:?}").contains("secret"), "{config:?}");
    let live = Introspection::new(config).unwrap();
    assert!(!format!("{live:?}").contains("secret"), "{live:?}");
    for key in ["", "two words", "line\nbreak"] {
        assert!(
            Introspection::new(IntrospectionConfig::at("https://auth.example.com", key)).is_err(),
            "{key:?}"
        );
    }
}
