//! Signing out.

use chrono::{DateTime, Utc};

use super::Sessions;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::UserId,
    port::Tx,
    session::{EndReason, Ended, Session},
    tenant::TenantId,
    token::RefreshToken,
    usecase::{Fault, Identity, fault::faults, transaction::transaction},
};

/// A wish to sign out, proved by a refresh token, an access token or both.
#[derive(Clone, Debug)]
pub struct Logout {
    /// The tenant of the request.
    pub tenant: TenantId,
    /// The refresh token, spent or not: whoever holds one may end its session.
    pub refresh_token: Option<String>,
    /// What the access token said, if there was a good one.
    pub identity: Option<Identity>,
    /// Whether all sessions of the user shall end.
    pub everywhere: bool,
    /// Who is calling.
    pub client: Client,
}

/// Why the wish was not fulfilled. A token that names nothing is no reason.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(LogoutError);

impl From<Fault> for LogoutError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Sessions {
    /// Ends the sessions that the tokens name. Signing out twice is fine.
    ///
    /// # Errors
    /// [`LogoutError`] when a port fails.
    pub async fn logout(&self, request: &Logout) -> Result<(), LogoutError> {
        let named = self.named_sessions(request).await?;
        let now = self.core.now();
        transaction!(self.core, tx => Self::logout_in(tx, &named, request, now))
    }

    /// Whose live sessions the tokens name. An ended one speaks for nobody.
    pub(in crate::usecase) async fn owners(&self, request: &Logout) -> Result<Vec<UserId>, Fault> {
        let (named, now) = (self.named_sessions(request).await?, self.core.now());
        let live = named.iter().filter(|session| session.is_live(now));
        let mut users: Vec<UserId> = live.map(|session| session.user).collect();
        users.sort();
        users.dedup();
        Ok(users)
    }

    async fn named_sessions(&self, request: &Logout) -> Result<Vec<Session>, Fault> {
        let mut named: Vec<Session> = request.identity.iter().filter_map(|who| who.session.clone()).collect();
        if let Some(token) = request.refresh_token.as_deref().and_then(RefreshToken::parse) {
            let presented = self.core.ports.store.read().await?.sessions().presented(&token.digest()).await?;
            named.extend(presented.map(|presented| presented.session).filter(|s| s.tenant == request.tenant));
        }
        named.sort_by_key(|session| session.id);
        named.dedup_by_key(|session| session.id);
        Ok(named)
    }

    async fn logout_in(
        tx: &mut dyn Tx,
        named: &[Session],
        request: &Logout,
        now: DateTime<Utc>,
    ) -> Result<(), LogoutError> {
        let ended = Ended { at: now, reason: EndReason::Logout };
        let record = || AuditRecord::new(AuditEvent::Logout, &request.tenant, &request.client, now);
        for session in named {
            if tx.sessions().end(session.id, ended).await? {
                tx.audit().append(&record().by(session.user).within(session.id)).await?;
            }
        }
        if request.everywhere {
            // Only a session that still lives may speak for all the others.
            let mut users: Vec<UserId> = named.iter().filter(|s| s.is_live(now)).map(|s| s.user).collect();
            users.dedup();
            for user in users {
                let count = tx.sessions().end_all(user, None, ended).await?;
                tx.audit().append(&record().by(user).with("sessions", count.to_string())).await?;
            }
        }
        Ok(())
    }
}
