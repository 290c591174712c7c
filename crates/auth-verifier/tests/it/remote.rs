//! Keys over the network.

use std::time::{Duration, Instant};

use auth_verifier::{Algorithm, KeysUnavailable, RemoteKeys, RemoteKeysConfig, Trust, Verifier, VerifyError};

use crate::{
    signer::{NOON, Signer, expectations, jwks},
    stub::{Reply, Stub},
};

fn at(stub: &Stub, change: impl FnOnce(&mut RemoteKeysConfig)) -> Verifier {
    let mut config = RemoteKeysConfig::at(&stub.url);
    change(&mut config);
    Verifier::new(expectations(), Trust::keys(RemoteKeys::new(config).unwrap()))
}

const AWAY: VerifyError = VerifyError::KeysUnavailable(KeysUnavailable);

#[tokio::test]
async fn keys_are_fetched_once_for_many() {
    let signer = Signer::new(Algorithm::EdDsa, "a");
    let stub = Stub::answering(Reply::Json(jwks(&[&signer]))).await;
    let verifier = at(&stub, |_| {});
    let token = signer.token();
    let calls = (0..20).map(|_| {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { verifier.verify_at(&token, NOON).await.is_ok() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
    assert_eq!(stub.times_asked(), 1);
    assert!(stub.seen()[0].starts_with("GET /.well-known/jwks.json HTTP/1.1\r\n"), "{:?}", stub.seen());
}

/// Whoever sends tokens with made-up key ids makes the server work once in ten seconds.
#[tokio::test]
async fn an_unknown_key_is_asked_for_once_per_pause() {
    let (known, new) = (Signer::new(Algorithm::EdDsa, "a"), Signer::new(Algorithm::EdDsa, "b"));
    let stub = Stub::answering(Reply::Json(jwks(&[&known]))).await;
    let pause = Duration::from_millis(300);
    let verifier = at(&stub, |config| config.pause = pause);
    for number in 0..50 {
        let forged = Signer::new(Algorithm::EdDsa, &format!("made-up-{number}")).token();
        assert_eq!(verifier.verify_at(&forged, NOON).await, Err(VerifyError::UnknownKey));
        if stub.times_asked() > 1 {
            break; // a slow machine: the pause went by
        }
    }
    assert!(stub.times_asked() <= 2, "{}", stub.times_asked());
    // A rotation is met after the pause, and the old key goes on.
    stub.now(Reply::Json(jwks(&[&known, &new])));
    tokio::time::sleep(pause).await;
    assert!(verifier.verify_at(&new.token(), NOON).await.is_ok());
    assert!(verifier.verify_at(&known.token(), NOON).await.is_ok());
}

/// What the server takes back is refused after twice the time for which keys are fresh.
#[tokio::test]
async fn a_key_taken_back_is_not_believed_for_long() {
    let (bad, good) = (Signer::new(Algorithm::EdDsa, "a"), Signer::new(Algorithm::EdDsa, "b"));
    let stub = Stub::answering(Reply::Json(jwks(&[&bad]))).await;
    let fresh = Duration::from_millis(100);
    let verifier = at(&stub, |config| (config.fresh, config.pause) = (fresh, Duration::ZERO));
    assert!(verifier.verify_at(&bad.token(), NOON).await.is_ok());
    stub.now(Reply::Json(jwks(&[&good])));
    tokio::time::sleep(fresh * 2).await;
    // The first who comes waits for the fetch.
    assert_eq!(verifier.verify_at(&bad.token(), NOON).await, Err(VerifyError::UnknownKey));
}

#[tokio::test]
async fn known_keys_go_on_while_the_server_is_away_and_not_for_ever() {
    let signer = Signer::new(Algorithm::EdDsa, "a");
    let stub = Stub::answering(Reply::Json(jwks(&[&signer]))).await;
    let life = Duration::from_millis(400);
    let verifier = at(&stub, |config| {
        (config.fresh, config.life, config.pause) = (Duration::ZERO, life, Duration::ZERO);
    });
    assert!(verifier.verify_at(&signer.token(), NOON).await.is_ok());
    let filled = Instant::now();
    stub.now(Reply::Raw("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()));
    let verdict = verifier.verify_at(&signer.token(), NOON).await;
    assert!(verdict.is_ok() || filled.elapsed() >= life, "{verdict:?}");
    let stranger = Signer::new(Algorithm::EdDsa, "b").token();
    assert_eq!(verifier.verify_at(&stranger, NOON).await, Err(AWAY), "forged or new: nobody can tell");
    tokio::time::sleep(life).await;
    assert_eq!(verifier.verify_at(&signer.token(), NOON).await, Err(AWAY));
}

#[tokio::test]
async fn no_redirect_no_flood_and_no_silence() {
    let signer = Signer::new(Algorithm::EdDsa, "a");
    let good = Stub::answering(Reply::Json(jwks(&[&signer]))).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}/.well-known/jwks.json\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        good.url
    );
    let padding = " ".repeat(64 * 1024);
    for reply in [
        Reply::Raw(redirect),
        Reply::Json(format!("{}{padding}", jwks(&[&signer]))),
        Reply::Json("<html>".to_owned()),
        Reply::Raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n{".to_owned()),
        Reply::Silence,
    ] {
        let stub = Stub::answering(reply).await;
        let verifier = at(&stub, |config| config.http.timeout = Duration::from_millis(200));
        let begun = Instant::now();
        assert_eq!(verifier.verify_at(&signer.token(), NOON).await, Err(AWAY));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    assert_eq!(good.times_asked(), 0, "a redirect was followed");
}
