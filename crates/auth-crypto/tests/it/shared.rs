//! HS256: one secret shared with sister services, and no ring.

use auth_domain::{
    port::{KeyFactory, KeyRing, TokenSigner, TokenVerifier},
    token::{JwtAlgorithm, TokenRejected},
};
use auth_testkit::contract::tokens::{claims, noon};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const PLAIN: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A token as a sister service makes it.
fn sister(header: &str, payload: &str, secret: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn payload() -> String {
    let exp = noon().timestamp() + 600;
    format!(r#"{{"sub":"1","type":"access","tenant_id":"default","exp":{exp}}}"#)
}

#[test]
fn reads_back_what_it_signed() {
    let keys = crate::ring(JwtAlgorithm::Hs256);
    let token = keys.sign(&claims(noon()), noon()).unwrap();
    assert_eq!(keys.verify(token.expose_secret(), noon()), Ok(claims(noon())));
}

#[test]
fn has_no_ring() {
    let keys = crate::ring(JwtAlgorithm::Hs256);
    assert!(keys.generate(noon(), noon()).is_err());
    let left = crate::ring(JwtAlgorithm::EdDsa).generate(noon(), noon()).unwrap();
    keys.install(&[left]).unwrap();
    assert!(keys.published().is_empty());
}

#[test]
fn believes_sister_services() {
    let keys = crate::ring(JwtAlgorithm::Hs256);
    let read = keys.verify(&sister(PLAIN, &payload(), crate::SECRET), noon()).unwrap();
    assert_eq!((read.subject.as_i64(), read.session), (1, None));
    assert!(keys.verify(&sister(r#"{"alg":"HS256"}"#, &payload(), crate::SECRET), noon()).is_ok());
}

#[test]
fn believes_nobody_else() {
    let keys = crate::ring(JwtAlgorithm::Hs256);
    let good = payload();
    let wrong = sister(PLAIN, &good, "7c9e6679742540de944be07fc1f90ae7");
    assert_eq!(keys.verify(&wrong, noon()), Err(TokenRejected::BadSignature));
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None","typ":"JWT"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":"HS512","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":"../../dev/null"}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"typ":"JWT"}"#,
        "{}",
        "[]",
        "",
    ] {
        assert!(keys.verify(&sister(header, &good, crate::SECRET), noon()).is_err(), "{header}");
    }
    let message = sister(PLAIN, &good, crate::SECRET);
    let (message, _) = message.rsplit_once('.').unwrap();
    assert!(keys.verify(&format!("{message}."), noon()).is_err(), "without a signature");
}

#[test]
fn the_four_required_claims_must_be_there_and_fit() {
    let keys = crate::ring(JwtAlgorithm::Hs256);
    let exp = format!("\"exp\":{}", noon().timestamp() + 600);
    for part in ["\"sub\":\"1\"", "\"type\":\"access\"", "\"tenant_id\":\"default\"", &exp] {
        let name = part.split(':').next().unwrap();
        let missing = payload().replace(part, "\"x\":0");
        assert!(keys.verify(&sister(PLAIN, &missing, crate::SECRET), noon()).is_err(), "no {name}");
        for bad in ["null", "\"\"", "-1", "1e300", "[]", "{}", "true", "[\"access\"]"] {
            let changed = payload().replace(part, &format!("{name}:{bad}"));
            assert!(keys.verify(&sister(PLAIN, &changed, crate::SECRET), noon()).is_err(), "{name}: {bad}");
        }
    }
}
