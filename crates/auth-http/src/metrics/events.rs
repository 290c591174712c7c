//! What got into the audit log.

use auth_domain::audit::{AuditEvent, AuditRecord, AuditWatch};
use prometheus::{IntCounterVec, Registry};

use super::{counters, show};

/// How a login can end, or go on.
const OUTCOMES: [&str; 5] = ["ok", "fail", "throttled", "mfa_required", "mfa_fail"];
/// Who can look at a password.
const PROVIDERS: [&str; 2] = ["native", "cognito"];

/// Counts entries of the audit log as they get into it.
pub struct EventFigures {
    events: IntCounterVec,
    logins: IntCounterVec,
}

impl EventFigures {
    /// Counts from zero.
    pub fn new() -> Self {
        let events =
            counters("auth_events_total", "Entries that the audit log got from this process.", &["event"]);
        let logins = counters(
            "auth_logins_total",
            "Attempts to sign in, by how they ended.",
            &["outcome", "provider"],
        );
        // All of them from the start: a rate sees nothing of a series that begins with its first event.
        for event in AuditEvent::ALL {
            events.with_label_values(&[event.as_str()]);
        }
        for outcome in OUTCOMES {
            for provider in PROVIDERS {
                logins.with_label_values(&[outcome, provider]);
            }
        }
        Self { events, logins }
    }

    pub(super) fn register(&self, registry: &Registry) {
        show(registry, &self.events);
        show(registry, &self.logins);
    }
}

impl Default for EventFigures {
    fn default() -> Self {
        Self::new()
    }
}

impl AuditWatch for EventFigures {
    fn appended(&self, record: &AuditRecord) {
        self.events.with_label_values(&[record.event.as_str()]).inc();
        let Some(outcome) = login_outcome(record.event) else { return };
        let provider = usize::from(record.is_by_provider());
        self.logins.with_label_values(&[outcome, PROVIDERS[provider]]).inc();
    }
}

/// What an event says of a login; `None` for one that is about something else.
const fn login_outcome(event: AuditEvent) -> Option<&'static str> {
    match event {
        AuditEvent::LoginOk => Some(OUTCOMES[0]),
        AuditEvent::LoginFailed | AuditEvent::IdentityRefused => Some(OUTCOMES[1]),
        AuditEvent::LoginThrottled => Some(OUTCOMES[2]),
        AuditEvent::LoginMfaRequired => Some(OUTCOMES[3]),
        AuditEvent::LoginMfaFailed => Some(OUTCOMES[4]),
        _ => None,
    }
}
