//! Using a key.

use super::ApiKeys;
use crate::{
    api_key::{ApiKey, ApiKeySecret, Scope},
    tenant::TenantId,
    usecase::{Fault, bearer::TOUCH_AFTER, fault::faults},
    user::User,
};

/// Why a key gives no access.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyRefused {
    /// Not the text of a key, or of one that is not known.
    #[error("no such API key")]
    Unknown,
    /// It was revoked.
    #[error("the API key was revoked")]
    Revoked,
    /// Its time is over.
    #[error("the API key has expired")]
    Expired,
    /// It is good in another tenant than the request speaks of.
    #[error("the API key belongs to another tenant")]
    WrongTenant,
    /// The account it stands for may not be used.
    #[error("the account of the API key is not active")]
    OwnerInactive,
    /// It is good for other things.
    #[error("the API key lacks the scope {0}")]
    OutOfScope(Scope),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ApiKeyRefused);

impl ApiKeys {
    /// The person behind a personal key, if the key is good for `scope`.
    ///
    /// # Errors
    /// [`ApiKeyRefused`].
    pub async fn person(
        &self,
        text: &str,
        tenant: &TenantId,
        scope: Scope,
    ) -> Result<(ApiKey, User), ApiKeyRefused> {
        let found = self.find(text, tenant).await.and_then(|(key, person)| match person {
            Some(user) if key.scopes.allow(scope) => Ok((key, user)),
            _ => Err(ApiKeyRefused::OutOfScope(scope)),
        });
        let (key, user) = found.inspect_err(|error| self.refusals.count_key(error))?;
        self.touch(&key).await?;
        Ok((key, user))
    }

    /// The key of a service, if it is good for `scope`.
    ///
    /// # Errors
    /// [`ApiKeyRefused`].
    pub async fn service(
        &self,
        text: &str,
        tenant: &TenantId,
        scope: Scope,
    ) -> Result<ApiKey, ApiKeyRefused> {
        let found = self.find(text, tenant).await.and_then(|(key, person)| match person {
            None if key.scopes.allow(scope) => Ok(key),
            _ => Err(ApiKeyRefused::OutOfScope(scope)),
        });
        let key = found.inspect_err(|error| self.refusals.count_key(error))?;
        self.touch(&key).await?;
        Ok(key)
    }

    /// A key that is good in `tenant`, and the account it stands for. The store is asked about nothing that
    /// is not the text of a key.
    pub(super) async fn find(
        &self,
        text: &str,
        tenant: &TenantId,
    ) -> Result<(ApiKey, Option<User>), ApiKeyRefused> {
        let secret = ApiKeySecret::parse(text).ok_or(ApiKeyRefused::Unknown)?;
        let found = self.core.ports.store.read().await?.api_keys().with_person(&secret.digest()).await?;
        let (key, person) = found.ok_or(ApiKeyRefused::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(ApiKeyRefused::Revoked);
        }
        if !key.is_live(self.core.now()) {
            return Err(ApiKeyRefused::Expired);
        }
        if key.tenant != *tenant {
            return Err(ApiKeyRefused::WrongTenant);
        }
        // A personal key whose account is gone stands for nobody, and not for a service.
        let inactive = person.as_ref().is_some_and(|user| !user.is_active());
        if inactive || key.person != person.as_ref().map(|user| user.id) {
            return Err(ApiKeyRefused::OwnerInactive);
        }
        Ok((key, person))
    }

    /// Notes that the key is in use, once in a while: a write per request would cost more than the request.
    pub(super) async fn touch(&self, key: &ApiKey) -> Result<(), Fault> {
        let now = self.core.now();
        if key.last_used_at.is_some_and(|at| now - at < TOUCH_AFTER) {
            return Ok(());
        }
        Ok(self.core.ports.store.read().await?.api_keys().touch(key.id, now).await?)
    }
}

impl From<Fault> for ApiKeyRefused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
