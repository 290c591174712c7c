//! Signing keys: made on first start, published ahead of use, replaced before they are old.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Core, Fault, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    port::{PublicJwk, Tx},
    tenant::TenantId,
    token::{AccessClaims, JwtAlgorithm, KeyId, KeyState, SigningKey, TokenExpectations, TokenRejected},
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

/// What the revocation of a key brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key that is gone, as it was.
    pub revoked: KeyListing,
    /// The key that was made because without the other one none would sign, now or later.
    pub successor: Option<KeyListing>,
}

/// When keys were installed last because a token named one that was not known.
///
/// Anybody can name keys that do not exist, so that happens once in a while only.
#[derive(Default)]
pub(super) struct UnknownKeys(Mutex<Option<DateTime<Utc>>>);

impl UnknownKeys {
    /// How long the keys are not asked for again.
    const PAUSE: TimeDelta = TimeDelta::seconds(10);

    /// Whether the keys may be asked for at `now`, which then counts as done.
    fn admits(&self, now: DateTime<Utc>) -> bool {
        // A time is whole even if somebody panicked beside it.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = last.is_none_or(|last| (now - last).abs() >= Self::PAUSE);
        if admitted {
            *last = Some(now);
        }
        admitted
    }
}

impl Core {
    /// Verifies an access token. One signed by a key that this replica does not know yet makes it look
    /// for new keys.
    pub(super) async fn verify_token(
        &self,
        token: &str,
    ) -> Result<Result<AccessClaims, TokenRejected>, Fault> {
        let now = self.now();
        let verified = self.ports.verifier.verify(token, now);
        if !matches!(verified, Err(TokenRejected::UnknownKey)) || !self.unknown_keys.admits(now) {
            return Ok(verified);
        }
        self.install_keys().await?;
        Ok(self.ports.verifier.verify(token, now))
    }

    async fn install_keys(&self) -> Result<(), Fault> {
        let keys = if self.ports.key_factory.algorithm().is_asymmetric() {
            self.ports.store.read().await?.keys().all().await?
        } else {
            Vec::new()
        };
        Ok(self.ports.key_ring.install(&keys)?)
    }
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
        self.core.install_keys().await
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

    /// Takes a key away at once: what it signed is believed no more, here now and on other replicas as
    /// soon as they look. If nothing else signs, a new key does, at once. `None` when there is no such
    /// key.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn revoke(&self, id: &KeyId) -> Result<Option<Revoked>, Fault> {
        let now = self.core.now();
        let revoked = transaction!(self.core, tx => self.revoke_in(tx, id, now))?;
        self.reload().await?;
        Ok(revoked)
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

    fn signs(&self, key: &SigningKey, now: DateTime<Utc>) -> bool {
        key.algorithm == self.core.ports.key_factory.algorithm()
            && key.state(now, self.longest_token()) == KeyState::Active
    }

    async fn ensure_in(&self, tx: &mut dyn Tx, now: DateTime<Utc>) -> Result<(), Fault> {
        let keys = tx.keys().all().await?;
        if keys.iter().any(|key| self.signs(key, now)) {
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

    async fn revoke_in(
        &self,
        tx: &mut dyn Tx,
        id: &KeyId,
        now: DateTime<Utc>,
    ) -> Result<Option<Revoked>, Fault> {
        let mut keys = tx.keys().all().await?;
        let Some(at) = keys.iter().position(|key| key.id == *id) else { return Ok(None) };
        let revoked = self.listing(&keys.remove(at), now);
        tx.keys().delete(id).await?;
        let record = AuditRecord::new(AuditEvent::KeyRevoked, &TenantId::default(), &Client::default(), now);
        let record = record.with("kid", id.as_str()).with("state", revoked.state.as_str());
        tx.audit().append(&record).await?;
        let successor = self.fill_gap_in(tx, &keys, now).await?.map(|key| self.listing(&key, now));
        Ok(Some(Revoked { revoked, successor }))
    }

    /// Sees to it that one of `keys` or a new one signs now, and one without end.
    async fn fill_gap_in(
        &self,
        tx: &mut dyn Tx,
        keys: &[SigningKey],
        now: DateTime<Utc>,
    ) -> Result<Option<SigningKey>, Fault> {
        if !self.is_asymmetric() {
            return Ok(None);
        }
        let Some(signing) = keys.iter().rev().find(|key| self.signs(key, now)) else {
            return self.take_over_in(tx, keys, now, now).await.map(Some);
        };
        let algorithm = self.core.ports.key_factory.algorithm();
        if keys.iter().any(|key| key.retires_at.is_none() && key.algorithm == algorithm) {
            return Ok(None);
        }
        // The one that was to take over is gone: the signing one goes on until another can.
        let at = now + SigningKey::PUBLISHED_AHEAD;
        let key = self.take_over_in(tx, keys, now, at).await?;
        tx.keys().retire(&signing.id, at).await?;
        Ok(Some(key))
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
