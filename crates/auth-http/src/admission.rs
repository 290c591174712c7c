//! Whether somebody signed in may do what an operation asks an administrator for.

use async_trait::async_trait;
use auth_domain::{
    client::Client,
    usecase::{self, AdminError, Caller, Fault, Power},
};

/// Judges administrators at the door. The one real implementor is the use case [`usecase::Admin`]; tests put
/// their own in its place.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Whether the caller has that power.
    ///
    /// # Errors
    /// [`AdminError`] says what is missing.
    fn check(&self, caller: &Caller, power: Power) -> Result<(), AdminError>;

    /// Notes that somebody was turned away, and from which route.
    ///
    /// # Errors
    /// [`Fault`] when it cannot be noted.
    async fn turned_away(
        &self,
        caller: &Caller,
        why: &AdminError,
        route: &str,
        client: &Client,
    ) -> Result<(), Fault>;
}

#[async_trait]
impl Admission for usecase::Admin {
    fn check(&self, caller: &Caller, power: Power) -> Result<(), AdminError> {
        Self::check(self, caller, power)
    }

    async fn turned_away(
        &self,
        caller: &Caller,
        why: &AdminError,
        route: &str,
        client: &Client,
    ) -> Result<(), Fault> {
        Self::turned_away(self, caller, why, route, client).await
    }
}
