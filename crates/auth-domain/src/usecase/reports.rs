//! What applications tell about themselves. Anybody can say anything here: it is kept for operators who look
//! into an incident, and nothing is decided by it.

use std::sync::Arc;

use super::{Core, Fault};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    tenant::TenantId,
    user::Email,
};

/// Longest value kept, in characters.
const MAX_CHARS: usize = 64;

/// Takes reports.
#[derive(Clone)]
pub struct Reports {
    core: Arc<Core>,
}

/// How a mobile application says it signed somebody in.
#[derive(Clone, Debug)]
pub struct MobileAuthReport {
    /// The tenant of the request.
    pub tenant: TenantId,
    /// What it calls the method.
    pub method: Option<String>,
    /// What it calls its version.
    pub version: Option<String>,
    /// Whom it says it signed in.
    pub email: Option<String>,
    /// When it says that was.
    pub reported_at: Option<String>,
    /// Who is calling.
    pub client: Client,
}

impl Reports {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Writes a report to the audit log, as far as it is fit to be read there.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn mobile_auth(&self, report: &MobileAuthReport) -> Result<(), Fault> {
        let event = AuditEvent::MobileAuthReported;
        let mut record = AuditRecord::new(event, &report.tenant, &report.client, self.core.now());
        for (key, value) in details(report) {
            record = record.with(key, value);
        }
        Ok(self.core.ports.store.read().await?.audit().append(&record).await?)
    }
}

fn details(report: &MobileAuthReport) -> impl Iterator<Item = (&'static str, String)> {
    let email = report.email.as_deref().and_then(|text| Email::parse(text).ok());
    let values = [
        ("method", report.method.as_deref().and_then(legible)),
        ("version", report.version.as_deref().and_then(legible)),
        ("email", email.map(|email| email.masked())),
        ("reported_at", report.reported_at.as_deref().and_then(legible)),
    ];
    values.into_iter().filter_map(|(key, value)| Some((key, value?)))
}

/// The beginning of a text, without what could disguise the log; nothing of one that may be an address.
fn legible(text: &str) -> Option<String> {
    let is_plain = |c: &char| c.is_ascii_graphic() || *c == ' ';
    let kept: String = text.chars().filter(is_plain).take(MAX_CHARS).collect();
    let kept = kept.trim();
    (!kept.is_empty() && !text.contains('@')).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_fit_to_be_read_is_kept() {
        let report = MobileAuthReport {
            tenant: TenantId::default(),
            method: Some("bio\u{1b}[31m\nmetric\u{202e}".to_owned()),
            version: Some("x".repeat(1_000)),
            email: Some("Ada@Example.com".to_owned()),
            reported_at: Some("ada@example.com".to_owned()),
            client: Client::default(),
        };
        let kept: Vec<_> = details(&report).collect();
        assert_eq!(
            kept,
            [
                ("method", "bio[31mmetric".to_owned()),
                ("version", "x".repeat(64)),
                ("email", "ad*@example.com".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_no_address_is_not_kept_as_one() {
        let email = Some("<script>".to_owned());
        let (method, version, reported_at) = (Some("  ".to_owned()), None, Some("1782907200".to_owned()));
        let (tenant, client) = (TenantId::default(), Client::default());
        let report = MobileAuthReport { tenant, method, version, email, reported_at, client };
        assert_eq!(details(&report).collect::<Vec<_>>(), [("reported_at", "1782907200".to_owned())]);
    }
}
