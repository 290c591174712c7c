//! Keys of programs: made, shown, revoked, used.

mod create;
mod introspect;
mod usage;
mod validate;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use create::{ApiKeyError, CreateApiKey, CreatedApiKey};
pub use introspect::LiveToken;
pub use usage::ApiKeyRefused;
pub use validate::KeyInvalid;

use super::{Bearer, Caller, Core, Factors, Fault, Refusals, fault::faults, transaction::transaction};
use crate::{
    api_key::{ApiKey, ApiKeyKind, KeyOwner},
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::ApiKeyId,
    port::Tx,
    user::User,
};

/// Keys of programs.
#[derive(Clone)]
pub struct ApiKeys {
    core: Arc<Core>,
    factors: Factors,
    bearer: Bearer,
    refusals: Refusals,
}

/// Why a key was not revoked, or keys not shown.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyAccessError {
    /// There is no such key, or it is somebody else's: one answer for both.
    #[error("no such API key")]
    NotFound,
    /// The keys of the services are the administrators' business.
    #[error("the caller does not administer the tenant")]
    NotAllowed,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ApiKeyAccessError);

/// Whether somebody may make, see and revoke the keys of the tenant's services.
const fn administers(user: &User) -> bool {
    user.roles.superuser || user.roles.application_admin
}

/// Whose keys of that kind the caller has to do with; `None` where they are not the caller's business.
fn owner_for(user: &User, kind: ApiKeyKind) -> Option<KeyOwner> {
    match kind {
        ApiKeyKind::Personal => Some(KeyOwner::Person(user.id)),
        ApiKeyKind::Service => administers(user).then(|| KeyOwner::Tenant(user.tenant.clone())),
    }
}

impl ApiKeys {
    pub(super) const fn new(core: Arc<Core>, factors: Factors, bearer: Bearer, refusals: Refusals) -> Self {
        Self { core, factors, bearer, refusals }
    }

    /// The caller's own keys or those of the tenant's services, newest first, dead ones too.
    ///
    /// # Errors
    /// [`ApiKeyAccessError`].
    pub async fn list(&self, caller: &Caller, kind: ApiKeyKind) -> Result<Vec<ApiKey>, ApiKeyAccessError> {
        let owner = owner_for(&caller.user, kind).ok_or(ApiKeyAccessError::NotAllowed)?;
        Ok(self.core.ports.store.read().await?.api_keys().list(&owner).await?)
    }

    /// Revokes one of the caller's keys, or for administrators one of the tenant's services. Revoking it
    /// twice is fine.
    ///
    /// # Errors
    /// [`ApiKeyAccessError::NotFound`] or [`ApiKeyAccessError::Fault`].
    pub async fn revoke(
        &self,
        caller: &Caller,
        id: ApiKeyId,
        client: &Client,
    ) -> Result<(), ApiKeyAccessError> {
        let now = self.core.now();
        transaction!(self.core, tx => Self::revoke_in(tx, caller, id, client, now))
    }

    async fn revoke_in(
        tx: &mut dyn Tx,
        caller: &Caller,
        id: ApiKeyId,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), ApiKeyAccessError> {
        for owner in ApiKeyKind::ALL.into_iter().filter_map(|kind| owner_for(&caller.user, kind)) {
            if let Some(key) = tx.api_keys().revoke(&owner, id, now).await? {
                tx.audit().append(&record(AuditEvent::ApiKeyRevoked, caller, &key, client, now)).await?;
                return Ok(());
            }
            if tx.api_keys().list(&owner).await?.iter().any(|key| key.id == id) {
                return Ok(()); // revoked before
            }
        }
        Err(ApiKeyAccessError::NotFound)
    }
}

/// An entry about what the caller did to a key.
fn record(
    event: AuditEvent,
    caller: &Caller,
    key: &ApiKey,
    client: &Client,
    now: DateTime<Utc>,
) -> AuditRecord {
    let record = AuditRecord::new(event, &key.tenant, client, now)
        .by(caller.user.id)
        .with("key", key.prefix.as_str())
        .with("kind", key.kind().as_str());
    match &caller.session {
        Some(session) => record.within(session.id),
        None => record,
    }
}

/// Revokes the personal keys of somebody whose account may have been in other hands. Whoever had it may
/// have made them.
pub(super) async fn revoke_personal_in(
    tx: &mut dyn Tx,
    user: &User,
    client: &Client,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let count = tx.api_keys().revoke_all(user.id, now).await?;
    if count > 0 {
        let record = AuditRecord::new(AuditEvent::ApiKeyRevoked, &user.tenant, client, now);
        tx.audit().append(&record.about(user.id).with("keys", count.to_string())).await?;
    }
    Ok(())
}
