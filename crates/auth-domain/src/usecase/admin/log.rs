//! The audit log of a tenant.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError};
use crate::{
    audit::{AuditEntry, AuditEvent},
    id::UserId,
    port::AuditFilter,
    tenant::TenantId,
};

/// Which entries to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only this event.
    pub event: Option<AuditEvent>,
    /// Only what concerns this account.
    pub user: Option<UserId>,
    /// Only what happened then or later.
    pub since: Option<DateTime<Utc>>,
    /// Only what happened earlier.
    pub until: Option<DateTime<Utc>>,
}

/// A page of entries, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries.
    pub items: Vec<AuditEntry>,
    /// What gives the next page; `None` when this is the last.
    pub next: Option<String>,
}

impl Admin {
    /// At most `limit` entries about the actor's tenant from `cursor` on. The first page leaves an entry of
    /// its own.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn audit(
        &self,
        actor: Actor<'_>,
        query: &AuditQuery,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<AuditPage, AdminError> {
        let outcome = self.try_audit(actor, query, limit, cursor).await;
        self.conclude(actor, Action::ReadLog, None, outcome).await
    }

    async fn try_audit(
        &self,
        actor: Actor<'_>,
        query: &AuditQuery,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<AuditPage, AdminError> {
        let acting = self.reader(actor, Action::ReadLog.power())?;
        let tenant = acting.tenant().cloned();
        let list = [&b"audit"[..], tenant.as_ref().map_or("", TenantId::as_str).as_bytes()];
        let before = match cursor {
            Some(cursor) => Some(self.core.read_cursor(&list, cursor).ok_or(AdminError::BadCursor)?),
            None => None,
        };
        let (event, subject) = (query.event, query.user);
        let filter = AuditFilter {
            tenant: tenant.clone(),
            event,
            subject,
            since: query.since,
            until: query.until,
            before,
        };
        let mut repos = self.core.ports.store.read().await?;
        // One more than asked for says whether there is a next page.
        let mut items = repos.audit().list(&filter, limit.saturating_add(1)).await?;
        if before.is_none() {
            let place = tenant.clone().unwrap_or_default();
            repos.audit().append(&acting.record(AuditEvent::AuditRead, &place, self.core.now())).await?;
        }
        let is_last = items.len() <= limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| !is_last).map(|last| self.core.cursor(&list, last.seq));
        Ok(AuditPage { items, next })
    }
}
