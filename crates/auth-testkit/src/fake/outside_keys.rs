//! API keys that somebody else mints, without signatures.

use auth_domain::{
    id::UserId,
    port::{OutsideKey, OutsideKeyError, OutsideKeyVerifier},
    tenant::TenantId,
};
use chrono::{DateTime, Utc};

/// Believes `outside <user>` and `outside <user> <tenant>`, and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct FakeOutsideKeys;

impl OutsideKeyVerifier for FakeOutsideKeys {
    fn verify(&self, key: &str, _: DateTime<Utc>) -> Result<OutsideKey, OutsideKeyError> {
        let words: Vec<&str> = key.split(' ').collect();
        let (subject, tenant) = match words[..] {
            ["outside", subject] => (subject, None),
            ["outside", subject, tenant] => (subject, Some(tenant)),
            _ => return Err(OutsideKeyError::Invalid),
        };
        let subject = subject.parse::<UserId>().map_err(|_| OutsideKeyError::NoSubject)?;
        let tenant = tenant.map(TenantId::parse).transpose().map_err(|_| OutsideKeyError::Invalid)?;
        Ok(OutsideKey { subject, tenant })
    }
}
