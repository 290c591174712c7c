//! Making a key.

use chrono::{DateTime, TimeDelta, Utc};

use super::{ApiKeys, owner_for, record};
use crate::{
    api_key::{self, ApiKey, ApiKeyKind, ApiKeyName, ApiKeySecret, Scopes},
    audit::AuditEvent,
    client::Client,
    id::ApiKeyId,
    outbox::Intent,
    port::Tx,
    usecase::{
        Caller, ChangeProof, FactorChange, FactorError, Fault, fault::faults, transaction::transaction,
    },
    user::User,
};

/// A key to be made.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    /// For whom it is to stand.
    pub kind: ApiKeyKind,
    /// What its owner calls it.
    pub name: ApiKeyName,
    /// What it is to be good for.
    pub scopes: Scopes,
    /// How long it is to live; [`api_key::DEFAULT_LIFE`] if nothing is said.
    pub life: Option<TimeDelta>,
    /// What proves that the caller asks.
    pub proof: ChangeProof,
    /// Who is calling.
    pub client: Client,
}

/// A new key, and the only copy of its text that there will ever be.
#[derive(Debug)]
pub struct CreatedApiKey {
    /// The key.
    pub key: ApiKey,
    /// Its text.
    pub secret: ApiKeySecret,
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// Keys of services are made by administrators.
    #[error("the caller does not administer the tenant")]
    NotAllowed,
    /// There is no scope, or one that keys of this kind cannot have.
    #[error("the scopes do not fit the kind of key")]
    UnfitScopes,
    /// The life is not positive, or longer than [`api_key::LONGEST_LIFE`].
    #[error("the life is not one that a key may have")]
    UnfitLife,
    /// The owner has [`api_key::AT_MOST`] live keys.
    #[error("the owner has too many keys")]
    TooMany,
    /// Nothing, or nothing right, proves that the caller asks.
    #[error(transparent)]
    Proof(FactorError),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ApiKeyError);

impl From<Fault> for ApiKeyError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl ApiKeys {
    /// Makes a key for the caller, or for a service of the caller's tenant.
    ///
    /// Shortly after a login, with the second factor if the account has one, nothing more is asked for;
    /// else the password or a code proves that the owner asks and not whoever holds the session. The owner
    /// is told by mail.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn create(
        &self,
        caller: &Caller,
        request: &CreateApiKey,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let life = request.life.unwrap_or(api_key::DEFAULT_LIFE);
        if owner_for(&caller.user, request.kind).is_none() {
            return Err(ApiKeyError::NotAllowed);
        }
        if !request.scopes.fit(request.kind) {
            return Err(ApiKeyError::UnfitScopes);
        }
        if life <= TimeDelta::zero() || life > api_key::LONGEST_LIFE {
            return Err(ApiKeyError::UnfitLife);
        }
        self.authorize(caller, request).await.map_err(ApiKeyError::Proof)?;
        transaction!(self.core, tx => self.create_in(tx, caller, request, life))
    }

    async fn authorize(&self, caller: &Caller, request: &CreateApiKey) -> Result<(), FactorError> {
        let bare = matches!(request.proof, ChangeProof::None) && !caller.user.factors.is_demanded();
        if bare && self.core.signed_in_recently(caller) {
            return Ok(());
        }
        let (proof, client) = (request.proof.clone(), request.client.clone());
        self.factors.prove(caller, &FactorChange { proof, client, ..FactorChange::default() }).await
    }

    async fn create_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        request: &CreateApiKey,
        life: TimeDelta,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let now = self.core.now();
        // Whoever changes the password or the factors at this moment waits for this row, or is waited for:
        // no key is made with what was proved before.
        let user = tx.users().lock(caller.user.id).await?.filter(|user| is_unchanged(user, &caller.user));
        let user = user.ok_or(ApiKeyError::Proof(FactorError::RecentLoginRequired))?;
        let owner = owner_for(&user, request.kind).ok_or(ApiKeyError::NotAllowed)?;
        let in_use = tx.api_keys().list(&owner).await?.iter().filter(|key| key.is_live(now)).count();
        if in_use >= api_key::AT_MOST {
            return Err(ApiKeyError::TooMany);
        }
        let created = self.mint(&user, request, now, life)?;
        tx.api_keys().insert(&created.key).await?;
        let record = record(AuditEvent::ApiKeyCreated, caller, &created.key, &request.client, now)
            .with("scopes", created.key.scopes.to_string());
        tx.audit().append(&record).await?;
        let letter = self.core.letter_to(&user, Intent::ApiKeyCreatedNotice, &request.client, now);
        tx.outbox().put(&letter?).await?;
        Ok(created)
    }

    fn mint(
        &self,
        user: &User,
        request: &CreateApiKey,
        now: DateTime<Utc>,
        life: TimeDelta,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let secret = ApiKeySecret::mint(self.core.entropy())?;
        let key = ApiKey {
            id: ApiKeyId::mint(now, self.core.entropy())?,
            tenant: user.tenant.clone(),
            person: (request.kind == ApiKeyKind::Personal).then_some(user.id),
            made_by: user.id,
            name: request.name.clone(),
            prefix: secret.prefix(),
            digest: secret.digest(),
            scopes: request.scopes.clone(),
            created_at: now,
            expires_at: now + life,
            last_used_at: None,
            revoked_at: None,
        };
        Ok(CreatedApiKey { key, secret })
    }
}

/// Whether what the caller proved still opens the account.
fn is_unchanged(user: &User, seen: &User) -> bool {
    user.is_active()
        && user.credential == seen.credential
        && user.factors == seen.factors
        && user.email == seen.email
}
