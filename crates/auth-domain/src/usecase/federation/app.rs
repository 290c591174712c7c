//! Authenticator apps that the provider asks for.

use super::{Federation, grant::Grant};
use crate::{
    port::{IdentityError, ProviderAccessToken, ProviderCode, SoftwareTokenSecret},
    usecase::{Caller, Fault, fault::faults},
};

/// Why no authenticator app was set up at the provider.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The account is not linked, or the provider does not stand by it any more.
    #[error("the account has no identity at the provider")]
    NotLinked,
    /// The login is too long ago.
    #[error("the login is too long ago")]
    RecentLoginRequired,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
    /// The provider takes no more of these now.
    #[error("the provider takes no more of these requests now")]
    TooManyRequests,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(AppError);

impl From<Fault> for AppError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Provider(error) => error.into(),
            fault => Self::Fault(fault),
        }
    }
}

impl From<IdentityError> for AppError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::CodeMismatch | IdentityError::CodeExpired => Self::WrongCode,
            IdentityError::TooManyRequests(_) => Self::TooManyRequests,
            IdentityError::Disabled | IdentityError::WrongCredentials => Self::NotLinked,
            other => Self::Fault(other.into()),
        }
    }
}

impl Federation {
    /// Begins to set up an authenticator app at the provider.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn set_up_app(&self, caller: &Caller) -> Result<SoftwareTokenSecret, AppError> {
        let access = self.access_of(caller).await?;
        Ok(self.core.provider()?.factors.associate_app(&access).await?)
    }

    /// Puts the app to work with its first code.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn activate_app(&self, caller: &Caller, code: &ProviderCode) -> Result<(), AppError> {
        let access = self.access_of(caller).await?;
        Ok(self.core.provider()?.factors.activate_app(&access, code).await?)
    }

    /// Whoever sets a factor up must have signed in a moment ago.
    async fn access_of(&self, caller: &Caller) -> Result<ProviderAccessToken, AppError> {
        if !self.core.signed_in_recently(caller) {
            return Err(AppError::RecentLoginRequired);
        }
        let identity = self.core.identity_of(caller.user.id).await?.ok_or(AppError::NotLinked)?;
        let grant = Grant::open(&identity, &*self.core.ports.secret_box).ok_or(AppError::NotLinked)?;
        Ok(self.core.refresh_grant(&grant).await?)
    }
}
