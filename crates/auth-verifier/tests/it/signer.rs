//! Whoever signs: the server, or a forger with a key of the server in hand. By josekit, so that what is
//! verified here by ring was made by another library.

use auth_verifier::{Algorithm, Expectations, StaticKeys, Trust, Verifier};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::{Jwk, KeyPair, alg::ed::EdCurve},
    jws::{ES256, EdDSA, HS256, JwsSigner, RS256},
};
use serde_json::{Map, Value, json};

/// Noon of a summer's day, in seconds since 1970.
pub(crate) const NOON: u64 = 1_782_907_200;
pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const AUDIENCE: &str = "orders";

/// A key pair.
pub(crate) struct Signer {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) public_pem: Vec<u8>,
    by: Box<dyn JwsSigner>,
    jwk: Value,
}

impl Signer {
    pub(crate) fn new(algorithm: Algorithm, id: &str) -> Self {
        let (pair, signer): (Box<dyn KeyPair>, Box<dyn JwsSigner>) = match algorithm {
            Algorithm::EdDsa => {
                let pair = EdDSA.generate_key_pair(EdCurve::Ed25519).unwrap();
                let signer = EdDSA.signer_from_der(pair.to_der_private_key()).unwrap();
                (Box::new(pair), Box::new(signer))
            }
            Algorithm::Es256 => {
                let pair = ES256.generate_key_pair().unwrap();
                let signer = ES256.signer_from_der(pair.to_der_private_key()).unwrap();
                (Box::new(pair), Box::new(signer))
            }
            Algorithm::Rs256 => {
                let pair = RS256.generate_key_pair(2048).unwrap();
                let signer = RS256.signer_from_der(pair.to_der_private_key()).unwrap();
                (Box::new(pair), Box::new(signer))
            }
        };
        let jwk = published(&pair.to_jwk_public_key(), id, algorithm);
        let public_pem = pair.to_pem_public_key();
        Self { id: id.to_owned(), algorithm, public_pem, by: signer, jwk }
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.algorithm.as_str(), "typ": "at+jwt", "kid": self.id })
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        compact(&*self.by, header, claims)
    }

    /// A good token.
    pub(crate) fn token(&self) -> String {
        self.sign(&self.header(), &claims())
    }
}

fn published(jwk: &Jwk, id: &str, algorithm: Algorithm) -> Value {
    let mut members: Map<String, Value> = jwk.as_ref().clone();
    members.extend([
        ("kid".to_owned(), json!(id)),
        ("alg".to_owned(), json!(algorithm.as_str())),
        ("use".to_owned(), json!("sig")),
    ]);
    Value::Object(members)
}

/// What the server publishes.
pub(crate) fn jwks(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| &signer.jwk).collect::<Vec<_>>() }).to_string()
}

/// Signs with a secret, as HS256 does.
pub(crate) fn with_secret(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signer = HS256.signer_from_bytes(secret).unwrap();
    compact(&signer, &header.to_string(), &claims.to_string())
}

fn compact(signer: &dyn JwsSigner, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signer.sign(message.as_bytes()).unwrap()))
}

/// The claims of a good token.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "17", "type": "access", "tenant_id": "default",
        "exp": NOON + 600, "iat": NOON - 60, "nbf": NOON - 60, "jti": "j", "sid": 3, "amr": ["pwd"],
        "auth_time": NOON - 60,
    })
}

pub(crate) fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(crate) fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

pub(crate) fn expectations() -> Expectations {
    Expectations::new(ISSUER, AUDIENCE)
}

/// A verifier that knows the keys of `signers` and no other.
pub(crate) fn knowing(signers: &[&Signer]) -> Verifier {
    let keys = StaticKeys::from_jwks(jwks(signers).as_bytes()).unwrap();
    Verifier::new(expectations(), Trust::keys(keys))
}
