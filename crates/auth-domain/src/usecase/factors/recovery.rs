//! Recovery codes.

use chrono::{DateTime, Utc};

use super::{FactorChange, FactorError, Factors, change::record};
use crate::{
    audit::AuditEvent,
    factor::{RecoveryCode, recovery::COUNT},
    outbox::Intent,
    port::{Entropy, EntropyError, Tx},
    secret::Digest,
    usecase::{Caller, transaction::transaction},
};

/// New recovery codes, shown once.
#[derive(Debug)]
pub struct RecoveryCodes(Vec<RecoveryCode>);

impl RecoveryCodes {
    pub(super) fn mint(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        (0..COUNT).map(|_| RecoveryCode::mint(entropy)).collect::<Result<_, _>>().map(Self)
    }

    /// The codes, for the one answer that shows them.
    pub fn iter(&self) -> impl Iterator<Item = &RecoveryCode> {
        self.0.iter()
    }

    pub(super) fn digests(&self) -> Vec<Digest> {
        self.0.iter().map(RecoveryCode::digest).collect()
    }
}

impl Factors {
    /// Replaces the recovery codes. The proof is demanded in any case.
    ///
    /// # Errors
    /// [`FactorError::NotSetUp`] for an account without a second factor, or what the proof met.
    pub async fn regenerate_recovery_codes(
        &self,
        caller: &Caller,
        change: &FactorChange,
    ) -> Result<RecoveryCodes, FactorError> {
        self.prove(caller, change).await?;
        let codes = RecoveryCodes::mint(self.core.entropy())?;
        let now = self.core.now();
        transaction!(self.core, tx => self.regenerate_in(tx, caller, &codes, change, now))?;
        Ok(codes)
    }

    async fn regenerate_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        codes: &RecoveryCodes,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), FactorError> {
        let user = tx.users().lock(caller.user.id).await?;
        let user = user.filter(|user| user.factors.is_demanded()).ok_or(FactorError::NotSetUp)?;
        tx.factors().replace_recovery_codes(user.id, &codes.digests(), now).await?;
        let record = record(AuditEvent::MfaCodesRegenerated, caller, &change.client, now);
        tx.audit().append(&record).await?;
        let intent = Intent::RecoveryCodesReplacedNotice;
        let letter = self.core.letter_to(&user, intent, &change.client, now)?;
        Ok(tx.outbox().put(&letter).await?)
    }
}
