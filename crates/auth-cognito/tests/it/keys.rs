//! How the pool's keys are fetched, and what happens while they cannot be.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_cognito::{CognitoConfig, CognitoTokens};
use auth_domain::{
    port::{IdentityError, ProviderClaims, ProviderTokens as _},
    token::TokenRejected,
};

use crate::{
    signer::{Signer, claims, key_set, now},
    stub::{Answer, Stub},
};

fn pool(signers: &[&Signer]) -> Answer {
    Answer::Says(200, key_set(signers))
}

/// A verifier that may ask again at once.
fn impatient(stub: &Stub) -> CognitoTokens {
    CognitoTokens::new(&CognitoConfig { keys_pause: Duration::ZERO, ..stub.config() }).expect("it is right")
}

async fn verify(tokens: &CognitoTokens, signer: &Signer) -> Result<ProviderClaims, IdentityError> {
    tokens.verify(&signer.token(&claims()), now()).await
}

fn is_unknown(outcome: &Result<ProviderClaims, IdentityError>) -> bool {
    matches!(outcome, Err(IdentityError::Rejected(TokenRejected::UnknownKey)))
}

#[tokio::test]
async fn ten_thousand_unknown_keys_make_one_fetch() {
    let stub = Stub::new(pool(&[Signer::of_the_pool()]));
    let tokens = CognitoTokens::new(&stub.config()).unwrap();
    verify(&tokens, Signer::of_the_pool()).await.unwrap();
    let good = Signer::of_the_pool().token(&claims());
    let rest = good.split_once('.').unwrap().1;
    let begun = Instant::now();
    for number in 0..10_000 {
        let header = format!(r#"{{"kid":"unknown-{number}","alg":"RS256"}}"#);
        let header = crate::signer::put_together(&header, "", |_| Vec::new());
        let token = format!("{}.{rest}", header.split_once('.').unwrap().0);
        let outcome = tokens.verify(&token, now()).await;
        assert!(is_unknown(&outcome), "{outcome:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(stub.names().len(), 1);
    verify(&tokens, Signer::of_the_pool()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_miss_a_key_wait_for_one_fetch() {
    let stub = Stub::new(pool(&[Signer::of_the_pool()]));
    let tokens = Arc::new(CognitoTokens::new(&stub.config()).unwrap());
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let tokens = Arc::clone(&tokens);
            tokio::spawn(async move { verify(&tokens, Signer::of_the_pool()).await })
        })
        .collect();
    for one in asking {
        one.await.unwrap().unwrap();
    }
    assert_eq!(stub.names().len(), 1);
}

#[tokio::test]
async fn known_keys_go_on_working_while_the_pool_is_away() {
    let stub = Stub::new(pool(&[Signer::of_the_pool()]));
    let tokens = impatient(&stub);
    verify(&tokens, Signer::of_the_pool()).await.unwrap();
    for answer in
        [Answer::HangUp, Answer::Says(500, String::new()), Answer::Says(200, r#"{"keys":[]}"#.to_owned())]
    {
        stub.now_answers(answer);
        let unknown = verify(&tokens, Signer::other()).await;
        assert!(matches!(unknown, Err(IdentityError::Unavailable(_))), "{unknown:?}");
        verify(&tokens, Signer::of_the_pool()).await.unwrap();
    }
}

#[tokio::test]
async fn keys_that_are_too_old_are_believed_no_more() {
    let stub = Stub::new(pool(&[Signer::of_the_pool()]));
    let (keys_life, keys_pause) = (Duration::from_millis(500), Duration::ZERO);
    let tokens = CognitoTokens::new(&CognitoConfig { keys_life, keys_pause, ..stub.config() }).unwrap();
    verify(&tokens, Signer::of_the_pool()).await.unwrap();
    stub.now_answers(Answer::HangUp);
    let begun = Instant::now();
    loop {
        match verify(&tokens, Signer::of_the_pool()).await {
            Ok(_) => assert!(begun.elapsed() < Duration::from_secs(5), "keys are believed for ever"),
            Err(IdentityError::Unavailable(_)) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    stub.now_answers(pool(&[Signer::of_the_pool()]));
    verify(&tokens, Signer::of_the_pool()).await.unwrap();
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_forgotten() {
    let stub = Stub::new(pool(&[Signer::of_the_pool()]));
    let tokens = impatient(&stub);
    verify(&tokens, Signer::of_the_pool()).await.unwrap();
    assert!(is_unknown(&verify(&tokens, Signer::other()).await));
    stub.now_answers(pool(&[Signer::other()]));
    verify(&tokens, Signer::other()).await.unwrap();
    assert!(is_unknown(&verify(&tokens, Signer::of_the_pool()).await));
}

#[tokio::test]
async fn without_keys_nobody_can_tell_and_that_is_said_in_time() {
    let long = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(70_000));
    for answer in [
        Answer::Hang,
        Answer::HangUp,
        Answer::Dribble,
        Answer::Elsewhere,
        Answer::Says(200, "<html>".to_owned()),
        Answer::Says(200, long),
        Answer::Says(404, "{}".to_owned()),
    ] {
        let stub = Stub::new(answer.clone());
        let tokens = impatient(&stub);
        let begun = Instant::now();
        let outcome = verify(&tokens, Signer::of_the_pool()).await;
        assert!(matches!(outcome, Err(IdentityError::Unavailable(_))), "{outcome:?}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(stub.names(), ["/us-east-1_Ab1/.well-known/jwks.json"]);
        stub.now_answers(pool(&[Signer::of_the_pool()]));
        verify(&tokens, Signer::of_the_pool()).await.unwrap();
    }
}

#[tokio::test]
async fn who_goes_away_leaves_the_others_with_keys() {
    let stub = Stub::new(pool(&[Signer::of_the_pool()]));
    let tokens = CognitoTokens::new(&stub.config()).unwrap();
    {
        let mut asking = Box::pin(verify(&tokens, Signer::of_the_pool()));
        let once = tokio::time::timeout(Duration::ZERO, &mut asking).await;
        assert!(once.is_err(), "nobody answers that fast");
    }
    verify(&tokens, Signer::of_the_pool()).await.unwrap();
    assert_eq!(stub.names().len(), 1);
}
