//! The audit log: what happened to whom, by whom, from where.
//!
//! Events are appended in the transaction of the change they report (invariant I6). They carry ids and
//! masked values, never a secret and never a whole address.

mod chain;
mod check;
mod checkpoint;
mod event;
mod watch;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

pub use chain::{
    AuditKey, ChainHash, ChainHead, ChainLink, ChainedRow, ClientSeal, NotHex, Salt, StoredRow, hex, network,
    network_text, time_text, unhex,
};
pub use check::{ChainCheck, CheckReport, Finding, Flaw, LOOK_BACK};
pub use checkpoint::{Checkpoint, CheckpointKind, Signature, UnknownKind};
pub use event::{AuditEvent, Outcome, UnknownEvent};
pub use watch::{AuditWatch, WatchedStore};

use crate::{
    client::Client,
    id::{SessionId, UserId},
    tenant::TenantId,
    token::AuthMethod,
};

/// Names the detail that says who stood for the password.
const PROVIDER: &str = "provider";

/// One entry, before it is appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// In which tenant.
    pub tenant: TenantId,
    /// What happened.
    pub event: AuditEvent,
    /// Who did it; `None` for an outsider or the server itself.
    pub actor: Option<UserId>,
    /// Whom it concerns.
    pub subject: Option<UserId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// From where.
    pub client: Client,
    /// More about it: short keys, values fit to be read by an operator.
    pub details: Vec<(&'static str, String)>,
}

impl AuditRecord {
    /// An entry about `event`, to be completed by the methods below.
    pub fn new(event: AuditEvent, tenant: &TenantId, client: &Client, at: DateTime<Utc>) -> Self {
        Self {
            at,
            tenant: tenant.clone(),
            event,
            actor: None,
            subject: None,
            session: None,
            client: client.clone(),
            details: Vec::new(),
        }
    }

    /// Done by `user`, to themselves.
    #[must_use]
    pub const fn by(mut self, user: UserId) -> Self {
        self.actor = Some(user);
        self.subject = Some(user);
        self
    }

    /// Concerns `user`, who did not necessarily do it.
    #[must_use]
    pub const fn about(mut self, user: UserId) -> Self {
        self.subject = Some(user);
        self
    }

    /// Happened in `session`.
    #[must_use]
    pub const fn within(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Says that Cognito stood for the password, or was asked to, if that `is` so.
    #[must_use]
    pub(crate) fn by_provider(self, is: bool) -> Self {
        if is { self.with(PROVIDER, AuthMethod::Cognito.as_str()) } else { self }
    }

    /// Whether it was Cognito, and not this server, that the password was looked at by.
    pub fn is_by_provider(&self) -> bool {
        self.details.iter().any(|(key, value)| *key == PROVIDER && value == AuthMethod::Cognito.as_str())
    }

    /// The entry as one line for the application's log, of the client's address the network only.
    pub fn summary(&self) -> String {
        let mut text = format!("{} {} {}", time_text(self.at), self.event, self.tenant);
        let numbers = [
            ("actor", self.actor.map(UserId::as_i64)),
            ("subject", self.subject.map(UserId::as_i64)),
            ("session", self.session.map(SessionId::as_i64)),
        ];
        let numbers = numbers.into_iter().filter_map(|(key, value)| Some((key, value?.to_string())));
        let client = [
            ("network", self.client.ip.map(|ip| network(ip).to_string())),
            ("request", self.client.request_id.clone()),
        ];
        let client = client.into_iter().filter_map(|(key, value)| Some((key, value?)));
        for (key, value) in numbers.chain(client).chain(self.details.iter().cloned()) {
            // Writing to a String cannot fail.
            let _ = write!(text, " {key}={}", value.escape_debug());
        }
        text
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.details.push((key, value.into()));
        self
    }
}

/// One entry as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Position in the log, given by the store, rising.
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// In which tenant.
    pub tenant: TenantId,
    /// What happened.
    pub event: AuditEvent,
    /// Who did it.
    pub actor: Option<UserId>,
    /// Whom it concerns.
    pub subject: Option<UserId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// From where.
    pub client: Client,
    /// More about it.
    pub details: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_every_field_and_no_whole_address() {
        let client = Client {
            ip: Some("203.0.113.77".parse().unwrap()),
            user_agent: None,
            request_id: Some("r-1".to_owned()),
        };
        let record =
            AuditRecord::new(AuditEvent::LoginFailed, &TenantId::default(), &client, DateTime::UNIX_EPOCH)
                .by(UserId::from_i64(7))
                .within(SessionId::from_i64(8))
                .with("reason", "a\nb");
        let expected = "1970-01-01T00:00:00.000000Z login.fail default actor=7 subject=7 session=8 \
                        network=203.0.113.0 request=r-1 reason=a\\nb";
        assert_eq!(record.summary(), expected);
    }
}
