//! Starting over: all sessions end, one new one opens.

use chrono::{DateTime, Utc};

use super::Sessions;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    port::Tx,
    session::{EndReason, Ended, Session},
    token::RefreshToken,
    usecase::{Caller, Fault, SignedIn, login::Authenticated, transaction::transaction},
    user::User,
};

impl Sessions {
    /// Ends all of the caller's sessions and opens a new one with what the present one proved.
    ///
    /// `None` when the token has no session to start from, or it ended meanwhile.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn recover(&self, caller: &Caller, client: &Client) -> Result<Option<SignedIn>, Fault> {
        let Some(present) = caller.session.as_ref() else { return Ok(None) };
        let now = self.core.now();
        let opened = transaction!(self.core, tx => self.recover_in(tx, present, client, now))?;
        match opened {
            Some((user, session, refresh)) => self.core.issue(user, session, refresh, now).map(Some),
            None => Ok(None),
        }
    }

    async fn recover_in(
        &self,
        tx: &mut dyn Tx,
        present: &Session,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<Option<(User, Session, RefreshToken)>, Fault> {
        let Some(user) = tx.users().lock(present.user).await?.filter(User::is_active) else {
            return Ok(None);
        };
        let ended = Ended { at: now, reason: EndReason::Recovered };
        // The present session must still live: two parallel recoveries make one new session.
        if !tx.sessions().end(present.id, ended).await? {
            return Ok(None);
        }
        tx.sessions().end_all(user.id, None, ended).await?;
        let authenticated = Authenticated::carried_over(present);
        // None is left that could be too many.
        let (session, refresh) =
            self.core.open_session_in(tx, &user, Vec::new(), authenticated, client, now).await?;
        let record = AuditRecord::new(AuditEvent::SessionRecovered, &user.tenant, client, now);
        tx.audit().append(&record.by(user.id).within(session.id)).await?;
        Ok(Some((user, session, refresh)))
    }
}
