//! Removing a link.

use chrono::{DateTime, Utc};

use super::Federation;
use crate::{
    audit::{AuditEvent, AuditRecord},
    id::{SessionId, UserId},
    outbox::Intent,
    port::Tx,
    session::{EndReason, Ended},
    token::AuthMethod,
    usecase::{
        Caller, Core, FactorChange, FactorError, Factors, Fault, fault::faults, transaction::transaction,
    },
};

/// Why a link was not removed.
#[derive(Debug, thiserror::Error)]
pub enum UnlinkIdentityError {
    /// There is none.
    #[error("the account has no identity at the provider")]
    NotLinked,
    /// Nothing would open the account any more.
    #[error("the account has no password of its own")]
    NoPassword,
    /// What came along does not prove that the owner asks.
    #[error(transparent)]
    Proof(FactorError),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(UnlinkIdentityError);

impl From<Fault> for UnlinkIdentityError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Federation {
    /// Removes the link of the caller's account. It takes the proof that a change of the second factors
    /// takes, and a password here, which is the only way in from then on. Other sessions that the
    /// provider opened end: it is not asked about them any more.
    ///
    /// # Errors
    /// [`UnlinkIdentityError`].
    pub async fn unlink(&self, caller: &Caller, change: &FactorChange) -> Result<(), UnlinkIdentityError> {
        if self.core.identity_of(caller.user.id).await?.is_none() {
            return Err(UnlinkIdentityError::NotLinked);
        }
        if caller.user.credential.is_none() {
            return Err(UnlinkIdentityError::NoPassword);
        }
        let factors = Factors::new(std::sync::Arc::clone(&self.core));
        factors.prove(caller, change).await.map_err(UnlinkIdentityError::Proof)?;
        let now = self.core.now();
        transaction!(self.core, tx => self.unlink_in(tx, caller, change, now))
    }

    async fn unlink_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        change: &FactorChange,
        now: DateTime<Utc>,
    ) -> Result<(), UnlinkIdentityError> {
        let Some(user) = tx.users().lock(caller.user.id).await? else {
            return Err(UnlinkIdentityError::NotLinked);
        };
        if user.credential.is_none() {
            return Err(UnlinkIdentityError::NoPassword);
        }
        let issuer = &self.core.provider()?.issuer;
        let linked = tx.identities().of_user(user.id).await?;
        let Some(identity) = linked.into_iter().find(|identity| identity.key.issuer() == issuer) else {
            return Err(UnlinkIdentityError::NotLinked);
        };
        let keep = caller.session.as_ref().map(|session| session.id);
        let ended = Ended { at: now, reason: EndReason::Revoked };
        self.core.end_provider_sessions_in(tx, user.id, keep, ended).await?;
        tx.identities().unlink(identity.id).await?;
        let record = AuditRecord::new(AuditEvent::IdentityUnlinked, &user.tenant, &change.client, now);
        tx.audit().append(&record.by(user.id).with("identity", identity.id.to_string())).await?;
        let notice = Intent::IdentityUnlinkedNotice;
        let letter = self.core.letter_to(&user, notice, &change.client, now).map_err(Fault::from)?;
        Ok(tx.outbox().put(&letter).await?)
    }
}

impl Core {
    /// Ends the live sessions of an account that the provider opened, but for `keep`, and has no device be known
    /// any more, as after a change of the password. Says how many sessions.
    pub(super) async fn end_provider_sessions_in(
        &self,
        tx: &mut dyn Tx,
        user: UserId,
        keep: Option<SessionId>,
        ended: Ended,
    ) -> Result<u64, Fault> {
        tx.known_devices().forget_all(user).await?;
        let mut count = 0;
        for session in tx.sessions().live_of(user, ended.at).await? {
            let opened_by_provider = session.authentication.methods.contains(&AuthMethod::Cognito);
            if opened_by_provider && Some(session.id) != keep {
                count += u64::from(tx.sessions().end(session.id, ended).await?);
            }
        }
        Ok(count)
    }
}
