//! What SNS refuses, and an SNS that does not answer as it should.

use std::time::{Duration, Instant};

use auth_domain::{guard::BreakerConfig, port::SmsError};
use auth_sns::{SnsConfig, SnsSmsSender};
use auth_testkit::part::free_port;

use crate::stub::{Answer, Stub, config, send};

/// The name of an error's variant.
fn name(error: &SmsError) -> &'static str {
    match error {
        SmsError::InvalidNumber(_) => "invalid number",
        SmsError::OptedOut(_) => "opted out",
        SmsError::Throttled(_) => "throttled",
        SmsError::Misconfigured(_) => "misconfigured",
        SmsError::Unavailable(_) => "unavailable",
        _ => "other",
    }
}

fn all_of(error: &SmsError) -> String {
    format!("{error} {error:?} {:?}", std::error::Error::source(error).map(ToString::to_string))
}

#[tokio::test]
async fn a_publish_says_all_that_is_configured_and_no_more() {
    let stub = Stub::new(Answer::Taken);
    let receipt = send(&stub.sender()).await.unwrap();
    assert_eq!(receipt.message_id.as_deref(), Some("567910cd-659e-55d4-8ccb-5aaf14679dc0"));
    let named = SnsConfig { sender_id: Some("Acme".to_owned()), ..stub.config() };
    send(&SnsSmsSender::new(named).unwrap()).await.unwrap();
    let [without, with] = stub.requests().try_into().unwrap();
    for said in
        ["Action=Publish", "Version=2010-03-31", "PhoneNumber=%2B15551234567", "048213", "Transactional"]
    {
        assert!(without.contains(said) && with.contains(said), "{said}: {without}");
    }
    assert!(!without.contains("SenderID"), "{without}");
    assert!(with.contains("AWS.SNS.SMS.SenderID") && with.contains("Acme"), "{with}");
}

#[tokio::test]
async fn refusals_say_whose_fault_they_are() {
    for (answer, expected) in [
        (
            (400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: +15551234567 is not valid"),
            "invalid number",
        ),
        ((400, "ParameterValueInvalid", "+15551234567 is not valid to publish to"), "invalid number"),
        ((400, "OptedOut", "Phone number is opted out"), "opted out"),
        ((400, "InvalidParameter", "Invalid parameter: phone number +15551234567 is opted out"), "opted out"),
        (
            (400, "InvalidParameter", "Invalid parameter: Message attribute AWS.SNS.SMS.SenderID"),
            "misconfigured",
        ),
        ((400, "Throttling", "Rate exceeded"), "throttled"),
        ((429, "Whatever", "slow down"), "throttled"),
        ((403, "AuthorizationError", "not authorized to perform: SNS:Publish"), "misconfigured"),
        ((403, "InvalidClientTokenId", "The security token is invalid"), "misconfigured"),
        ((403, "SignatureDoesNotMatch", "no"), "misconfigured"),
        ((500, "InternalError", "oh"), "unavailable"),
        ((503, "ServiceUnavailable", "oh"), "unavailable"),
    ] {
        let stub = Stub::new(Answer::Error(answer.0, answer.1, answer.2));
        let error = send(&stub.sender()).await.unwrap_err();
        assert_eq!(name(&error), expected, "{answer:?}");
        assert_eq!(error.is_about_the_number(), ["invalid number", "opted out"].contains(&expected));
        let said = all_of(&error);
        assert!(!said.contains("5551234567") && !said.contains("048213"), "{said}");
        assert_eq!(stub.requests().len(), 1, "{answer:?}: sent again");
    }
}

#[tokio::test]
async fn what_may_have_been_accepted_is_not_sent_again() {
    for answer in [Answer::Hang, Answer::HangUp, Answer::Garbage, Answer::Dribble, Answer::Elsewhere] {
        let stub = Stub::new(answer);
        let begun = Instant::now();
        let error = send(&stub.sender()).await.unwrap_err();
        assert_eq!(name(&error), "unavailable");
        let said = all_of(&error);
        assert!(!said.contains("048213") && !said.contains("not SNS"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(stub.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_when_it_is_used_again_is_no_reason_to_send_again() {
    let stub = Stub::new(Answer::Taken);
    let sender = stub.sender();
    send(&sender).await.unwrap();
    stub.now_answers(Answer::HangUp);
    assert_eq!(name(&send(&sender).await.unwrap_err()), "unavailable");
    assert_eq!((stub.requests().len(), stub.connections()), (2, 1));
}

#[tokio::test]
async fn nothing_is_sent_after_the_caller_was_told() {
    let stub = Stub::new(Answer::Hang);
    let sender = stub.sender();
    assert_eq!(name(&send(&sender).await.unwrap_err()), "unavailable");
    stub.now_answers(Answer::Taken);
    // Longer than any pause before another attempt would be.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stub.requests().len(), 1);
}

#[tokio::test]
async fn credentials_are_looked_for_without_a_word_to_sns() {
    let stub = Stub::new(Answer::Taken);
    stub.sender().find_credentials().await.unwrap();
    assert_eq!((stub.requests().len(), stub.connections()), (0, 0));
}

#[tokio::test]
async fn a_silent_sns_holds_nobody_up_longer_than_three_seconds() {
    let stub = Stub::new(Answer::Hang);
    let limit = SnsConfig::new("us-east-1").limit;
    let sender = SnsSmsSender::new(SnsConfig { limit, ..stub.config() }).unwrap();
    let begun = Instant::now();
    assert_eq!(name(&send(&sender).await.unwrap_err()), "unavailable");
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(3) && took < Duration::from_millis(3_500), "{took:?}");
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let sender = SnsSmsSender::new(config(free_port())).unwrap();
    let begun = Instant::now();
    let error = send(&sender).await.unwrap_err();
    assert_eq!(name(&error), "unavailable");
    assert!(all_of(&error).contains("refused"), "{}", all_of(&error));
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn rests_after_five_failures_and_recovers() {
    let stub = Stub::new(Answer::Error(500, "InternalError", "oh"));
    let rest = Duration::from_millis(300);
    let breaker = BreakerConfig { failures: 5, open_for: rest };
    let sender = SnsSmsSender::new(SnsConfig { breaker, ..stub.config() }).unwrap();
    for _ in 0..5 {
        assert_eq!(name(&send(&sender).await.unwrap_err()), "unavailable");
    }
    let resting = send(&sender).await.unwrap_err();
    assert!(all_of(&resting).contains("sns failed several times"), "{}", all_of(&resting));
    assert_eq!(stub.requests().len(), 5);
    stub.now_answers(Answer::Taken);
    let begun = Instant::now();
    while send(&sender).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(5));
        tokio::task::yield_now().await;
    }
    assert_eq!(stub.requests().len(), 6);
    send(&sender).await.unwrap();
}

#[tokio::test]
async fn refused_numbers_cause_no_rest() {
    let stub = Stub::new(Answer::Error(400, "InvalidParameter", "PhoneNumber is not valid"));
    let sender = stub.sender();
    for _ in 0..8 {
        assert_eq!(name(&send(&sender).await.unwrap_err()), "invalid number");
    }
    assert_eq!(stub.requests().len(), 8);
}
