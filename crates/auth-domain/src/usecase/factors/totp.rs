//! Authenticator apps.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    FactorChange, FactorError, Factors, RecoveryCodes,
    change::{Switched, record},
};
use crate::{
    audit::AuditEvent,
    factor::{FactorKind, TimeStep, TotpCode, TotpSecret, totp::matching_step},
    port::{PendingTotp, Tx},
    token::AuthMethod,
    usecase::{Caller, Fault, second_factor::totp_context, transaction::transaction},
};

/// How long a secret that was shown waits for its first code.
const PENDING_LIFE: TimeDelta = TimeDelta::minutes(10);

/// A secret for an authenticator app, shown once.
#[derive(Debug)]
pub struct TotpSetup {
    /// The secret.
    pub secret: TotpSecret,
}

impl Factors {
    /// Makes a secret for an authenticator app. One at work goes on working until the new one is
    /// [activated](Self::activate_totp).
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn set_up_totp(
        &self,
        caller: &Caller,
        change: &FactorChange,
    ) -> Result<TotpSetup, FactorError> {
        self.authorize(caller, change).await?;
        let secret = TotpSecret::mint(self.core.entropy())?;
        let sealed = self.core.ports.secret_box.seal(&totp_context(caller.user.id), secret.expose_secret());
        let now = self.core.now();
        let pending = PendingTotp { secret: sealed.map_err(Fault::from)?, since: now };
        transaction!(self.core, tx => self.set_up_totp_in(tx, caller, &pending, change, now))?;
        Ok(TotpSetup { secret })
    }

    async fn set_up_totp_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        pending: &PendingTotp,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), FactorError> {
        let Some(user) = tx.users().lock(caller.user.id).await? else { return Ok(()) };
        Self::still_authorized(&user, caller, change)?;
        tx.factors().put_pending_totp(user.id, pending).await?;
        let record = record(AuditEvent::MfaSetup, caller, &change.client, now);
        Ok(tx.audit().append(&record.with("factor", FactorKind::Totp.as_str())).await?)
    }

    /// Puts the secret that was shown to work, once its first code proves that it arrived. Gives new
    /// recovery codes.
    ///
    /// The code's step is spent: it does not log in (RFC 6238 §5.2).
    ///
    /// # Errors
    /// [`FactorError::NotSetUp`] when no secret waits, [`FactorError::WrongCode`], or a fault.
    pub async fn activate_totp(
        &self,
        caller: &Caller,
        code: &SecretString,
        change: &FactorChange,
    ) -> Result<RecoveryCodes, FactorError> {
        // Between the look at the secret and its activation it may have been sealed anew
        // ([`Rekey`](crate::usecase::Rekey)): the second look finds it as it is then.
        for _ in 0..2 {
            if let Some(codes) = self.try_to_activate_totp(caller, code, change).await? {
                return Ok(codes);
            }
        }
        Err(FactorError::NotSetUp)
    }

    /// `None` when what waits changed meanwhile.
    async fn try_to_activate_totp(
        &self,
        caller: &Caller,
        code: &SecretString,
        change: &FactorChange,
    ) -> Result<Option<RecoveryCodes>, FactorError> {
        let user = &caller.user;
        let now = self.core.now();
        let stored = self.core.ports.store.read().await?.factors().totp(user.id).await?;
        let waiting = stored.pending.filter(|pending| now - pending.since <= PENDING_LIFE);
        let pending = waiting.ok_or(FactorError::NotSetUp)?;
        let secret = self.core.open_totp(user, &pending.secret).ok_or(FactorError::NotSetUp)?;
        let code = TotpCode::parse(code.expose_secret());
        let generator = &*self.core.ports.totp;
        let Some(step) = code.and_then(|code| matching_step(&secret, code, now, None, generator)) else {
            let record = record(AuditEvent::MfaProofFailed, caller, &change.client, now);
            self.core.ports.store.read().await?.audit().append(&record).await?;
            return Err(FactorError::WrongCode);
        };
        let codes = RecoveryCodes::mint(self.core.entropy())?;
        let activated = transaction!(self.core, tx => {
            self.activate_totp_in(tx, caller, (&pending, step), &codes, change, now)
        });
        Ok(activated?.then_some(codes))
    }

    async fn activate_totp_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        (pending, step): (&PendingTotp, TimeStep),
        codes: &RecoveryCodes,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<bool, FactorError> {
        let Some(mut user) = tx.users().lock(caller.user.id).await? else { return Ok(false) };
        Self::still_authorized(&user, caller, change)?;
        // The secret was shown when nothing had to be proved for it, and a factor came since.
        let outdated = user.factors.is_demanded() && user.updated_at > pending.since;
        if outdated && !self.is_fresh(caller) {
            return Err(FactorError::RecentLoginRequired);
        }
        if !tx.factors().activate_totp(user.id, pending, step).await? {
            return Ok(false);
        }
        user.factors.totp = true;
        self.store_in(tx, caller, &mut user, Switched::On(FactorKind::Totp), change, now).await?;
        tx.factors().replace_recovery_codes(user.id, &codes.digests(), now).await?;
        self.step_up_in(tx, caller, AuthMethod::Totp, now).await?;
        Ok(true)
    }

    /// Switches the authenticator app off. The proof is demanded in any case.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn disable_totp(&self, caller: &Caller, change: &FactorChange) -> Result<(), FactorError> {
        self.prove(caller, change).await?;
        self.switch_off(caller, FactorKind::Totp, change).await
    }
}
