//! The compact serialisation: three parts, two dots (RFC 7515 §3.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{key::MAX_KEY_ID_BYTES, verifier::VerifyError};

/// Longest token read. The server's have about 450 bytes.
const MAX_TOKEN_BYTES: usize = 8192;
const MAX_HEADER_BYTES: usize = 2048;

/// A token taken apart, its signature not verified yet.
pub(crate) struct Compact<'a> {
    message: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// All that may stand in a header. Other members are refused, and so `crit`, `b64`, `zip`, and whatever
/// brings a key along or tells where to fetch one (`jwk`, `jku`, `x5u`, `x5c`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart. JWE and the JSON forms fail here, by shape, before anything is decoded.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`].
    pub(crate) fn parse(token: &'a str) -> Result<Self, VerifyError> {
        Self::read(token).ok_or(VerifyError::Malformed)
    }

    fn read(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        // This engine refuses other alphabets, a third dot among them, padding, and bits left over in the
        // last character: one token has one spelling.
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header = decode(header).filter(|bytes| bytes.len() <= MAX_HEADER_BYTES)?;
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        // Without a signature there is nothing to verify, whatever the header calls that.
        (!signature.is_empty()).then_some(())?;
        Some(Self { message, header: object(&header)?, payload, signature })
    }

    /// The key id and the algorithm of a token that was signed with a published key.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`] for another type of token, [`VerifyError::UnknownKey`] without key id.
    pub(crate) fn published_header(&self) -> Result<(&str, &str), VerifyError> {
        let typ = self.header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "at+jwt" {
            return Err(VerifyError::Malformed);
        }
        let id = self.header.kid.as_deref().filter(|id| (1..=MAX_KEY_ID_BYTES).contains(&id.len()));
        Ok((id.ok_or(VerifyError::UnknownKey)?, &self.header.alg))
    }

    /// Checks the header of a token that was signed with the shared secret.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`] for another type of token, [`VerifyError::UnknownKey`] for another algorithm.
    pub(crate) fn check_shared_header(&self) -> Result<(), VerifyError> {
        if self.header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(VerifyError::Malformed);
        }
        let fits = self.header.alg == "HS256" && self.header.kid.is_none();
        if fits { Ok(()) } else { Err(VerifyError::UnknownKey) }
    }

    /// What is signed.
    pub(crate) fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The claims. To be read once the signature is verified.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Reads one JSON object and nothing after it. serde refuses a member that occurs twice, as far as `T` has it,
/// and would take a list for an object.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    begins.then(|| serde_json::from_slice(bytes).ok()).flatten()
}
