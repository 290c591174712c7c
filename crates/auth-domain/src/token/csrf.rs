//! The token that a page of ours sends beside a cookie, and a foreign page cannot know.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;

use crate::{
    id::SessionId,
    port::{Entropy, EntropyError, KeyPurpose, KeyedHash},
};

/// Chance in a token, in bytes.
const NONCE_BYTES: usize = 16;

/// A token against forged requests: `base64url(nonce) "." base64url(HMAC(session, nonce))`.
///
/// Nothing is stored. Every token of a session is good as long as the session is, so parallel tabs do
/// not take each other's away; a token of another session never is.
pub struct CsrfToken(SecretString);

impl CsrfToken {
    /// Makes a token for `session`.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no randomness.
    pub fn mint(
        session: SessionId,
        keys: &dyn KeyedHash,
        entropy: &dyn Entropy,
    ) -> Result<Self, EntropyError> {
        let mut nonce = [0u8; NONCE_BYTES];
        entropy.fill(&mut nonce)?;
        let mac = URL_SAFE_NO_PAD.encode(mac(session, &nonce, keys));
        Ok(Self(format!("{}.{mac}", URL_SAFE_NO_PAD.encode(nonce)).into()))
    }

    /// Whether `text` is a token of `session`. Takes the same time for every wrong one of the right shape.
    pub fn is_of(text: &str, session: SessionId, keys: &dyn KeyedHash) -> bool {
        let Some((nonce, presented)) = text.split_once('.') else { return false };
        match (URL_SAFE_NO_PAD.decode(nonce), URL_SAFE_NO_PAD.decode(presented)) {
            (Ok(nonce), Ok(presented)) if nonce.len() == NONCE_BYTES => {
                mac(session, &nonce, keys)[..].ct_eq(&presented).into()
            }
            _ => false,
        }
    }

    /// The token, for the one answer that carries it.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken")
    }
}

fn mac(session: SessionId, nonce: &[u8], keys: &dyn KeyedHash) -> [u8; 32] {
    keys.mac(KeyPurpose::Csrf, &[&session.as_i64().to_be_bytes(), nonce])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{MockEntropy, MockKeyedHash};

    /// Not a hash, but as different for different messages.
    fn keys() -> MockKeyedHash {
        let mut keys = MockKeyedHash::new();
        keys.expect_mac().returning(|purpose, message| {
            assert_eq!(purpose, KeyPurpose::Csrf);
            let mut sum = [0u8; 32];
            let bytes = message.iter().flat_map(|part| part.iter());
            sum.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            sum
        });
        keys
    }

    fn entropy() -> MockEntropy {
        let mut entropy = MockEntropy::new();
        let mut next = 0u8;
        entropy.expect_fill().returning(move |bytes| {
            next += 1;
            bytes.fill(next);
            Ok(())
        });
        entropy
    }

    #[test]
    fn a_token_is_good_for_its_session_and_no_other() {
        let (keys, entropy) = (keys(), entropy());
        let (one, two) = (SessionId::from_i64(1), SessionId::from_i64(2));
        let token = CsrfToken::mint(one, &keys, &entropy).unwrap();
        let another = CsrfToken::mint(one, &keys, &entropy).unwrap();
        assert_ne!(token.expose_secret(), another.expose_secret());
        for token in [&token, &another] {
            assert!(CsrfToken::is_of(token.expose_secret(), one, &keys));
            assert!(!CsrfToken::is_of(token.expose_secret(), two, &keys));
        }
        assert_eq!(format!("{token:?}"), "CsrfToken");
    }

    #[test]
    fn nothing_else_is_a_token() {
        let (keys, entropy) = (keys(), entropy());
        let session = SessionId::from_i64(1);
        let token = CsrfToken::mint(session, &keys, &entropy).unwrap();
        let whole = token.expose_secret();
        let (nonce, mac) = whole.split_once('.').unwrap();
        let other = CsrfToken::mint(session, &keys, &entropy).unwrap();
        let (other_nonce, _) = other.expose_secret().split_once('.').unwrap();
        let table = [
            String::new(),
            ".".to_owned(),
            nonce.to_owned(),
            format!("{nonce}."),
            format!(".{mac}"),
            format!("{other_nonce}.{mac}"),
            format!("{nonce}.{mac}.{mac}"),
            format!("{nonce}.{}", &mac[..mac.len() - 4]),
            format!("{whole}="),
            format!(" {whole}"),
            format!("{nonce}.ß"),
        ];
        for text in table {
            assert!(!CsrfToken::is_of(&text, session, &keys), "{text}");
        }
    }
}
