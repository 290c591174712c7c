//! Proving a second factor, under a lock rule of its own. Every path that takes a code goes through
//! here.
//!
//! Wrong codes are counted for the account, apart from wrong passwords: whoever fails here knows the
//! password, and neither a right password nor a new code nor a reset takes the count back. Only a right
//! code does, and once the account is closed for codes only a recovery code, the mailed link or an operator.

mod sent;

use chrono::{DateTime, Utc};

use super::{Core, Fault, lane::Attempt, proof::ProofError, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::{RecoveryCode, TimeStep, TotpCode, TotpSecret, TrustedDevice, totp},
    guard::lockout::{self, Locked},
    id::UserId,
    outbox::Intent,
    port::{CodePurpose, StoredTotp, Tx},
    secret::Sealed,
    token::AuthMethod,
    user::User,
};

/// A second factor that was proved, by whatever is recorded. Made in this file only.
#[derive(Clone, Copy, Debug)]
pub(in crate::usecase) struct SecondFactor {
    method: AuthMethod,
    at: DateTime<Utc>,
    is_suspicious: bool,
}

impl SecondFactor {
    /// What a device proved a moment ago.
    pub(in crate::usecase) const fn of_device(device: &TrustedDevice) -> Self {
        Self { method: device.method, at: device.verified_at, is_suspicious: false }
    }

    /// How it was proved.
    pub(in crate::usecase) const fn method(self) -> AuthMethod {
        self.method
    }

    /// When it was proved: a device does not prove it anew.
    pub(in crate::usecase) const fn at(self) -> DateTime<Utc> {
        self.at
    }

    /// Whether wrong codes came before it.
    pub(in crate::usecase) const fn is_suspicious(self) -> bool {
        self.is_suspicious
    }
}

/// Which sent codes are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::usecase) enum Stage {
    /// Those sent to complete a login.
    Login {
        /// Whether a provider stood for the password.
        by_provider: bool,
    },
    /// Those sent to somebody who is signed in.
    SignedIn,
}

impl Stage {
    pub(in crate::usecase) const fn sms(self) -> CodePurpose {
        match self {
            Self::Login { .. } => CodePurpose::SmsLogin,
            Self::SignedIn => CodePurpose::SmsSetup,
        }
    }

    const fn email(self) -> CodePurpose {
        match self {
            Self::Login { .. } => CodePurpose::EmailLogin,
            Self::SignedIn => CodePurpose::EmailSetup,
        }
    }

    const fn failure(self) -> AuditEvent {
        match self {
            Self::Login { .. } => AuditEvent::LoginMfaFailed,
            Self::SignedIn => AuditEvent::MfaProofFailed,
        }
    }

    const fn is_by_provider(self) -> bool {
        matches!(self, Self::Login { by_provider: true })
    }
}

/// What the first transaction found out about a code.
enum Look {
    Wait(Locked),
    /// It was right, and is used up.
    Proved(Attempt, AuthMethod),
    /// It is neither of the app nor a recovery code; a sent one it may still be.
    Open(Attempt),
}

impl Core {
    /// Proves a second factor of `user` with a code of any kind and uses the code up. Tried in this
    /// order: authenticator app, text message, mail; a recovery code is told by its form.
    pub(in crate::usecase) async fn prove_second_factor(
        &self,
        user: &User,
        typed: &str,
        stage: Stage,
        client: &Client,
    ) -> Result<SecondFactor, ProofError> {
        let look = transaction!(self, tx => self.look_at_code_in(tx, user, typed, stage, client))?;
        let (attempt, method) = match look {
            Look::Wait(locked) => return Err(ProofError::Locked(locked)),
            Look::Proved(attempt, method) => (attempt, Some(method)),
            Look::Open(attempt) => match self.redeem_any(user, typed, stage).await {
                Ok(method) => (attempt, method),
                Err(fault) => {
                    // A code of the app was compared, and was wrong: that counts. Else nothing was.
                    if user.factors.totp && TotpCode::parse(typed).is_some() {
                        self.log_wrong_code(user, attempt, stage, client).await?;
                    } else {
                        self.refund_attempt(attempt).await?;
                    }
                    return Err(fault.into());
                }
            },
        };
        self.judge_attempt(user, attempt, method, stage, client).await
    }

    /// Whether codes of this account are refused for now.
    pub(in crate::usecase) async fn second_factor_locked_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        now: DateTime<Utc>,
    ) -> Result<Option<Locked>, Fault> {
        let state = tx.locks().lock(&self.code_lock_key(user)).await?;
        Ok(lockout::reserve_attempt(state, now, &self.policy.lock).err())
    }

    async fn judge_attempt(
        &self,
        user: &User,
        attempt: Attempt,
        method: Option<AuthMethod>,
        stage: Stage,
        client: &Client,
    ) -> Result<SecondFactor, ProofError> {
        let Some(method) = method else {
            self.log_wrong_code(user, attempt, stage, client).await?;
            return Err(ProofError::Wrong);
        };
        self.clear_attempt(&mut *self.ports.store.read().await?, &attempt).await?;
        Ok(SecondFactor { method, at: attempt.at, is_suspicious: attempt.is_suspicious(true) })
    }

    async fn log_wrong_code(
        &self,
        user: &User,
        attempt: Attempt,
        stage: Stage,
        client: &Client,
    ) -> Result<(), Fault> {
        let record = AuditRecord::new(stage.failure(), &user.tenant, client, attempt.at).about(user.id);
        let record = record.by_provider(stage.is_by_provider());
        self.wrong_password((&user.tenant, &user.email), Some(user), attempt, &record).await
    }

    async fn reserve_code_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        stage: Stage,
        client: &Client,
    ) -> Result<Result<Attempt, Locked>, Fault> {
        let now = self.now();
        let key = self.code_lock_key(user);
        let remembered = tx.locks().lock(&key).await?;
        let throttled = || {
            let record = AuditRecord::new(AuditEvent::LoginThrottled, &user.tenant, client, now);
            record.about(user.id).with("factor", "second").by_provider(stage.is_by_provider())
        };
        self.count_attempt_in(tx, key, remembered, now, throttled).await
    }

    async fn look_at_code_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        typed: &str,
        stage: Stage,
        client: &Client,
    ) -> Result<Look, Fault> {
        // Before the lock rule: nobody guesses 120 bits, and the owner must get in while others guess.
        if let Some(code) = RecoveryCode::parse(typed).filter(|_| user.factors.is_demanded()) {
            let now = self.now();
            if tx.factors().consume_recovery_code(user.id, &code.digest(), now).await? {
                self.note_recovery_in(tx, user, client, now).await?;
                let key = self.code_lock_key(user);
                let failures = tx.locks().lock(&key).await?.map_or(0, |state| state.failures);
                let attempt = Attempt::counted(key, failures.saturating_add(1), &self.policy.lock, now);
                return Ok(Look::Proved(attempt, AuthMethod::RecoveryCode));
            }
        }
        let attempt = match self.reserve_code_in(tx, user, stage, client).await? {
            Ok(attempt) => attempt,
            Err(locked) => return Ok(Look::Wait(locked)),
        };
        if let Some(code) = TotpCode::parse(typed).filter(|_| user.factors.totp) {
            let stored = tx.factors().totp(user.id).await?;
            let step = self.matching_step(user, &stored, code, attempt.at);
            if let Some(step) = step
                && tx.factors().advance_step(user.id, step).await?
            {
                return Ok(Look::Proved(attempt, AuthMethod::Totp));
            }
        }
        Ok(Look::Open(attempt))
    }

    fn matching_step(
        &self,
        user: &User,
        stored: &StoredTotp,
        code: TotpCode,
        now: DateTime<Utc>,
    ) -> Option<TimeStep> {
        // A secret that does not open (another key, another account's row) matches no code.
        let secret = self.open_totp(user, stored.secret.as_ref()?)?;
        totp::matching_step(&secret, code, now, stored.last_step, &*self.ports.totp)
    }

    /// Opens a stored secret.
    pub(in crate::usecase) fn open_totp(&self, user: &User, sealed: &Sealed) -> Option<TotpSecret> {
        let plain = self.ports.secret_box.open(&totp_context(user.id), sealed).ok()?;
        TotpSecret::from_bytes(&plain)
    }

    async fn note_recovery_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let record = AuditRecord::new(AuditEvent::MfaRecoveryUsed, &user.tenant, client, now);
        tx.audit().append(&record.by(user.id)).await?;
        let letter = self.letter_to(user, Intent::RecoveryCodeUsedNotice, client, now)?;
        Ok(tx.outbox().put(&letter).await?)
    }
}

/// No code waits: never sent, used or expired.
#[derive(Clone, Copy, Debug)]
pub(in crate::usecase) struct NoCode;

/// Where the secret of an authenticator app lives: sealed for one account, it opens for no other.
pub(in crate::usecase) fn totp_context(user: UserId) -> String {
    format!("totp_secrets|secret|{user}")
}
