//! Tokens: what a client holds to prove something later.

mod claims;
mod csrf;
mod link;
mod signing_key;

pub use claims::{AccessClaims, AuthMethod, TokenExpectations, TokenRejected, UnknownMethod};
pub use csrf::CsrfToken;
pub use link::{Link, LinkPurpose, LinkToken, UnknownPurpose};
pub use signing_key::{JwtAlgorithm, KeyId, KeyState, SigningKey, UnknownAlgorithm};

use crate::{
    port::{KeyPurpose, KeyedHash},
    secret::opaque_tokens,
};

opaque_tokens! {
    /// A refresh token: proves a session to `POST /refresh`, once.
    RefreshToken = "rt_";
}

impl RefreshToken {
    /// The token that replaces this one.
    ///
    /// It is a keyed hash of this token and `salt`, so whoever presents the spent token again within
    /// the grace window gets the *same* successor, and nothing that is stored (salt, digest) or held
    /// by the server (key) is enough to make it: the spent token itself is needed.
    #[must_use]
    pub fn successor(&self, salt: &[u8; 16], keys: &dyn KeyedHash) -> Self {
        Self::from_bits(&keys.mac(KeyPurpose::RefreshSuccessor, &[self.expose_secret().as_bytes(), salt]))
    }
}
