//! What is asked of Cognito, word for word: mocks look at little of it.

use auth_cognito::{Cognito, CognitoConfig};
use auth_domain::{
    port::{
        IdentityAccounts as _, IdentityError, IdentityProvider as _, ProviderAnswer, ProviderChallengeKind,
        ProviderCode, ProviderRefreshToken, ProviderSignIn, ProviderSignUp,
    },
    user::{Email, Password},
};
use serde_json::Value;

use crate::stub::{Answer, Stub};

// printf 'NAME4s8k2' | openssl dgst -sha256 -hmac 'the secret' -binary | base64
const HASH_OF_ADDRESS: &str = "zW73mKNBkhdvRR8g/DT1SBETBgu+RM2pkzsY5YgV2Fs=";
const HASH_OF_NAME: &str = "XDYyHYml9wt4RZDQG59t6En5Jyz4Cq+2n6gsHunB8OI=";

fn email() -> Email {
    Email::parse("ada@example.com").expect("an address")
}

fn password() -> Password {
    Password::new("C0rrect-Secret!".to_owned())
}

fn code() -> ProviderCode {
    ProviderCode::new("048213".to_owned())
}

fn with_secret(stub: &Stub) -> Cognito {
    let client_secret = Some("the secret".to_owned().into());
    Cognito::new(CognitoConfig { client_secret, ..stub.config() }).expect("the configuration is right")
}

fn answers() -> Vec<(&'static str, Answer)> {
    let mut all = Answer::signs_in();
    let done = || Answer::Says(200, "{}".to_owned());
    all.push(("SignUp", Answer::Says(200, r#"{"UserSub":"s-1","UserConfirmed":false}"#.to_owned())));
    for call in ["ConfirmSignUp", "ResendConfirmationCode", "ForgotPassword", "ConfirmForgotPassword"] {
        all.push((call, done()));
    }
    all
}

async fn all_calls(cognito: &Cognito) {
    let account = ProviderSignUp { email: email(), password: password(), full_name: None, phone: None };
    cognito.sign_up(&account).await.expect("is answered");
    cognito.confirm(&email(), &code()).await.expect("is answered");
    cognito.resend_code(&email()).await.expect("is answered");
    cognito.forgot_password(&email()).await.expect("is answered");
    cognito.reset_password(&email(), &code(), &password()).await.expect("is answered");
    cognito.sign_in(&email(), &password()).await.expect("is answered");
    cognito.refresh("u-1", &ProviderRefreshToken::new("refresh".to_owned())).await.expect("is answered");
}

/// The hash of each request that names a user, by the request's name.
fn hashes(stub: &Stub) -> Vec<(String, Option<String>)> {
    let asked = stub.requests().into_iter().filter(|request| request.name != "GetUser");
    asked
        .map(|request| {
            let body: Value = serde_json::from_str(&request.body).expect("JSON");
            let places = [&body["SecretHash"], &body["AuthParameters"]["SECRET_HASH"]];
            let hash = places.into_iter().find_map(Value::as_str).map(str::to_owned);
            (request.name, hash)
        })
        .collect()
}

#[tokio::test]
async fn a_client_with_a_secret_proves_it_in_every_call() {
    let stub = Stub::new(Answer::Each(answers()));
    all_calls(&with_secret(&stub)).await;
    let hashes = hashes(&stub);
    assert_eq!(hashes.len(), 7);
    let (refresh, others) = hashes.split_last().unwrap();
    for (name, hash) in others {
        assert_eq!(hash.as_deref(), Some(HASH_OF_ADDRESS), "{name}");
    }
    assert_eq!(refresh.1.as_deref(), Some(HASH_OF_NAME));
    let said = format!("{:?}", stub.requests());
    assert!(!said.contains("the secret"), "{said}");
}

#[tokio::test]
async fn a_client_without_a_secret_sends_none() {
    let stub = Stub::new(Answer::Each(answers()));
    all_calls(&stub.cognito()).await;
    assert!(hashes(&stub).iter().all(|(_, hash)| hash.is_none()));
}

#[tokio::test]
async fn no_credentials_are_sent_and_no_secret_is_in_an_address() {
    let stub = Stub::new(Answer::Each(answers()));
    all_calls(&stub.cognito()).await;
    for request in stub.requests() {
        let head = request.head.to_lowercase();
        assert!(head.starts_with("post / http/1.1"), "{head}");
        assert!(!head.contains("authorization") && !head.contains("c0rrect"), "{head}");
    }
}

#[tokio::test]
async fn a_challenge_is_answered_in_the_pools_own_name_for_the_user() {
    let asked = r#"{"ChallengeName":"SMS_MFA","Session":"se-1","ChallengeParameters":{
        "USER_ID_FOR_SRP":"u-1","CODE_DELIVERY_DESTINATION":"+*******0001","CODE_DELIVERY_DELIVERY_MEDIUM":"SMS"}}"#;
    let mut answers = answers();
    answers[0].1 = Answer::Says(200, asked.to_owned());
    let stub = Stub::new(Answer::Each(answers));
    let cognito = with_secret(&stub);
    let asked = cognito.sign_in(&email(), &password()).await.unwrap();
    let ProviderSignIn::Challenge(asked) = asked else { panic!("{asked:?}") };
    assert_eq!(asked.kind, ProviderChallengeKind::SmsMfa);
    assert_eq!((asked.username.as_str(), asked.destination.as_deref()), ("u-1", Some("+*******0001")));
    cognito.answer(&asked, &ProviderAnswer::Code(code())).await.unwrap();
    let reply = stub.requests().into_iter().find(|request| request.name == "RespondToAuthChallenge").unwrap();
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((&body["Session"], &body["ChallengeName"]), (&Value::from("se-1"), &Value::from("SMS_MFA")));
    let answer = &body["ChallengeResponses"];
    let said = ["USERNAME", "SMS_MFA_CODE", "SECRET_HASH"].map(|name| answer[name].as_str().unwrap());
    assert_eq!(said, ["u-1", "048213", HASH_OF_NAME]);
}

#[tokio::test]
async fn a_user_without_a_subject_is_nobody() {
    let answers = vec![
        ("SignUp", Answer::Says(200, r#"{"UserSub":"","UserConfirmed":true}"#.to_owned())),
        Answer::signs_in().remove(0),
        (
            "GetUser",
            Answer::Says(
                200,
                r#"{"Username":"u","UserAttributes":[{"Name":"email","Value":"a@example.com"}]}"#.to_owned(),
            ),
        ),
    ];
    let stub = Stub::new(Answer::Each(answers));
    let account = ProviderSignUp { email: email(), password: password(), full_name: None, phone: None };
    let opened = stub.cognito().sign_up(&account).await;
    assert!(matches!(opened, Err(IdentityError::Internal(_))), "{opened:?}");
    let entered = stub.cognito().sign_in(&email(), &password()).await;
    assert!(matches!(entered, Err(IdentityError::Internal(_))), "{entered:?}");
}
