//! The compact serialisation: three parts, two dots (RFC 7515 §3.1).

use auth_domain::token::TokenRejected;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned};

/// Longest token read. The pool's have about 1,000 bytes, and more with groups.
const MAX_TOKEN_BYTES: usize = 8192;
const MAX_HEADER_BYTES: usize = 2048;
/// Longest name of a key.
pub(super) const MAX_KEY_ID_BYTES: usize = 128;

/// A token taken apart, its signature not verified yet.
pub(super) struct Compact<'a> {
    message: &'a str,
    key_id: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// All that may stand in a header. Other members are refused, and so `crit`, `b64`, `zip`, and whatever
/// brings a key along or tells where to fetch one (`jwk`, `jku`, `x5u`, `x5c`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart, and refuses all that the pool does not sign, before any key is looked for.
    ///
    /// # Errors
    /// [`TokenRejected::Malformed`], or [`TokenRejected::UnknownKey`] for another algorithm or no key.
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenRejected> {
        let (header, parts) = Self::read(token).ok_or(TokenRejected::Malformed)?;
        if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(TokenRejected::Malformed);
        }
        let key_id = header.kid.filter(|id| (1..=MAX_KEY_ID_BYTES).contains(&id.len()));
        match key_id {
            Some(key_id) if header.alg == "RS256" => Ok(Self { key_id, ..parts }),
            _ => Err(TokenRejected::UnknownKey),
        }
    }

    fn read(token: &'a str) -> Option<(Header, Self)> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        // This engine refuses other alphabets, a second dot among them, padding, and bits left over in
        // the last character: one token has one spelling.
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header = decode(header).filter(|bytes| bytes.len() <= MAX_HEADER_BYTES)?;
        let parts =
            Self { message, key_id: String::new(), payload: decode(payload)?, signature: decode(signature)? };
        Some((object(&header)?, parts))
    }

    /// The key it claims to be signed with.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What is signed.
    pub(super) fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The claims. To be read once the signature is verified.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Reads one JSON object and nothing after it. serde refuses a member that occurs twice, as far as `T`
/// has it, and would take a list for an object.
pub(super) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    begins.then(|| serde_json::from_slice(bytes).ok()).flatten()
}
