//! Where public keys come from.

use async_trait::async_trait;

use crate::key::{InvalidKeys, Key};

/// The keys cannot be had at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys of the server cannot be fetched")]
pub struct KeysUnavailable;

/// Knows the server's public keys. Write your own to test a service, or to get them some other way.
///
/// An implementor must answer `None` for a key that the server does not have, and [`KeysUnavailable`] when it
/// cannot tell.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The key of that id.
    ///
    /// # Errors
    /// [`KeysUnavailable`].
    async fn key(&self, id: &str) -> Result<Option<Key>, KeysUnavailable>;
}

/// Keys that were given once and stay.
#[derive(Clone, Debug)]
pub struct StaticKeys(Vec<Key>);

impl StaticKeys {
    /// The keys of a JWKS.
    ///
    /// # Errors
    /// [`InvalidKeys`].
    pub fn from_jwks(jwks: &[u8]) -> Result<Self, InvalidKeys> {
        Key::read_set(jwks).map(Self)
    }
}

#[async_trait]
impl KeySource for StaticKeys {
    async fn key(&self, id: &str) -> Result<Option<Key>, KeysUnavailable> {
        Ok(self.0.iter().find(|key| key.id() == id).cloned())
    }
}
