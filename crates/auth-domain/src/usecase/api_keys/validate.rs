//! Telling services whose key somebody showed them, ours or one that was minted outside.

use super::{ApiKeyRefused, ApiKeys};
use crate::{
    api_key::ApiKeySecret,
    id::UserId,
    port::{OutsideKeyError, StoreError},
    tenant::TenantId,
    usecase::Fault,
};

/// Why a key stands for nobody.
#[derive(Debug, thiserror::Error)]
pub enum KeyInvalid {
    /// The key itself is not believed.
    #[error(transparent)]
    Outside(OutsideKeyError),
    /// The account is gone, or in another tenant.
    #[error("the account is gone")]
    UserNotFound,
    /// The account may not be used.
    #[error("the account is not active")]
    UserInactive,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

impl From<StoreError> for KeyInvalid {
    fn from(source: StoreError) -> Self {
        Self::Fault(source.into())
    }
}

impl From<OutsideKeyError> for KeyInvalid {
    fn from(error: OutsideKeyError) -> Self {
        Self::Outside(error)
    }
}

impl From<ApiKeyRefused> for KeyInvalid {
    fn from(refused: ApiKeyRefused) -> Self {
        match refused {
            ApiKeyRefused::Unknown
            | ApiKeyRefused::Revoked
            | ApiKeyRefused::Expired
            | ApiKeyRefused::WrongTenant
            | ApiKeyRefused::OutOfScope(_) => Self::Outside(OutsideKeyError::Invalid),
            ApiKeyRefused::OwnerInactive => Self::UserInactive,
            ApiKeyRefused::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl ApiKeys {
    /// The account behind a key. A key of a service stands for none.
    ///
    /// # Errors
    /// [`KeyInvalid`].
    pub async fn validate(&self, text: &str, tenant: &TenantId) -> Result<UserId, KeyInvalid> {
        if text.starts_with(ApiKeySecret::PREFIX) {
            let found = self.find(text, tenant).await.inspect_err(|error| self.refusals.count_key(error));
            let (key, _) = found?;
            self.touch(&key).await.map_err(KeyInvalid::Fault)?;
            return key.person.ok_or(OutsideKeyError::NoSubject.into());
        }
        let key = self.core.ports.outside_keys.verify(text, self.core.now())?;
        if key.tenant.is_some_and(|named| named != *tenant) {
            return Err(OutsideKeyError::Invalid.into());
        }
        let user = self.core.ports.store.read().await?.users().by_id(key.subject).await?;
        match user.filter(|user| user.tenant == *tenant) {
            None => Err(KeyInvalid::UserNotFound),
            Some(user) if !user.is_active() => Err(KeyInvalid::UserInactive),
            Some(user) => Ok(user.id),
        }
    }
}
