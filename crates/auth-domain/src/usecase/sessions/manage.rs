//! Listing and revoking one's own sessions.

use chrono::{DateTime, Utc};

use super::Sessions;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::{SessionId, UserId},
    port::Tx,
    session::{EndReason, Ended, Session},
    usecase::{Caller, Fault, fault::faults, transaction::transaction},
};

/// Why a session was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// There is no such session, or it is somebody else's: one answer for both.
    #[error("no such session")]
    NotFound,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(RevokeError);

impl Sessions {
    /// The caller's live sessions, newest first.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Session>, Fault> {
        let now = self.core.now();
        Ok(self.core.ports.store.read().await?.sessions().live_of(caller.user.id, now).await?)
    }

    /// Ends one of the caller's sessions. Ending it twice is fine.
    ///
    /// # Errors
    /// [`RevokeError`].
    pub async fn revoke(&self, caller: &Caller, id: SessionId, client: &Client) -> Result<(), RevokeError> {
        let now = self.core.now();
        transaction!(self.core, tx => Self::revoke_in(tx, caller.user.id, id, client, now))
    }

    async fn revoke_in(
        tx: &mut dyn Tx,
        user: UserId,
        id: SessionId,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), RevokeError> {
        let found = tx.sessions().with_user(id).await?;
        let Some((session, _)) = found.filter(|(session, _)| session.user == user) else {
            return Err(RevokeError::NotFound);
        };
        if tx.sessions().end(id, Ended { at: now, reason: EndReason::Revoked }).await? {
            let record = AuditRecord::new(AuditEvent::SessionRevoked, &session.tenant, client, now);
            tx.audit().append(&record.by(user).within(id)).await?;
        }
        Ok(())
    }

    /// Ends all of the caller's sessions but the present one. Says how many ended.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn revoke_others(&self, caller: &Caller, client: &Client) -> Result<u64, Fault> {
        let now = self.core.now();
        transaction!(self.core, tx => Self::revoke_others_in(tx, caller, client, now))
    }

    async fn revoke_others_in(
        tx: &mut dyn Tx,
        caller: &Caller,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<u64, Fault> {
        let user = &caller.user;
        let keep = caller.session.as_ref().map(|session| session.id);
        let count =
            tx.sessions().end_all(user.id, keep, Ended { at: now, reason: EndReason::Revoked }).await?;
        let record = AuditRecord::new(AuditEvent::SessionRevoked, &user.tenant, client, now);
        tx.audit().append(&record.by(user.id).with("sessions", count.to_string())).await?;
        Ok(count)
    }
}
