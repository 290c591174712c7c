//! Tokens that are good, and all that are not.

use std::{collections::BTreeSet, time::Duration};

use auth_verifier::{Algorithm, Claims, Tenants, Trust, Verifier, VerifyError, WeakSecret};
use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::signer::{NOON, Signer, claims, expectations, knowing, with, with_secret, without};

const SECRET: &[u8] = b"0f8fad5bd9cb469fa16570867728950e";

async fn verdict(verifier: &Verifier, token: &str) -> Result<Claims, VerifyError> {
    verifier.verify_at(token, NOON).await
}

#[tokio::test]
async fn each_algorithm_is_believed_with_its_own_key() {
    for algorithm in Algorithm::ALL {
        let (own, other) = (Signer::new(algorithm, "own"), Signer::new(algorithm, "own"));
        let verifier = knowing(&[&own]);
        let expected = Claims {
            user_id: 17,
            tenant: "default".to_owned(),
            session_id: Some(3),
            token_id: Some("j".to_owned()),
            issued_at: NOON - 60,
            expires_at: NOON + 600,
            authenticated_at: Some(NOON - 60),
            methods: vec!["pwd".to_owned()],
        };
        assert_eq!(verdict(&verifier, &own.token()).await, Ok(expected), "{algorithm:?}");
        assert_eq!(verdict(&verifier, &other.token()).await, Err(VerifyError::BadSignature), "{algorithm:?}");
    }
}

/// The token names an algorithm; the key has one. A public key is no secret, and `none` no signature.
#[tokio::test]
async fn no_token_chooses_how_it_is_verified() {
    let signers = Algorithm::ALL.map(|algorithm| Signer::new(algorithm, algorithm.as_str()));
    let verifier = knowing(&signers.each_ref());
    for signer in &signers {
        for alg in ["none", "None", "", "HS256", "RS512", "PS256", "EdDSA", "ES256", "RS256"] {
            let header = json!({ "alg": alg, "typ": "at+jwt", "kid": signer.id });
            let token = signer.sign(&header, &claims());
            let good = alg == signer.algorithm.as_str();
            assert_eq!(verdict(&verifier, &token).await.is_ok(), good, "{alg} with {:?}", signer.algorithm);
            let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
            assert_eq!(verdict(&verifier, &unsigned).await, Err(VerifyError::Malformed), "{alg}");
            let header = json!({ "alg": alg, "typ": "at+jwt", "kid": signer.id });
            let by_public_key = with_secret(&signer.public_pem, &header, &claims());
            assert!(verdict(&verifier, &by_public_key).await.is_err(), "{alg}");
        }
    }
    let narrow = expectations().algorithms(&[Algorithm::Es256]);
    let keys =
        auth_verifier::StaticKeys::from_jwks(crate::signer::jwks(&signers.each_ref()).as_bytes()).unwrap();
    let narrow = Verifier::new(narrow, Trust::keys(keys));
    for signer in &signers {
        let good = signer.algorithm == Algorithm::Es256;
        assert_eq!(verdict(&narrow, &signer.token()).await.is_ok(), good, "{:?}", signer.algorithm);
    }
}

#[tokio::test]
async fn a_shared_secret_believes_itself_and_no_key() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    let verifier = Verifier::new(expectations(), Trust::shared_secret(SECRET).unwrap());
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    assert!(verdict(&verifier, &with_secret(SECRET, &header, &claims())).await.is_ok());
    let other = b"7c9e6679742540de944be07fc1f90ae7";
    let forged = with_secret(other, &header, &claims());
    assert_eq!(verdict(&verifier, &forged).await, Err(VerifyError::BadSignature));
    assert!(verdict(&verifier, &signer.token()).await.is_err());
    for header in [json!({ "alg": "none" }), json!({ "alg": "HS512" }), json!({ "alg": "HS256", "kid": "k" })]
    {
        assert!(verdict(&verifier, &with_secret(SECRET, &header, &claims())).await.is_err(), "{header}");
    }
    assert_eq!(Trust::shared_secret(&SECRET[1..]).err(), Some(WeakSecret));
}

#[tokio::test]
async fn every_claim_is_judged() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    let verifier = knowing(&[&signer]);
    let now = NOON;
    let table: Vec<(Value, VerifyError)> = vec![
        (with("type", json!("refresh")), VerifyError::WrongType),
        (without("type"), VerifyError::WrongType),
        (with("iss", json!("https://auth.example.com/")), VerifyError::WrongIssuer),
        (without("iss"), VerifyError::WrongIssuer),
        (with("aud", json!("Orders")), VerifyError::WrongAudience),
        (without("aud"), VerifyError::WrongAudience),
        (with("aud", json!(["orders"])), VerifyError::Malformed),
        (with("tenant_id", json!("acme")), VerifyError::WrongTenant),
        (with("tenant_id", json!("Default")), VerifyError::BadClaim("tenant_id")),
        (without("tenant_id"), VerifyError::BadClaim("tenant_id")),
        (with("sub", json!("017")), VerifyError::BadClaim("sub")),
        (with("sub", json!("-1")), VerifyError::BadClaim("sub")),
        (with("sub", json!("9007199254740992")), VerifyError::BadClaim("sub")),
        (with("sub", json!(17)), VerifyError::Malformed),
        (without("sub"), VerifyError::BadClaim("sub")),
        (without("exp"), VerifyError::BadClaim("exp")),
        (without("iat"), VerifyError::BadClaim("iat")),
        (with("exp", json!(now - 30)), VerifyError::Expired),
        (with("exp", json!(1e300)), VerifyError::Malformed),
        (with("exp", json!(u64::MAX)), VerifyError::BadClaim("exp")),
        (with("exp", json!(now + 90_000)), VerifyError::BadClaim("exp")),
        (with("iat", json!(now + 31)), VerifyError::NotYetValid),
        (with("nbf", json!(now + 31)), VerifyError::NotYetValid),
        (with("nbf", json!(null)), VerifyError::Malformed),
        (with("sid", json!(1u64 << 53)), VerifyError::BadClaim("sid")),
        (with("sid", json!("3")), VerifyError::Malformed),
        (with("amr", json!("pwd")), VerifyError::Malformed),
    ];
    for (claims, expected) in table {
        let token = signer.sign(&signer.header(), &claims);
        assert_eq!(verdict(&verifier, &token).await, Err(expected), "{claims}");
    }
    // Half a minute either way is no difference between clocks.
    for claims in [with("exp", json!(now - 29)), with("iat", json!(now + 30)), with("nbf", json!(now + 30))] {
        assert!(verdict(&verifier, &signer.sign(&signer.header(), &claims)).await.is_ok(), "{claims}");
    }
}

#[tokio::test]
async fn tenants_and_skew_are_the_services_choice() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    let of = |expectations| {
        let keys = auth_verifier::StaticKeys::from_jwks(crate::signer::jwks(&[&signer]).as_bytes()).unwrap();
        Verifier::new(expectations, Trust::keys(keys))
    };
    let acme = signer.sign(&signer.header(), &with("tenant_id", json!("acme")));
    let two = Tenants::Only(BTreeSet::from(["acme".to_owned(), "web".to_owned()]));
    for (tenants, own, other) in
        [(Tenants::one("default"), true, false), (two, false, true), (Tenants::Any, true, true)]
    {
        let verifier = of(expectations().tenants(tenants.clone()));
        assert_eq!(verdict(&verifier, &signer.token()).await.is_ok(), own, "{tenants:?}");
        assert_eq!(verdict(&verifier, &acme).await.is_ok(), other, "{tenants:?}");
    }
    let old = signer.sign(&signer.header(), &with("exp", json!(NOON - 1)));
    assert_eq!(verdict(&of(expectations().skew(Duration::ZERO)), &old).await, Err(VerifyError::Expired));
    let older = signer.sign(&signer.header(), &with("exp", json!(NOON - 301)));
    let generous = of(expectations().skew(Duration::from_hours(1)));
    assert_eq!(verdict(&generous, &older).await, Err(VerifyError::Expired), "five minutes at most");
}

#[tokio::test]
async fn shapes_that_the_server_does_not_write_are_refused() {
    let signer = Signer::new(Algorithm::EdDsa, "k");
    let verifier = knowing(&[&signer]);
    let (header, payload) = (signer.header().to_string(), claims().to_string());
    let token = signer.token();
    let parts: Vec<&str> = token.split('.').collect();
    let padded = URL_SAFE.encode(format!("{payload} "));
    let inserted = |member: &str| header.replacen('{', &format!("{{{member},"), 1);
    let mut bad = vec![
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        parts[..2].join("."),
        format!("{token}."),
        format!("{token}="),
        format!(" {token}"),
        format!("{}.{padded}.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(9000)),
        signer.sign_text(&header, "[]"),
        signer.sign_text(&header, &payload.replacen('{', r#"{"sub":"18","#, 1)),
        signer.sign_text(&inserted(r#""alg":"EdDSA""#), &payload),
        signer.sign_text(&header.replace("at+jwt", "JWT"), &payload),
        signer.sign_text(&json!({ "alg": "EdDSA", "kid": "k" }).to_string(), &payload),
    ];
    for member in [r#""crit":[]"#, r#""jwk":{}"#, r#""jku":"https://evil.example.com""#, r#""zip":"DEF""#] {
        bad.push(signer.sign_text(&inserted(member), &payload));
    }
    for token in &bad {
        assert_eq!(verdict(&verifier, token).await, Err(VerifyError::Malformed), "{token}");
    }
    let nameless = signer.sign(&json!({ "alg": "EdDSA", "typ": "at+jwt" }), &claims());
    assert_eq!(verdict(&verifier, &nameless).await, Err(VerifyError::UnknownKey));
    let changed = URL_SAFE_NO_PAD.encode(with("sub", json!("18")).to_string());
    let changed = format!("{}.{changed}.{}", parts[0], parts[2]);
    assert_eq!(verdict(&verifier, &changed).await, Err(VerifyError::BadSignature));
}

#[test]
fn nothing_prints_the_secret() {
    let trust = Trust::shared_secret(SECRET).unwrap();
    let verifier = Verifier::new(expectations(), trust.clone());
    let text = format!("{trust:?} {verifier:?}");
    assert!(!text.contains("0f8fad5b"), "{text}");
}
