//! A Cognito that does not answer as it should.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use auth_cognito::{Cognito, CognitoConfig};
use auth_domain::{
    guard::BreakerConfig,
    port::{IdentityAccounts as _, IdentityError, IdentityProvider as _, ProviderCode, ProviderSignIn},
    user::{Email, Password},
};
use auth_testkit::part::free_port;

use crate::stub::{Answer, Stub, config};

async fn sign_in(cognito: &Cognito) -> Result<ProviderSignIn, IdentityError> {
    let email = Email::parse("ada@example.com").expect("an address");
    cognito.sign_in(&email, &Password::new("C0rrect-Secret!".to_owned())).await
}

fn all_of(error: &IdentityError) -> String {
    let causes = std::iter::successors(Some(error as &dyn Error), |&cause| cause.source());
    causes.map(|cause| format!("{cause} {cause:?}")).collect::<Vec<_>>().join(" ")
}

fn is_unavailable(outcome: &Result<ProviderSignIn, IdentityError>) -> bool {
    matches!(outcome, Err(IdentityError::Unavailable(_)))
}

#[tokio::test]
async fn a_silent_cognito_holds_nobody_up_longer_than_three_seconds() {
    let stub = Stub::new(Answer::Hang);
    let limit = CognitoConfig::new("us-east-1", "us-east-1_Ab1", "4s8k2").limit;
    let cognito = Cognito::new(CognitoConfig { limit, ..stub.config() }).unwrap();
    let begun = Instant::now();
    assert!(is_unavailable(&sign_in(&cognito).await));
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(3) && took < Duration::from_millis(3_500), "{took:?}");
}

#[tokio::test]
async fn what_may_have_been_done_is_not_asked_again() {
    let garbage = || Answer::Says(200, "<html>not Cognito</html>".to_owned());
    for answer in [
        Answer::Hang,
        Answer::HangUp,
        Answer::Dribble,
        Answer::Elsewhere,
        garbage(),
        Answer::Says(400, "<html>not Cognito</html>".to_owned()),
        Answer::error(500, "InternalErrorException", "oh"),
        Answer::error(503, "ServiceUnavailable", "oh"),
    ] {
        let stub = Stub::new(answer.clone());
        let begun = Instant::now();
        let outcome = sign_in(&stub.cognito()).await;
        assert!(is_unavailable(&outcome), "{answer:?} {outcome:?}");
        let said = all_of(&outcome.unwrap_err());
        assert!(!said.contains("C0rrect") && !said.contains("not Cognito"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{answer:?} {:?}", begun.elapsed());
        assert_eq!(stub.names(), ["InitiateAuth"], "{answer:?}");
    }
}

#[tokio::test]
async fn a_sign_in_that_breaks_half_way_is_not_begun_again() {
    let mut answers = Answer::signs_in();
    answers[2].1 = Answer::HangUp;
    let stub = Stub::new(Answer::Each(answers));
    assert!(is_unavailable(&sign_in(&stub.cognito()).await));
    assert_eq!(stub.names(), ["InitiateAuth", "GetUser"]);
}

#[tokio::test]
async fn a_limit_is_said_to_be_one() {
    for answer in [
        Answer::error(400, "TooManyRequestsException", "Rate exceeded"),
        Answer::error(400, "ThrottlingException", "Rate exceeded"),
        Answer::error(429, "Whatever", "slow down"),
    ] {
        let stub = Stub::new(answer);
        let outcome = sign_in(&stub.cognito()).await;
        assert!(matches!(outcome, Err(IdentityError::TooManyRequests(_))), "{outcome:?}");
        assert_eq!(stub.names().len(), 1);
    }
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let cognito = Cognito::new(config(free_port())).unwrap();
    let begun = Instant::now();
    let error = sign_in(&cognito).await.unwrap_err();
    assert!(all_of(&error).contains("refused"), "{}", all_of(&error));
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn rests_after_five_failures_and_recovers() {
    let stub = Stub::new(Answer::error(500, "InternalErrorException", "oh"));
    let rest = Duration::from_millis(300);
    let breaker = BreakerConfig { failures: 5, open_for: rest };
    let cognito = Cognito::new(CognitoConfig { breaker, ..stub.config() }).unwrap();
    for _ in 0..5 {
        assert!(is_unavailable(&sign_in(&cognito).await));
    }
    let resting = sign_in(&cognito).await.unwrap_err();
    assert!(all_of(&resting).contains("cognito failed several times"), "{}", all_of(&resting));
    assert_eq!(stub.names().len(), 5);
    stub.now_answers(Answer::Each(Answer::signs_in()));
    let begun = Instant::now();
    while sign_in(&cognito).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(5));
        tokio::task::yield_now().await;
    }
    assert_eq!(stub.names().len(), 7);
    sign_in(&cognito).await.unwrap();
}

#[tokio::test]
async fn what_is_said_of_one_user_causes_no_rest() {
    for code in ["NotAuthorizedException", "LimitExceededException", "CodeDeliveryFailureException"] {
        let stub = Stub::new(Answer::error(400, code, "no"));
        let cognito = stub.cognito();
        for _ in 0..8 {
            sign_in(&cognito).await.unwrap_err();
        }
        assert_eq!(stub.names().len(), 8, "{code}");
    }
}

#[tokio::test]
async fn errors_repeat_nothing_that_was_sent() {
    let echo = "C0rrect-Secret! ada@example.com 048213 for eve@example.com";
    for (status, code) in [(400, "WhateverException"), (400, "InvalidPasswordException"), (500, "Oh")] {
        let stub = Stub::new(Answer::error(status, code, echo));
        let email = Email::parse("ada@example.com").unwrap();
        let (typed, sent) =
            (Password::new("C0rrect-Secret!".to_owned()), ProviderCode::new("048213".to_owned()));
        let error = stub.cognito().reset_password(&email, &sent, &typed).await.unwrap_err();
        let said = all_of(&error);
        for text in ["C0rrect", "ada@", "048213", "eve@"] {
            assert!(!said.contains(text), "{said}");
        }
        assert!(said.contains("for"), "{said}");
    }
}
