//! The pool's public keys, and raw signatures by josekit (OpenSSL).

use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{JwsVerifier, RS256},
};
use serde::Deserialize;

use super::compact::MAX_KEY_ID_BYTES;

/// A pool has two; more than this is no answer of a pool.
const MAX_KEYS: usize = 16;
/// 2048 bits are the least that RFC 7518 §3.3 allows; more than 4096 only cost time.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// 65537 has three bytes, and each one more makes a signature slower to check.
const MAX_EXPONENT_BYTES: usize = 4;

/// A key of the pool, for RS256 and nothing else.
#[derive(Debug)]
pub(super) struct Key {
    id: String,
    verifier: Box<dyn JwsVerifier>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Published>,
}

/// The members this server looks at.
#[derive(Deserialize)]
struct Published {
    kid: Option<String>,
    kty: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// Reads the keys of a JWKS (RFC 7517 §5). Keys of other kinds are left out.
pub(super) fn read(body: &[u8]) -> Result<Vec<Key>, String> {
    let set: KeySet = serde_json::from_slice(body).map_err(|_| "the answer holds no keys")?;
    if set.keys.len() > MAX_KEYS {
        return Err("the answer holds too many keys".to_owned());
    }
    let keys: Vec<Key> = set.keys.into_iter().filter_map(Key::new).collect();
    let twice =
        keys.iter().enumerate().any(|(index, key)| keys[..index].iter().any(|other| other.id == key.id));
    if twice || keys.is_empty() {
        return Err("the answer holds no key for RS256, or two of one name".to_owned());
    }
    Ok(keys)
}

impl Key {
    fn new(published: Published) -> Option<Self> {
        let is = |said: &Option<String>, wanted| said.as_deref() == Some(wanted);
        if !is(&published.kty, "RSA") || !is(&published.alg, "RS256") || !is(&published.r#use, "sig") {
            return None;
        }
        let id = published.kid.filter(|id| (1..=MAX_KEY_ID_BYTES).contains(&id.len()))?;
        let (modulus, exponent) = (published.n?, published.e?);
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map(|bytes| bytes.len()).ok();
        let fits = MODULUS_BYTES.contains(&bytes(&modulus)?) && bytes(&exponent)? <= MAX_EXPONENT_BYTES;
        if !fits {
            return None;
        }
        let mut jwk = Jwk::new("RSA");
        jwk.set_parameter("n", Some(modulus.into())).ok()?;
        jwk.set_parameter("e", Some(exponent.into())).ok()?;
        let verifier = caught(|| RS256.verifier_from_jwk(&jwk).ok())?;
        Some(Self { id, verifier: Box::new(verifier) })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        caught(|| self.verifier.verify(message, signature).ok()).is_some()
    }

    /// A key that nothing was signed with.
    #[cfg(test)]
    pub(super) fn of_test(id: &str) -> Self {
        let modulus = URL_SAFE_NO_PAD.encode([0xab; 256]);
        let text = |text: &str| Some(text.to_owned());
        let published = Published {
            kid: text(id),
            kty: text("RSA"),
            alg: text("RS256"),
            r#use: text("sig"),
            n: Some(modulus),
            e: text("AQAB"),
        };
        Self::new(published).expect("the key is whole")
    }
}

/// Runs library code that unwraps inside: a panic is no result.
fn caught<T>(run: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[String]) -> String {
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    fn key(kid: &str, alg: &str, bytes: usize, e: &str) -> String {
        let n = URL_SAFE_NO_PAD.encode(vec![0xab; bytes]);
        format!(r#"{{"kid":"{kid}","kty":"RSA","use":"sig","alg":"{alg}","n":"{n}","e":"{e}","x5c":["x"]}}"#)
    }

    #[test]
    fn reads_keys_for_rs256_and_leaves_others_out() {
        let oct = r#"{"kid":"o","kty":"oct","alg":"HS256","use":"sig","k":"AAAA"}"#.to_owned();
        let body = set(&[
            key("a", "RS256", 256, "AQAB"),
            key("b", "RS384", 256, "AQAB"),
            key("weak", "RS256", 128, "AQAB"),
            key("huge", "RS256", 2048, "AQAB"),
            key("slow", "RS256", 256, "AQABAQAB"),
            key("", "RS256", 256, "AQAB"),
            oct,
        ]);
        let ids: Vec<_> = read(body.as_bytes()).unwrap().iter().map(|key| key.id().to_owned()).collect();
        assert_eq!(ids, ["a"]);
    }

    #[test]
    fn refuses_what_is_no_answer_of_a_pool() {
        let one = || key("a", "RS256", 256, "AQAB");
        let many: Vec<_> = (0..17).map(|number| key(&format!("k{number}"), "RS256", 256, "AQAB")).collect();
        let bad =
            [String::new(), "<html>".to_owned(), "{}".to_owned(), set(&[]), set(&[one(), one()]), set(&many)];
        for body in bad {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
