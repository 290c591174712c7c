//! Switching a factor off, whichever it is.

use chrono::{DateTime, Utc};

use super::{FactorChange, FactorError, Factors, change::Switched};
use crate::{
    factor::FactorKind,
    port::{CodePurpose, CodeSlot, Tx},
    usecase::{Caller, Fault, transaction::transaction},
};

/// The codes that are sent for a factor.
const fn sent_for(kind: FactorKind) -> &'static [CodePurpose] {
    match kind {
        FactorKind::Totp => &[],
        FactorKind::Sms => &[CodePurpose::SmsLogin, CodePurpose::SmsSetup],
        FactorKind::Email => &[CodePurpose::EmailLogin, CodePurpose::EmailSetup],
    }
}

impl Factors {
    /// Switches a factor off for a caller who may, and voids the codes under way.
    pub(super) async fn switch_off(
        &self,
        caller: &Caller,
        kind: FactorKind,
        change: &FactorChange,
    ) -> Result<(), FactorError> {
        let now = self.core.now();
        transaction!(self.core, tx => self.switch_off_in(tx, caller, kind, change, now))?;
        for &purpose in sent_for(kind) {
            let slot = CodeSlot { purpose, user: caller.user.id };
            self.core.ports.codes.discard(slot).await.map_err(Fault::from)?;
        }
        Ok(())
    }

    async fn switch_off_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        kind: FactorKind,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), FactorError> {
        let Some(mut user) = tx.users().lock(caller.user.id).await? else { return Ok(()) };
        Self::still_authorized(&user, caller, change)?;
        self.may_do_without(&user, kind)?;
        if kind == FactorKind::Totp {
            // Also a secret that waits for its first code.
            tx.factors().remove_totp(user.id).await?;
        }
        if !user.factors.switch_off(kind) {
            return Ok(());
        }
        Ok(self.store_in(tx, caller, &mut user, Switched::Off(kind), change, now).await?)
    }
}
