//! Telling services whether an access token is good (RFC 7662).

use super::ApiKeys;
use crate::{
    api_key::ApiKey,
    token::{AccessClaims, TokenExpectations},
    usecase::{BearerError, Fault},
    user::User,
};

/// An access token that would be let in here and now.
#[derive(Clone, Debug)]
pub struct LiveToken {
    /// What it says.
    pub claims: AccessClaims,
    /// Whose it is.
    pub user: User,
    /// Who made it and for whom, as this server demands it.
    pub parties: TokenExpectations,
}

impl ApiKeys {
    /// What a token says that is good in the tenant of the service's key; `None` for every other text,
    /// whatever is wrong with it. The session behind it counts as used.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn introspect(&self, service: &ApiKey, token: &str) -> Result<Option<LiveToken>, Fault> {
        // Not counted among the refusals: the service asks because it does not know.
        match self.bearer.find_live(token, &service.tenant).await {
            Ok((claims, caller)) => {
                let parties = self.core.ports.verifier.expectations().clone();
                Ok(Some(LiveToken { claims, user: caller.user, parties }))
            }
            Err(BearerError::Fault(fault)) => Err(fault),
            Err(_) => Ok(None),
        }
    }
}
