//! A pool's key, and tokens signed with it.

use std::sync::OnceLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac as _};
use josekit::{
    jwk::{KeyPair as _, alg::rsa::RsaKeyPair},
    jws::{JwsSigner as _, RS256, RS384},
};
use serde_json::{Value, json};
use sha2::Sha256;

/// Who signs: the pool of the tests' configuration.
pub(crate) const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1";

/// When the tests take place.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_268_800, 0).expect("a time")
}

/// A key of 2048 bits, as pools have them.
pub(crate) struct Signer {
    pair: RsaKeyPair,
    pub(crate) key_id: &'static str,
}

impl Signer {
    fn new(key_id: &'static str) -> Self {
        Self { pair: RS256.generate_key_pair(2048).expect("a key"), key_id }
    }

    /// The pool's key.
    pub(crate) fn of_the_pool() -> &'static Self {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        SIGNER.get_or_init(|| Self::new("pool-key"))
    }

    /// Another key, of the pool's next set or of a forger.
    pub(crate) fn other() -> &'static Self {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        SIGNER.get_or_init(|| Self::new("other-key"))
    }

    /// The public half, as a pool publishes it.
    pub(crate) fn published(&self) -> Value {
        let jwk = self.pair.to_jwk_public_key();
        let part = |name: &str| jwk.parameter(name).cloned().expect("a key has its parts");
        json!({"kid": self.key_id, "kty": "RSA", "alg": "RS256", "use": "sig", "n": part("n"), "e": part("e")})
    }

    pub(crate) fn header(&self, alg: &str) -> Value {
        json!({"kid": self.key_id, "alg": alg})
    }

    /// A token that says `claims`.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signed(&self.header("RS256").to_string(), &claims.to_string())
    }

    /// A token of these very texts.
    pub(crate) fn signed(&self, header: &str, claims: &str) -> String {
        let signer = RS256.signer_from_der(self.pair.to_der_private_key()).expect("a signer");
        put_together(header, claims, |message| signer.sign(message).expect("a signature"))
    }

    pub(crate) fn signed_with_rs384(&self, header: &str, claims: &str) -> String {
        let signer = RS384.signer_from_der(self.pair.to_der_private_key()).expect("a signer");
        put_together(header, claims, |message| signer.sign(message).expect("a signature"))
    }

    /// The old trick: the public key as the secret of an HMAC.
    pub(crate) fn signed_with_hmac(&self, header: &str, claims: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.pair.to_pem_public_key()).expect("any length");
        put_together(header, claims, |message| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        })
    }
}

/// The claims of a good token.
pub(crate) fn claims() -> Value {
    let at = |seconds: i64| (now() + TimeDelta::seconds(seconds)).timestamp();
    json!({
        "sub": "s-1", "iss": ISSUER, "client_id": "4s8k2", "token_use": "access", "username": "u-1",
        "scope": "aws.cognito.signin.user.admin", "auth_time": at(-60), "iat": at(-60), "exp": at(3_540),
        "jti": "j-1", "version": 2, "cognito:groups": ["admin"],
    })
}

/// The claims of a good token with one of them replaced, or left out.
pub(crate) fn with(name: &str, value: Option<Value>) -> Value {
    let mut claims = claims();
    let all = claims.as_object_mut().expect("an object");
    match value {
        Some(value) => all.insert(name.to_owned(), value),
        None => all.remove(name),
    };
    claims
}

/// An answer with these keys.
pub(crate) fn key_set(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| signer.published()).collect::<Vec<_>>()}).to_string()
}

pub(crate) fn put_together(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}
