//! Sealing anew what an earlier secret of the server sealed, so that the earlier one can go.
//!
//! Works beside running servers: a value that changes meanwhile is left as its owner wrote it. Every
//! batch is a transaction of its own with its audit record, so whatever ends the work, another run goes
//! on where it stopped: what is done no longer bears the old label.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Core, Fault, federation::grant_context, second_factor::totp_context, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    outbox::Intent,
    port::{SealedPlace, SealedRow, SealedValue, StoreError, Tx},
    secret::{SealLabel, Sealed},
    tenant::TenantId,
    token::SigningKey,
};

/// How many values are sealed anew in one transaction: few enough that nobody waits for their rows.
const BATCH: u32 = 200;

/// Looks after what the server's secrets sealed.
#[derive(Clone)]
pub struct Rekey {
    core: Arc<Core>,
}

/// What a key is to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealKey {
    /// The one that seals.
    Present,
    /// One that only opens.
    Former,
    /// None of its secrets gives it: what it sealed cannot be read.
    Unknown,
}

/// What one key sealed in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealCount {
    /// Where.
    pub place: SealedPlace,
    /// With which key.
    pub label: SealLabel,
    /// What that key is to this server.
    pub key: SealKey,
    /// How many values.
    pub count: u64,
}

/// How far a run is with one key in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RekeyProgress {
    /// Where.
    pub place: SealedPlace,
    /// How many values were looked at.
    pub done: u64,
    /// How many there were at the beginning.
    pub total: u64,
}

/// What a run did with one key in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rekeyed {
    /// Where.
    pub place: SealedPlace,
    /// Which key had sealed the values.
    pub label: SealLabel,
    /// How many are sealed with the present key now; in a dry run, how many would be.
    pub sealed: u64,
    /// How many were changed by somebody else at the same moment, and left alone.
    pub changed: u64,
    /// How many do not open although their key is known: they were damaged, or moved.
    pub unreadable: u64,
}

/// Stored values cannot be read with the secrets at hand.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A key that none of the secrets gives.
    #[error("{place} holds values sealed with key {label}, which none of the server's secrets gives")]
    UnknownKey {
        /// Where.
        place: SealedPlace,
        /// The key.
        label: SealLabel,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Rekey {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes sure that every key some stored value was sealed with is at hand. To be called before the
    /// server listens: people with an authenticator app would be turned away else, one by one.
    ///
    /// # Errors
    /// [`SealError`] about the first key that is not.
    pub async fn check(&self) -> Result<(), SealError> {
        for place in SealedPlace::ALL {
            for label in self.labels(place).await? {
                if self.key(label) == SealKey::Unknown {
                    return Err(SealError::UnknownKey { place, label });
                }
            }
        }
        Ok(())
    }

    /// The keys of this server: first the one that seals, then those that only open.
    pub fn keys(&self) -> Vec<SealLabel> {
        self.core.ports.secret_box.labels()
    }

    /// How many values each key sealed, in each place that has any.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn counts(&self) -> Result<Vec<SealCount>, StoreError> {
        let mut counts = Vec::new();
        for place in SealedPlace::ALL {
            for label in self.labels(place).await? {
                let count = self.core.ports.store.read().await?.sealed().count(place, label).await?;
                counts.push(SealCount { place, label, key: self.key(label), count });
            }
        }
        Ok(counts)
    }

    /// Seals anew whatever a former key sealed. A dry run opens every value and changes none.
    ///
    /// # Errors
    /// [`Fault`]. What was done so far stays done.
    pub async fn run(
        &self,
        dry_run: bool,
        mut report: impl FnMut(RekeyProgress) + Send,
    ) -> Result<Vec<Rekeyed>, Fault> {
        let mut done = Vec::new();
        for place in SealedPlace::ALL {
            for label in self.labels(place).await? {
                if self.key(label) == SealKey::Former {
                    done.push(self.reseal(place, label, dry_run, &mut report).await?);
                }
            }
        }
        Ok(done)
    }

    async fn labels(&self, place: SealedPlace) -> Result<Vec<SealLabel>, StoreError> {
        self.core.ports.store.read().await?.sealed().labels(place).await
    }

    fn key(&self, label: SealLabel) -> SealKey {
        match self.keys().iter().position(|known| *known == label) {
            Some(0) => SealKey::Present,
            Some(_) => SealKey::Former,
            None => SealKey::Unknown,
        }
    }

    async fn reseal(
        &self,
        place: SealedPlace,
        label: SealLabel,
        dry_run: bool,
        report: &mut (impl FnMut(RekeyProgress) + Send),
    ) -> Result<Rekeyed, Fault> {
        let store = &self.core.ports.store;
        let total = store.read().await?.sealed().count(place, label).await?;
        let mut outcome = Rekeyed { place, label, sealed: 0, changed: 0, unreadable: 0 };
        let (mut done, mut after) = (0, None);
        report(RekeyProgress { place, done, total });
        loop {
            let page = store.read().await?.sealed().page(place, label, after.take(), BATCH).await?;
            let Some(last) = page.last() else { return Ok(outcome) };
            after = Some(last.row.clone());
            done += page.len() as u64;
            let batch = self.sealed_anew(place, &page)?;
            outcome.unreadable += (page.len() - batch.len()) as u64;
            let sealed = if dry_run { batch.len() as u64 } else { self.store(place, label, &batch).await? };
            outcome.sealed += sealed;
            outcome.changed += batch.len() as u64 - sealed;
            report(RekeyProgress { place, done, total });
        }
    }

    /// Each value that opens, with what is to take its place.
    fn sealed_anew<'a>(
        &self,
        place: SealedPlace,
        page: &'a [SealedValue],
    ) -> Result<Vec<(&'a SealedValue, Sealed)>, Fault> {
        let secret_box = &*self.core.ports.secret_box;
        let mut batch = Vec::with_capacity(page.len());
        for value in page {
            let context = context(place, &value.row);
            if let Ok(plain) = secret_box.open(&context, &value.sealed) {
                batch.push((value, secret_box.seal(&context, &plain)?));
            }
        }
        Ok(batch)
    }

    async fn store(
        &self,
        place: SealedPlace,
        label: SealLabel,
        batch: &[(&SealedValue, Sealed)],
    ) -> Result<u64, Fault> {
        let now = self.core.now();
        transaction!(self.core, tx => self.store_in(tx, place, label, batch, now))
    }

    async fn store_in(
        &self,
        tx: &mut dyn Tx,
        place: SealedPlace,
        label: SealLabel,
        batch: &[(&SealedValue, Sealed)],
        now: DateTime<Utc>,
    ) -> Result<u64, Fault> {
        let mut sealed = 0;
        for (found, fresh) in batch {
            sealed += u64::from(tx.sealed().replace(place, found, fresh).await?);
        }
        if sealed > 0 {
            let record =
                AuditRecord::new(AuditEvent::DataRotated, &TenantId::default(), &Client::default(), now);
            let record = record.with("place", place.as_str()).with("from", label.to_string());
            let present = self.keys().first().map(ToString::to_string).unwrap_or_default();
            tx.audit().append(&record.with("to", present).with("count", sealed.to_string())).await?;
        }
        Ok(sealed)
    }
}

/// The context in which the value of that row was sealed.
fn context(place: SealedPlace, row: &SealedRow) -> String {
    match (place, row) {
        (SealedPlace::Totp | SealedPlace::PendingTotp, SealedRow::User(user)) => totp_context(*user),
        (SealedPlace::SigningKey, SealedRow::Key(key)) => SigningKey::sealing_context(key),
        (SealedPlace::Grant, SealedRow::Identity(identity)) => grant_context(*identity),
        (SealedPlace::Message, SealedRow::Message(message)) => Intent::sealing_context(*message),
        // No store has such rows. A context of nothing opens nothing.
        (_, SealedRow::User(_) | SealedRow::Key(_) | SealedRow::Identity(_) | SealedRow::Message(_)) => {
            String::new()
        }
    }
}
