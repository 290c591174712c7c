//! Calls that were refused for their token or key: counted, and noted now and then.
//!
//! Anybody can send tokens that are none, as often as the limits let them. One entry per refusal would let
//! outsiders fill the log; one per reason and minute cannot.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{ApiKeyRefused, BearerError, Core, Fault};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    tenant::TenantId,
    token::TokenRejected,
};

/// What was refused and why, and how often since it was noted last.
type Counts = HashMap<(AuditEvent, &'static str), u64>;

/// Counts refusals, and notes them.
#[derive(Clone)]
pub struct Refusals {
    core: Arc<Core>,
    counts: Arc<Mutex<Counts>>,
}

impl Refusals {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core, counts: Arc::default() }
    }

    /// Counts a refusal. Faults are none.
    pub(super) fn count(&self, error: &BearerError) {
        if let Some((event, reason)) = reason(error) {
            *self.lock().entry((event, reason)).or_default() += 1;
        }
    }

    /// The same for API keys.
    pub(super) fn count_key(&self, error: &ApiKeyRefused) {
        if let Some(reason) = key_reason(error) {
            *self.lock().entry((AuditEvent::ApiKeyDenied, reason)).or_default() += 1;
        }
    }

    /// Puts what was counted into the audit log: one entry per reason. What is not written is counted on.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn note(&self) -> Result<(), Fault> {
        let counts = std::mem::take(&mut *self.lock());
        let mut left = counts.into_iter();
        while let Some((key, count)) = left.next() {
            if let Err(fault) = self.append(key, count).await {
                let mut counts = self.lock();
                for (key, count) in std::iter::once((key, count)).chain(left) {
                    *counts.entry(key).or_default() += count;
                }
                return Err(fault);
            }
        }
        Ok(())
    }

    async fn append(&self, (event, reason): (AuditEvent, &'static str), count: u64) -> Result<(), Fault> {
        let record = AuditRecord::new(event, &TenantId::default(), &Client::default(), self.core.now())
            .with("reason", reason)
            .with("count", count.to_string());
        Ok(self.core.ports.store.read().await?.audit().append(&record).await?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a refusal is called in the log.
const fn reason(error: &BearerError) -> Option<(AuditEvent, &'static str)> {
    let (event, reason) = match error {
        BearerError::Rejected(why) => (AuditEvent::TokenInvalid, rejection(*why)),
        BearerError::UserNotFound => (AuditEvent::TokenInvalid, "account_gone"),
        BearerError::SessionEnded => (AuditEvent::TokenInvalid, "session_ended"),
        BearerError::WrongTenant => (AuditEvent::AuthzDenied, "other_tenant"),
        BearerError::UserInactive => (AuditEvent::AuthzDenied, "account_inactive"),
        BearerError::Fault(_) => return None,
    };
    Some((event, reason))
}

const fn key_reason(error: &ApiKeyRefused) -> Option<&'static str> {
    match error {
        ApiKeyRefused::Unknown => Some("unknown"),
        ApiKeyRefused::Revoked => Some("revoked"),
        ApiKeyRefused::Expired => Some("expired"),
        ApiKeyRefused::WrongTenant => Some("other_tenant"),
        ApiKeyRefused::OwnerInactive => Some("account_inactive"),
        ApiKeyRefused::OutOfScope(_) => Some("out_of_scope"),
        ApiKeyRefused::Fault(_) => None,
    }
}

const fn rejection(why: TokenRejected) -> &'static str {
    match why {
        TokenRejected::Malformed => "malformed",
        TokenRejected::UnknownKey => "unknown_key",
        TokenRejected::BadSignature => "bad_signature",
        TokenRejected::BadClaim(_) | TokenRejected::NoSubject => "bad_claim",
        TokenRejected::WrongType => "wrong_type",
        TokenRejected::WrongParty => "wrong_party",
        TokenRejected::Expired => "expired",
        TokenRejected::NotYetValid => "not_yet_valid",
    }
}
