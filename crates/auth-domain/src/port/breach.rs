//! Passwords that became known when somebody else was broken into.

use async_trait::async_trait;

use crate::user::Password;

/// Looks passwords up among those known from breaches.
///
/// An implementor must not hand a password on, nor a hash that names it: only a part that many passwords
/// share may leave the machine. It must answer within a second, also when what it asks does not, must not
/// wait each time for what has not answered for a while, and must not log what it looks for.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait BreachedPasswords: Send + Sync {
    /// Whether the password is known.
    ///
    /// # Errors
    /// [`BreachError`] when nobody can tell right now.
    async fn contains(&self, password: &Password) -> Result<bool, BreachError>;
}

/// Nobody can tell whether the password is known.
#[derive(Debug, thiserror::Error)]
#[error("breached passwords cannot be looked up")]
pub struct BreachError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
