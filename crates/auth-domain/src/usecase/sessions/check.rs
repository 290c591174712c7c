//! Asking whether a session still lives, and prolonging it.

use chrono::{DateTime, TimeDelta, Utc};

use super::Sessions;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    port::Tx,
    session::{
        Session,
        rotation::{Verdict, judge},
    },
    token::RefreshToken,
    usecase::{Fault, Identity, fault::faults, transaction::transaction},
    user::User,
};

/// Why a session does not count as live.
#[derive(Debug, thiserror::Error)]
pub enum SessionCheckError {
    /// The session has ended, or the refresh token sent along is not one of the user's.
    #[error("the session has ended")]
    SessionInvalidated,
    /// The account may not be used.
    #[error("the account is not active")]
    UserInactive,
    /// The account is gone.
    #[error("the account is gone")]
    UserNotFound,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(SessionCheckError);

impl From<Fault> for SessionCheckError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Which session is meant.
#[derive(Clone, Debug)]
pub struct SessionFilter {
    /// A refresh token of the session; blank counts as absent.
    pub refresh_token: Option<String>,
}

impl SessionFilter {
    fn token(&self) -> Option<&str> {
        self.refresh_token.as_deref().map(str::trim).filter(|token| !token.is_empty())
    }
}

/// What was prolonged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    /// When the prolonged session, or the earliest of them, ends now.
    pub expires_at: DateTime<Utc>,
    /// How far the end moved from now, at least.
    pub extension: TimeDelta,
    /// How many sessions, when no single one was meant.
    pub sessions: Option<usize>,
}

impl Sessions {
    /// Whether the session behind an access token, and the refresh token sent along, still live.
    ///
    /// # Errors
    /// [`SessionCheckError`].
    pub async fn validate(
        &self,
        identity: &Identity,
        filter: &SessionFilter,
    ) -> Result<User, SessionCheckError> {
        let (user, now) = (usable(identity)?, self.core.now());
        let alive = identity.session.as_ref().is_some_and(|session| session.is_live(now));
        let named_by_token = match filter.token() {
            Some(token) => self.session_of(user, token, now).await?.is_some(),
            None => true,
        };
        // A token of a sister service has no session here: then any live one of the user counts.
        let alive = alive || (identity.claims.session.is_none() && !self.live(user, now).await?.is_empty());
        if alive && named_by_token { Ok(user.clone()) } else { Err(SessionCheckError::SessionInvalidated) }
    }

    /// Prolongs the session of a refresh token, or all live sessions of the user when none is named.
    /// The end moves to the extension from now, and never to an earlier time.
    ///
    /// # Errors
    /// [`SessionCheckError`].
    pub async fn extend(
        &self,
        identity: &Identity,
        filter: &SessionFilter,
        client: &Client,
    ) -> Result<Extended, SessionCheckError> {
        let (user, now) = (usable(identity)?, self.core.now());
        if identity.session.as_ref().is_some_and(|session| !session.is_live(now)) {
            return Err(SessionCheckError::SessionInvalidated);
        }
        let one = match filter.token() {
            Some(token) => self.session_of(user, token, now).await?,
            None => None,
        };
        let single = one.is_some();
        let mut sessions = match one {
            Some(session) => vec![session],
            None => self.live(user, now).await?,
        };
        // One order for all who change several: nobody waits in a circle.
        sessions.sort_by_key(|session| session.id);
        if sessions.is_empty() {
            return Err(SessionCheckError::SessionInvalidated);
        }
        let until = now + self.core.policy.extension;
        transaction!(self.core, tx => Self::extend_in(tx, user, &sessions, until, client, now))?;
        let ends = sessions.iter().map(|session| session.expires_at.max(until));
        Ok(Extended {
            expires_at: ends.min().unwrap_or(until),
            extension: self.core.policy.extension,
            sessions: (!single).then_some(sessions.len()),
        })
    }

    async fn extend_in(
        tx: &mut dyn Tx,
        user: &User,
        sessions: &[Session],
        until: DateTime<Utc>,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        for session in sessions {
            tx.sessions().extend(session.id, until).await?;
        }
        let mut record = AuditRecord::new(AuditEvent::SessionExtended, &user.tenant, client, now).by(user.id);
        if let [only] = sessions {
            record = record.within(only.id);
        }
        Ok(tx.audit().append(&record.with("sessions", sessions.len().to_string())).await?)
    }

    async fn live(&self, user: &User, now: DateTime<Utc>) -> Result<Vec<Session>, Fault> {
        Ok(self.core.ports.store.read().await?.sessions().live_of(user.id, now).await?)
    }

    /// The user's live session whose refresh token this is: the newest of its chain, or one spent so
    /// recently that it would still refresh.
    async fn session_of(
        &self,
        user: &User,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, Fault> {
        let Some(token) = RefreshToken::parse(token) else { return Ok(None) };
        let presented = self.core.ports.store.read().await?.sessions().presented(&token.digest()).await?;
        Ok(presented
            .filter(|presented| presented.session.user == user.id)
            .filter(|presented| {
                let verdict = judge(presented, now, self.core.policy.refresh_grace);
                matches!(verdict, Verdict::Rotate | Verdict::Repeat(_))
            })
            .map(|presented| presented.session))
    }
}

fn usable(identity: &Identity) -> Result<&User, SessionCheckError> {
    match &identity.user {
        None => Err(SessionCheckError::UserNotFound),
        Some(user) if !user.is_active() => Err(SessionCheckError::UserInactive),
        Some(user) => Ok(user),
    }
}
