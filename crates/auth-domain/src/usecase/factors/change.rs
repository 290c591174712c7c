//! What every change of a second factor has in common: a fresh proof, a record, a notice, and the end
//! of other sessions where it is wished for.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::{FactorError, Factors};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::FactorKind,
    outbox::Intent,
    port::Tx,
    session::{Authentication, EndReason, Ended},
    token::AuthMethod,
    usecase::{Caller, Fault, proof::ProofError, second_factor::Stage},
    user::{Password, User},
};

/// What proves that the owner asks.
#[derive(Clone, Debug, Default)]
pub enum ChangeProof {
    /// Nothing came along: enough for the first factor, and shortly after a login with a second one.
    #[default]
    None,
    /// The password.
    Password(Password),
    /// A code of any second factor.
    Code(SecretString),
}

/// A change of the second factors.
#[derive(Clone, Debug, Default)]
pub struct FactorChange {
    /// What proves that the owner asks.
    pub proof: ChangeProof,
    /// Whether all other sessions end.
    pub end_other_sessions: bool,
    /// Who is calling.
    pub client: Client,
}

/// What became of a factor.
#[derive(Clone, Copy, Debug)]
pub(super) enum Switched {
    On(FactorKind),
    Off(FactorKind),
}

impl Switched {
    const fn consequences(self) -> (AuditEvent, Intent, FactorKind) {
        match self {
            Self::On(kind) => (AuditEvent::MfaActivated, Intent::FactorEnabledNotice(kind), kind),
            Self::Off(kind) => (AuditEvent::MfaDisabled, Intent::FactorDisabledNotice(kind), kind),
        }
    }
}

/// Whether the caller's session proved a second factor at all.
pub(in crate::usecase) fn has_second_factor(caller: &Caller) -> bool {
    caller.session.as_ref().is_some_and(|session| session.authentication.second_factor_at.is_some())
}

/// An entry about what the caller did to their own account.
pub(super) fn record(event: AuditEvent, caller: &Caller, client: &Client, now: DateTime<Utc>) -> AuditRecord {
    let record = AuditRecord::new(event, &caller.user.tenant, client, now).by(caller.user.id);
    match &caller.session {
        Some(session) => record.within(session.id),
        None => record,
    }
}

impl Factors {
    /// Whether the caller may change the factors: always while there is none; else with a code, with the
    /// password in a session that proved a second factor, or when that was a moment ago. A session from
    /// before the factor was there needs a code (NIST SP 800-63B-4 §4.1.2.1).
    pub(super) async fn authorize(&self, caller: &Caller, change: &FactorChange) -> Result<(), FactorError> {
        if matches!(change.proof, ChangeProof::None) && !caller.user.factors.is_demanded() {
            return Ok(());
        }
        self.prove(caller, change).await
    }

    /// The same, where a first factor is nothing special.
    pub(in crate::usecase) async fn prove(
        &self,
        caller: &Caller,
        change: &FactorChange,
    ) -> Result<(), FactorError> {
        let user = &caller.user;
        match &change.proof {
            ChangeProof::None if self.is_fresh(caller) => Ok(()),
            ChangeProof::None => Err(FactorError::RecentLoginRequired),
            // A password alone is what the factor is there to make up for.
            ChangeProof::Password(_) if user.factors.is_demanded() && !has_second_factor(caller) => {
                Err(FactorError::RecentLoginRequired)
            }
            ChangeProof::Password(password) => {
                let proved = self.core.prove_password(user, password, &change.client).await;
                let attempt = proved.map_err(|error| match error {
                    ProofError::Wrong => FactorError::WrongPassword,
                    other => other.into(),
                })?;
                let mut repos = self.core.ports.store.read().await?;
                Ok(self.core.clear_attempt(&mut *repos, &attempt).await?)
            }
            ChangeProof::Code(code) => {
                let code = code.expose_secret();
                self.core.prove_second_factor(user, code, Stage::SignedIn, &change.client).await?;
                Ok(())
            }
        }
    }

    /// Refuses to go on when the account is no longer as the request found it, and nothing was proved since.
    pub(super) fn still_authorized(
        user: &User,
        caller: &Caller,
        change: &FactorChange,
    ) -> Result<(), FactorError> {
        let unproved = matches!(change.proof, ChangeProof::None);
        if unproved && user.factors != caller.user.factors {
            Err(FactorError::RecentLoginRequired)
        } else {
            Ok(())
        }
    }

    /// Whether a second factor was proved in this session a moment ago.
    pub(super) fn is_fresh(&self, caller: &Caller) -> bool {
        caller.session.as_ref().is_some_and(|session| {
            let proved_at = session.authentication.second_factor_at;
            proved_at.is_some_and(|at| self.core.now() - at <= self.core.policy.recent_login)
        })
    }

    /// Stores changed factors with all that goes with it.
    pub(super) async fn store_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        user: &mut User,
        switched: Switched,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        user.updated_at = now;
        if matches!(switched, Switched::On(FactorKind::Totp | FactorKind::Email)) {
            user.factors.sms.forget_pending();
        }
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(user).await?;
        if !user.factors.is_demanded() {
            tx.factors().replace_recovery_codes(user.id, &[], now).await?;
        }
        let (event, intent, kind) = switched.consequences();
        let record = record(event, caller, &change.client, now).with("factor", kind.as_str());
        tx.audit().append(&record).await?;
        let letter = self.core.letter_to(user, intent, &change.client, now)?;
        tx.outbox().put(&letter).await?;
        // Devices proved something else than what is there now.
        tx.devices().forget_all(user.id, now).await?;
        if change.end_other_sessions {
            let keep = caller.session.as_ref().map(|session| session.id);
            tx.sessions().end_all(user.id, keep, Ended { at: now, reason: EndReason::Revoked }).await?;
        }
        Ok(())
    }

    /// The caller's session has proved a second factor now, too.
    pub(super) async fn step_up_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        second: AuthMethod,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let Some(session) = &caller.session else { return Ok(()) };
        let mut methods = session.authentication.methods.clone();
        if !methods.contains(&second) {
            methods.push(second);
        }
        let at = session.authentication.at;
        let proved = Authentication { at, methods, second_factor_at: Some(now) };
        tx.sessions().step_up(session.id, &proved).await?;
        Ok(())
    }

    /// Refuses to switch the last factor off where one is demanded of everybody.
    pub(super) fn may_do_without(&self, user: &User, kind: FactorKind) -> Result<(), FactorError> {
        let others = user.factors.active().into_iter().any(|active| active != kind);
        let is_last = user.factors.is_active(kind) && !others;
        if self.core.policy.mfa.required && is_last { Err(FactorError::LastFactor) } else { Ok(()) }
    }
}
