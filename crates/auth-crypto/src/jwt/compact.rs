//! The compact serialisation: three parts, two dots (RFC 7515 §3.1).

use auth_domain::{port::KeyError, token::TokenRejected};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::strict::{Json, Object};

/// Longest token read. Ours have about 450 bytes; nothing longer is worth decoding.
const MAX_TOKEN_BYTES: usize = 8192;
const MAX_HEADER_BYTES: usize = 2048;
const MAX_KID_BYTES: usize = 128;
/// Header members that may occur. All others are refused, and so `crit`, `b64`, `zip`, and whatever
/// brings a key along or tells where to fetch one (`jwk`, `jku`, `x5u`, `x5c`).
const HEADER_MEMBERS: [&str; 3] = ["alg", "typ", "kid"];

/// A token taken apart, its signature not verified yet.
pub(super) struct Compact<'a> {
    message: &'a str,
    header: Object,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart. JWE and the JSON forms fail here, by shape, before anything is decoded.
    ///
    /// # Errors
    /// [`TokenRejected::Malformed`].
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenRejected> {
        Self::read(token).ok_or(TokenRejected::Malformed)
    }

    fn read(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        // This engine refuses padding, other alphabets, and bits left over in the last character:
        // one token has one spelling.
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header = decode(header).filter(|bytes| bytes.len() <= MAX_HEADER_BYTES)?;
        let header = Object::parse(&header)?;
        if header.names().any(|name| !HEADER_MEMBERS.contains(&name)) {
            return None;
        }
        Some(Self { message, header, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// Checks that the header is one this server writes for its own keys; the key id and algorithm.
    ///
    /// # Errors
    /// [`TokenRejected::Malformed`] for another `typ`, [`TokenRejected::UnknownKey`] without key id
    /// or algorithm.
    pub(super) fn check_own_header(&self) -> Result<(&str, &str), TokenRejected> {
        let typ = self.text("typ").ok_or(TokenRejected::Malformed)?.to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "at+jwt" {
            return Err(TokenRejected::Malformed);
        }
        let kid =
            self.text("kid").filter(|kid| kid.len() <= MAX_KID_BYTES).ok_or(TokenRejected::UnknownKey)?;
        Ok((kid, self.text("alg").ok_or(TokenRejected::UnknownKey)?))
    }

    /// Checks that the header is one that sister services write.
    ///
    /// # Errors
    /// [`TokenRejected::Malformed`] for another `typ`, [`TokenRejected::UnknownKey`] for another
    /// algorithm or a key id, since there is no ring.
    pub(super) fn check_shared_header(&self) -> Result<(), TokenRejected> {
        if !self.is_untyped() {
            return Err(TokenRejected::Malformed);
        }
        if self.text("alg") != Some("HS256") || self.header.get("kid").is_some() {
            return Err(TokenRejected::UnknownKey);
        }
        Ok(())
    }

    /// Whether the header is that of a plain JWT of `algorithm`, as keys minted outside have it. They may
    /// name the key they are signed with, which is not looked at: there is but one.
    pub(super) fn is_plain(&self, algorithm: &str) -> bool {
        self.is_untyped() && self.text("alg") == Some(algorithm)
    }

    fn is_untyped(&self) -> bool {
        match self.header.get("typ") {
            None => true,
            Some(Json::Text(typ)) => typ.eq_ignore_ascii_case("JWT"),
            Some(_) => false,
        }
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

    fn text(&self, name: &str) -> Option<&str> {
        match self.header.get(name) {
            Some(Json::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Puts a token together. `header` is encoded already.
pub(super) fn sign(
    header: &str,
    payload: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, KeyError>,
) -> Result<String, KeyError> {
    let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 400);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
