//! Requests that come by cookie: a browser sends those for any page that asks, so each must prove that a page
//! of ours asked.

use std::sync::Arc;

use super::{Core, Fault};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::SessionId,
    port::EntropyError,
    session::Session,
    tenant::TenantId,
    token::{CsrfToken, RefreshToken},
};

/// Makes and judges tokens against forged requests.
#[derive(Clone)]
pub struct Csrf {
    core: Arc<Core>,
}

/// What a refused request lacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfFlaw {
    /// Nothing said that a page of ours sent it.
    Origin,
    /// It had no token, or one of another session.
    Token,
}

impl CsrfFlaw {
    /// The name that the audit log uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Token => "token",
        }
    }
}

/// A request that was refused.
#[derive(Clone, Debug)]
pub struct CsrfDenial {
    /// The tenant of the request.
    pub tenant: TenantId,
    /// The session of the cookie; `None` where the request asked for its first one.
    pub session: Option<Session>,
    /// What was lacking.
    pub flaw: CsrfFlaw,
    /// What was asked for: method and route.
    pub route: String,
    /// Who is calling.
    pub client: Client,
}

impl Csrf {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// A new token for a session.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no randomness.
    pub fn token(&self, session: SessionId) -> Result<CsrfToken, EntropyError> {
        CsrfToken::mint(session, &*self.core.ports.keyed_hash, self.core.entropy())
    }

    /// Whether `token` was made for this session.
    pub fn admits(&self, token: &str, session: SessionId) -> bool {
        CsrfToken::is_of(token, session, &*self.core.ports.keyed_hash)
    }

    /// The session a refresh token belongs to, whatever has become of both. Spends nothing.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn session_of(&self, tenant: &TenantId, refresh_token: &str) -> Result<Option<Session>, Fault> {
        let Some(token) = RefreshToken::parse(refresh_token) else { return Ok(None) };
        let presented = self.core.ports.store.read().await?.sessions().presented(&token.digest()).await?;
        Ok(presented.map(|presented| presented.session).filter(|session| session.tenant == *tenant))
    }

    /// The live session of a refresh token, if there is one. Spends nothing.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn live_session_of(
        &self,
        tenant: &TenantId,
        refresh_token: &str,
    ) -> Result<Option<Session>, Fault> {
        let now = self.core.now();
        Ok(self.session_of(tenant, refresh_token).await?.filter(|session| session.is_live(now)))
    }

    /// Writes a refusal to the audit log. Who sent the request is unknown; the entry is about the owner of
    /// the session, who was to be used.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn denied(&self, denial: &CsrfDenial) -> Result<(), Fault> {
        let event = AuditEvent::CsrfDenied;
        let mut record = AuditRecord::new(event, &denial.tenant, &denial.client, self.core.now())
            .with("lacks", denial.flaw.as_str())
            .with("route", denial.route.clone());
        if let Some(session) = &denial.session {
            record = record.about(session.user).within(session.id);
        }
        Ok(self.core.ports.store.read().await?.audit().append(&record).await?)
    }
}
