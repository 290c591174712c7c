//! Sessions of others.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, Target};
use crate::{
    audit::AuditEvent,
    port::Tx,
    session::{EndReason, Ended, Session},
    usecase::transaction::transaction,
    user::User,
};

/// How many sessions are shown: all that live, and as many of those that ended.
pub(super) const SHOWN: u32 = 200;

impl Admin {
    /// The sessions of an account: those that have not ended, newest first, then the others by their end.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn sessions(
        &self,
        actor: Actor<'_>,
        target: &Target,
    ) -> Result<(User, Vec<Session>), AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.sessions_in(tx, actor, target, now));
        self.conclude(actor, Action::ReadSessions, Some(target), outcome).await
    }

    async fn sessions_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<(User, Vec<Session>), AdminError> {
        let meeting = self.meet_in(tx, actor, target, Action::ReadSessions).await?;
        let sessions = tx.sessions().all_of(meeting.user.id, SHOWN).await?;
        tx.audit().append(&meeting.record(AuditEvent::SessionsShown, now)).await?;
        Ok((meeting.user, sessions))
    }

    /// Ends all sessions of an account, and says how many there were.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn end_sessions(&self, actor: Actor<'_>, target: &Target) -> Result<(User, u64), AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.end_sessions_in(tx, actor, target, now));
        self.conclude(actor, Action::EndSessions, Some(target), outcome).await
    }

    async fn end_sessions_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<(User, u64), AdminError> {
        let meeting = self.meet_in(tx, actor, target, Action::EndSessions).await?;
        let ended = Ended { at: now, reason: EndReason::Revoked };
        let count = tx.sessions().end_all(meeting.user.id, None, ended).await?;
        let record = meeting.record(AuditEvent::SessionsEnded, now).with("sessions", count.to_string());
        tx.audit().append(&record).await?;
        Ok((meeting.user, count))
    }
}
