//! Whether the session behind a token still lives.

#[cfg(feature = "http")]
mod introspection;
#[cfg(feature = "http")]
mod memory;

use async_trait::async_trait;

#[cfg(feature = "http")]
pub use introspection::{Introspection, IntrospectionConfig, OnFailure};

use crate::claims::Claims;

/// Nobody could tell whether the session lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server cannot be asked whether the session lives")]
pub struct LiveCheckFailed;

/// Tells whether the session behind a token lives and its account may be used. Write your own to test a
/// service, or to learn of revocations some other way.
#[async_trait]
pub trait LiveCheck: Send + Sync {
    /// Whether the token, which is good otherwise, is to be taken.
    ///
    /// # Errors
    /// [`LiveCheckFailed`]: the token is then refused for now.
    async fn is_live(&self, token: &str, claims: &Claims) -> Result<bool, LiveCheckFailed>;
}
