//! Signing keys: made on first start, published ahead of use, replaced before they are old.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Core, Fault, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    port::{PublicJwk, Tx},
    tenant::TenantId,
    token::{JwtAlgorithm, KeyId, KeyState, SigningKey, TokenExpectations},
};

/// Keeps the signing keys.
#[derive(Clone)]
pub struct SigningKeys {
    core: Arc<Core>,
}

/// A key as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyListing {
    /// Its `kid`.
    pub id: KeyId,
    /// What it signs with.
    pub algorithm: JwtAlgorithm,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it begins to sign.
    pub activates_at: DateTime<Utc>,
    /// When it stops signing.
    pub retires_at: Option<DateTime<Utc>>,
}

impl SigningKeys {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes sure there is a key that signs now, and installs all keys. To be called before the server
    /// listens.
    ///
    /// # Errors
    /// [`Fault`]; in particular when a stored key does not open with this server's secret.
    pub async fn ensure(&self) -> Result<(), Fault> {
        if self.is_asymmetric() {
            let now = self.core.now();
            transaction!(self.core, tx => self.ensure_in(tx, now))?;
        }
        self.reload().await
    }

    /// Installs the keys as they are in the store now: another replica, or the command line, may have
    /// changed them.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn reload(&self) -> Result<(), Fault> {
        let keys = if self.is_asymmetric() {
            self.core.ports.store.read().await?.keys().all().await?
        } else {
            Vec::new()
        };
        Ok(self.core.ports.key_ring.install(&keys)?)
    }

    /// Makes a new key that takes over once every verifier has had time to learn it.
    ///
    /// # Errors
    /// [`Fault`]. Does nothing in a shared-secret installation.
    pub async fn rotate(&self) -> Result<Option<KeyListing>, Fault> {
        if !self.is_asymmetric() {
            return Ok(None);
        }
        let now = self.core.now();
        let key = transaction!(self.core, tx => self.rotate_in(tx, now))?;
        self.reload().await?;
        Ok(Some(self.listing(&key, now)))
    }

    /// Rotates if the newest key is old, deletes keys nothing needs any more, and installs the rest.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn maintain(&self) -> Result<(), Fault> {
        if self.is_asymmetric() {
            let now = self.core.now();
            transaction!(self.core, tx => self.maintain_in(tx, now))?;
        }
        self.reload().await
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn list(&self) -> Result<Vec<KeyListing>, Fault> {
        let now = self.core.now();
        let keys = self.core.ports.store.read().await?.keys().all().await?;
        Ok(keys.iter().map(|key| self.listing(key, now)).collect())
    }

    /// The public halves of all keys that may have signed a living token, for the JWKS. From memory:
    /// this works while the store is down.
    pub fn published(&self) -> Vec<PublicJwk> {
        self.core.ports.key_ring.published()
    }

    fn is_asymmetric(&self) -> bool {
        self.core.ports.key_factory.algorithm().is_asymmetric()
    }

    /// The longest time a token may be believed after its key stopped signing.
    fn longest_token(&self) -> TimeDelta {
        self.core.policy.access_life + TokenExpectations::DEFAULT_LEEWAY
    }

    fn listing(&self, key: &SigningKey, now: DateTime<Utc>) -> KeyListing {
        KeyListing {
            id: key.id.clone(),
            algorithm: key.algorithm,
            state: key.state(now, self.longest_token()),
            created_at: key.created_at,
            activates_at: key.activates_at,
            retires_at: key.retires_at,
        }
    }

    async fn ensure_in(&self, tx: &mut dyn Tx, now: DateTime<Utc>) -> Result<(), Fault> {
        let keys = tx.keys().all().await?;
        let algorithm = self.core.ports.key_factory.algorithm();
        let signs = |key: &SigningKey| {
            key.algorithm == algorithm && key.state(now, self.longest_token()) == KeyState::Active
        };
        if keys.iter().any(signs) {
            return Ok(());
        }
        // The first key, or the first of an algorithm just configured: it signs at once, and keys of
        // another algorithm stop.
        self.take_over_in(tx, &keys, now, now).await.map(|_| ())
    }

    async fn rotate_in(&self, tx: &mut dyn Tx, now: DateTime<Utc>) -> Result<SigningKey, Fault> {
        let keys = tx.keys().all().await?;
        self.take_over_in(tx, &keys, now, now + SigningKey::PUBLISHED_AHEAD).await
    }

    async fn maintain_in(&self, tx: &mut dyn Tx, now: DateTime<Utc>) -> Result<(), Fault> {
        let keys = tx.keys().all().await?;
        for key in keys.iter().filter(|key| key.state(now, self.longest_token()) == KeyState::Gone) {
            tx.keys().delete(&key.id).await?;
        }
        let young =
            |key: &SigningKey| key.retires_at.is_none() && now - key.activates_at < SigningKey::SIGNING_LIFE;
        if !keys.iter().any(young) {
            self.take_over_in(tx, &keys, now, now + SigningKey::PUBLISHED_AHEAD).await?;
        }
        Ok(())
    }

    /// Makes a key that signs from `at` on; every key that would still sign then stops.
    async fn take_over_in(
        &self,
        tx: &mut dyn Tx,
        keys: &[SigningKey],
        now: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<SigningKey, Fault> {
        let key = self.core.ports.key_factory.generate(now, at)?;
        for old in keys.iter().filter(|old| old.retires_at.is_none_or(|retires| retires > at)) {
            tx.keys().retire(&old.id, at).await?;
        }
        tx.keys().insert(&key).await?;
        let record = AuditRecord::new(AuditEvent::KeyRotated, &TenantId::default(), &Client::default(), now);
        tx.audit().append(&record.with("kid", key.id.as_str()).with("alg", key.algorithm.as_str())).await?;
        Ok(key)
    }
}
