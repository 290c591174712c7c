//! Vectors of the standards.

use super::*;

/// RFC 8037 appendix A.1.
const ED25519_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn rfc8037_pair() -> Pair {
    Pair::Ed(EdKeyPair::from_jwk(&Jwk::from_bytes(ED25519_JWK).unwrap()).unwrap())
}

#[test]
fn thumbprint_is_that_of_rfc_7638_3_1() {
    let jwk = Jwk::from_bytes(
        r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
    )
    .unwrap();
    let canonical = canonical(&jwk, &["e", "kty", "n"]).unwrap();
    assert_eq!(thumbprint(&canonical).as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn public_half_and_thumbprint_are_those_of_rfc_8037_a_2_and_a_3() {
    let public = rfc8037_pair().public().unwrap();
    assert_eq!(public.id.as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(
        public.jwk,
        r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"sig","alg":"EdDSA"}"#
    );
}

#[test]
fn signature_is_that_of_rfc_8037_a_4_and_verifies_as_in_a_5() {
    let pair = rfc8037_pair();
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signer = Signer::new(JwtAlgorithm::EdDsa, &pair.as_dyn().to_der_private_key()).unwrap();
    let signature = signer.sign(message).unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.encode(&signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    let verifier = Verifier::new(JwtAlgorithm::EdDsa, &pair.as_dyn().to_der_public_key()).unwrap();
    assert!(verifier.admits(message, &signature));
    assert!(!verifier.admits(b"another", &signature));
}
