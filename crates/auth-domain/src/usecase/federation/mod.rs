//! People whose password an identity provider keeps: their accounts there, and the links to those here.
//!
//! Signing in is a matter of [`Login`](super::Login). Whom the provider means says its
//! [`IdentityKey`](crate::port::IdentityKey) and never an address.

mod accounts;
mod admit;
mod app;
mod grant;
mod link;
mod logout;
mod proof;
mod recheck;
mod unlink;

use std::sync::Arc;

pub use accounts::{ConfirmError, ResetAtProvider, SignUpError};
pub(super) use admit::{Admission, NotAdmitted, Vouched};
pub use app::AppError;
pub(super) use grant::grant_context;
pub use link::{LinkIdentity, LinkIdentityError};
pub(super) use proof::ProviderRefusal;
pub use recheck::RecheckReport;
pub use unlink::UnlinkIdentityError;

use super::{Core, Fault};
use crate::{
    id::UserId,
    port::{IdentityAccounts, IdentityError, IdentityFactors, IdentityProvider, ProviderTokens},
    user::{LinkedCounts, LinkedIdentity},
};

/// The adapters of one identity provider.
#[derive(Clone)]
pub struct ProviderPorts {
    /// What its identities are named after.
    pub issuer: String,
    /// Signs people in.
    pub sign_in: Arc<dyn IdentityProvider>,
    /// Keeps their accounts.
    pub accounts: Arc<dyn IdentityAccounts>,
    /// Keeps their second factors.
    pub factors: Arc<dyn IdentityFactors>,
    /// Verifies its access tokens.
    pub tokens: Arc<dyn ProviderTokens>,
}

/// What is done with accounts at the identity provider.
#[derive(Clone)]
pub struct Federation {
    core: Arc<Core>,
}

impl Federation {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Whether there is a provider.
    pub fn is_on(&self) -> bool {
        self.core.ports.provider.is_some()
    }

    /// The identities that open an account, oldest first.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn identities(&self, user: UserId) -> Result<Vec<LinkedIdentity>, Fault> {
        Ok(self.core.ports.store.read().await?.identities().of_user(user).await?)
    }

    /// Whether the provider opens an account. Without a provider nobody needs to ask the store.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn is_linked(&self, user: UserId) -> Result<bool, Fault> {
        Ok(self.is_on() && self.core.identity_of(user).await?.is_some())
    }

    /// How many people sign in through the provider, and how many of them could do without.
    ///
    /// # Errors
    /// [`Fault`] when the store fails, and without a provider.
    pub async fn report(&self) -> Result<LinkedCounts, Fault> {
        let issuer = &self.core.provider()?.issuer;
        Ok(self.core.ports.store.read().await?.identities().counts(issuer).await?)
    }
}

impl Core {
    /// The provider. Nobody gets here without one, as long as its operations are offered only then.
    pub(super) fn provider(&self) -> Result<&ProviderPorts, Fault> {
        let none = || IdentityError::Internal("no identity provider is set up".into());
        self.ports.provider.as_ref().ok_or_else(|| none().into())
    }

    /// The identity of an account at the provider.
    async fn identity_of(&self, user: UserId) -> Result<Option<LinkedIdentity>, Fault> {
        let issuer = &self.provider()?.issuer;
        let all = self.ports.store.read().await?.identities().of_user(user).await?;
        Ok(all.into_iter().find(|identity| identity.key.issuer() == issuer))
    }
}
