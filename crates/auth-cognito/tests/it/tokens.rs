//! Which tokens are believed.

use auth_cognito::CognitoTokens;
use auth_domain::{
    port::{IdentityError, ProviderTokens as _},
    token::TokenRejected,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    signer::{ISSUER, Signer, claims, key_set, now, put_together, with},
    stub::{Answer, Stub},
};

/// A verifier, and the pool it asks for keys.
fn verifier() -> (CognitoTokens, Stub) {
    let stub = Stub::new(Answer::Says(200, key_set(&[Signer::of_the_pool()])));
    (CognitoTokens::new(&stub.config()).expect("the configuration is right"), stub)
}

async fn rejected(tokens: &CognitoTokens, token: &str) -> TokenRejected {
    match tokens.verify(token, now()).await {
        Err(IdentityError::Rejected(why)) => why,
        other => panic!("{other:?}: {token}"),
    }
}

#[tokio::test]
async fn a_token_of_the_pool_is_believed() {
    let (tokens, stub) = verifier();
    let believed = tokens.verify(&Signer::of_the_pool().token(&claims()), now()).await.unwrap();
    assert_eq!((believed.key.issuer(), believed.key.subject()), (ISSUER, "s-1"));
    assert_eq!((believed.username.as_str(), believed.client.as_str()), ("u-1", "4s8k2"));
    assert_eq!(believed.issued_at, now() - TimeDelta::seconds(60));
    assert_eq!(believed.expires_at, now() + TimeDelta::seconds(3_540));
    assert_eq!(stub.names(), ["/us-east-1_Ab1/.well-known/jwks.json"]);
}

#[tokio::test]
async fn every_claim_must_be_there_and_fit() {
    let (tokens, _stub) = verifier();
    let at = |seconds: i64| Some(Value::from((now() + TimeDelta::seconds(seconds)).timestamp()));
    let other_pool = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other";
    for (name, value, why) in [
        ("iss", Some(json!(other_pool)), TokenRejected::WrongParty),
        ("iss", Some(json!(format!("{ISSUER}/"))), TokenRejected::WrongParty),
        ("iss", None, TokenRejected::Malformed),
        ("iss", Some(json!([ISSUER])), TokenRejected::Malformed),
        ("client_id", Some(json!("other")), TokenRejected::WrongParty),
        ("client_id", None, TokenRejected::WrongParty),
        ("token_use", Some(json!("id")), TokenRejected::WrongType),
        ("token_use", None, TokenRejected::Malformed),
        ("sub", None, TokenRejected::NoSubject),
        ("sub", Some(json!("")), TokenRejected::NoSubject),
        ("sub", Some(json!(7)), TokenRejected::Malformed),
        ("username", None, TokenRejected::BadClaim("username")),
        ("exp", at(-30), TokenRejected::Expired),
        ("exp", None, TokenRejected::Malformed),
        ("exp", Some(json!("1767272400")), TokenRejected::Malformed),
        ("exp", Some(json!(1_767_272_400.5)), TokenRejected::Malformed),
        ("exp", Some(json!(-1)), TokenRejected::Malformed),
        ("exp", Some(json!(u64::MAX)), TokenRejected::BadClaim("exp")),
        ("exp", at(-60), TokenRejected::Expired),
        ("iat", at(31), TokenRejected::NotYetValid),
        ("iat", None, TokenRejected::Malformed),
        ("iat", Some(json!(null)), TokenRejected::Malformed),
        ("nbf", at(31), TokenRejected::NotYetValid),
        ("nbf", Some(json!(null)), TokenRejected::Malformed),
        ("nbf", Some(json!("soon")), TokenRejected::Malformed),
    ] {
        let token = Signer::of_the_pool().token(&with(name, value.clone()));
        assert_eq!(rejected(&tokens, &token).await, why, "{name} {value:?}");
    }
    for (name, value) in [("exp", at(-29)), ("iat", at(30)), ("nbf", at(30)), ("nbf", at(0))] {
        let token = Signer::of_the_pool().token(&with(name, value));
        tokens.verify(&token, now()).await.unwrap();
    }
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let (tokens, _stub) = verifier();
    let mut id = with("token_use", Some(json!("id")));
    id["aud"] = id["client_id"].take();
    let token = Signer::of_the_pool().token(&id);
    assert_eq!(rejected(&tokens, &token).await, TokenRejected::WrongType);
}

#[tokio::test]
async fn only_rs256_with_the_pools_key_counts() {
    let (tokens, stub) = verifier();
    let (pool, other) = (Signer::of_the_pool(), Signer::other());
    let said = claims().to_string();
    let none = |alg: &str| put_together(&pool.header(alg).to_string(), &said, |_| Vec::new());
    let header = |alg: &str| pool.header(alg).to_string();
    for token in [
        none("none"),
        none("None"),
        pool.signed_with_hmac(&header("HS256"), &said),
        pool.signed_with_rs384(&header("RS384"), &said),
        pool.signed(&header("rs256"), &said),
        pool.signed(r#"{"alg":"RS256"}"#, &said),
        pool.signed(r#"{"alg":"RS256","kid":""}"#, &said),
    ] {
        assert_eq!(rejected(&tokens, &token).await, TokenRejected::UnknownKey, "{token}");
    }
    assert_eq!(stub.names().len(), 0, "a token that cannot be good makes nobody fetch keys");
    let forged = other.signed(&header("RS256"), &said);
    let (good, signature) =
        (pool.token(&claims()), |token: &str| token.rsplit('.').next().unwrap().to_owned());
    let moved = pool
        .token(&with("sub", Some(json!("s-2"))))
        .replace(&signature(&pool.token(&with("sub", Some(json!("s-2"))))), &signature(&good));
    for token in [
        none("RS256"),
        forged,
        moved,
        pool.signed_with_hmac(&header("RS256"), &said),
        pool.signed_with_rs384(&header("RS256"), &said),
    ] {
        assert_eq!(rejected(&tokens, &token).await, TokenRejected::BadSignature, "{token}");
    }
}

#[tokio::test]
async fn keys_come_from_the_configuration_and_never_from_a_token() {
    let (tokens, stub) = verifier();
    let forger = Signer::other();
    let elsewhere = Stub::new(Answer::Says(200, key_set(&[forger])));
    let url = elsewhere.config().endpoint_url.unwrap();
    for (name, value) in [
        ("jku", json!(url)),
        ("jwk", forger.published()),
        ("x5u", json!(url)),
        ("crit", json!([])),
        ("b64", json!(false)),
    ] {
        let mut header = forger.header("RS256");
        header[name] = value;
        let token = forger.signed(&header.to_string(), &with("iss", Some(json!(url))).to_string());
        assert_eq!(rejected(&tokens, &token).await, TokenRejected::Malformed, "{name}");
    }
    let token = forger.token(&with("iss", Some(json!(url))));
    assert_eq!(rejected(&tokens, &token).await, TokenRejected::UnknownKey);
    assert_eq!((elsewhere.names().len(), stub.names().len()), (0, 1));
}

#[tokio::test]
async fn a_name_that_occurs_twice_is_refused() {
    let (tokens, _stub) = verifier();
    let pool = Signer::of_the_pool();
    let said = claims().to_string();
    for twice in [r#""sub":"s-2""#, r#""\u0073ub":"s-2""#, r#""exp":9999999999"#, r#""token_use":"access""#] {
        let said = format!("{{{twice},{}", &said[1..]);
        let token = pool.signed(&pool.header("RS256").to_string(), &said);
        assert_eq!(rejected(&tokens, &token).await, TokenRejected::Malformed, "{twice}");
    }
    let header = r#"{"alg":"RS256","kid":"pool-key","alg":"RS256"}"#;
    assert_eq!(rejected(&tokens, &pool.signed(header, &said)).await, TokenRejected::Malformed);
}

#[tokio::test]
async fn what_has_not_the_shape_of_a_token_is_refused() {
    let (tokens, stub) = verifier();
    let pool = Signer::of_the_pool();
    let good = pool.token(&claims());
    let huge = pool.token(&with("scope", Some(json!("x".repeat(9_000)))));
    let listed = pool.signed(r#"["RS256","pool-key"]"#, &claims().to_string());
    let typed = pool.signed(r#"{"alg":"RS256","kid":"pool-key","typ":"at+jwt"}"#, &claims().to_string());
    let cut = good.rsplit_once('.').unwrap().0.to_owned();
    let (padded, longer, spaced) = (format!("{good}="), format!("{good}.AAAA"), format!("{good} "));
    let texts = ["", ".", "..", "...", "a.b.c", &"x".repeat(100_000), &"e30.".repeat(1_000)];
    let long = [huge, listed, typed, cut, padded, longer, spaced];
    for token in texts.into_iter().chain(long.iter().map(String::as_str)) {
        let why = rejected(&tokens, token).await;
        assert_eq!(why, TokenRejected::Malformed, "{token:.60}");
    }
    assert_eq!(stub.names().len(), 0);
    for payload in ["", "[]", "null", "{", r#"["a","b"]"#, &format!("{}{{}}", claims())] {
        let token = pool.signed(&pool.header("RS256").to_string(), payload);
        assert_eq!(rejected(&tokens, &token).await, TokenRejected::Malformed, "{payload}");
    }
}
