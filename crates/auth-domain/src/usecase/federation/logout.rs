//! Signing out at the provider, too.

use super::{Federation, grant::Grant};
use crate::{
    id::UserId,
    port::IdentityError,
    usecase::{Fault, Logout, LogoutError, Sessions},
};

impl Federation {
    /// Ends the sessions that the tokens name, and then every session of their owner at the provider. That
    /// the provider cannot be reached keeps no session alive here; the error is for the log.
    ///
    /// # Errors
    /// [`LogoutError`] when a port of ours fails.
    pub async fn logout(&self, request: &Logout) -> Result<Result<(), Fault>, LogoutError> {
        let sessions = Sessions::new(std::sync::Arc::clone(&self.core));
        let users = sessions.owners(request).await?;
        sessions.logout(request).await?;
        for user in users {
            if let Err(fault) = self.sign_out_at_provider(user).await {
                return Ok(Err(fault));
            }
        }
        Ok(Ok(()))
    }

    /// The grant stays: if other sessions live on here, the next check finds it revoked and ends them.
    async fn sign_out_at_provider(&self, user: UserId) -> Result<(), Fault> {
        let Some(identity) = self.core.identity_of(user).await? else { return Ok(()) };
        let Some(grant) = Grant::open(&identity, &*self.core.ports.secret_box) else { return Ok(()) };
        let access = match self.core.refresh_grant(&grant).await {
            Err(Fault::Provider(IdentityError::Disabled)) => return Ok(()),
            access => access?,
        };
        match self.core.provider()?.sign_in.sign_out(&access).await {
            Ok(()) | Err(IdentityError::Disabled) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
