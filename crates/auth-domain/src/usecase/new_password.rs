//! From an admitted password to its hash, past the rules that need to know more than the password. Every
//! path that sets a password goes through here.

use super::{Core, Fault};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    tenant::TenantId,
    user::{NewPassword, PasswordHash, WeakPassword, password},
};

/// For whom a password is to be.
pub(super) struct PasswordFor<'a> {
    pub(super) tenant: &'a TenantId,
    /// The account's own words.
    pub(super) words: Vec<String>,
    /// Who is calling.
    pub(super) client: &'a Client,
}

impl Core {
    /// Applies the rules, cheapest first, then hashes. Never within a transaction: it computes for long,
    /// and may ask another service.
    pub(super) async fn hash_new_password(
        &self,
        password: &NewPassword,
        owner: PasswordFor<'_>,
    ) -> Result<Result<PasswordHash, WeakPassword>, Fault> {
        let policy = &self.policy.passwords;
        let mut words = owner.words;
        password::add_words(&mut words, &self.policy.product);
        if let Err(weak) = policy.check_context(password, &words) {
            return Ok(Err(weak));
        }
        let strength = self.ports.hasher.strength(password, &words).await?;
        if let Err(weak) = policy.check_strength(strength) {
            return Ok(Err(weak));
        }
        if self.is_breached(password, owner.tenant, owner.client).await? {
            return Ok(Err(WeakPassword::Breached));
        }
        Ok(Ok(self.ports.hasher.hash(password).await?))
    }

    /// Whether the password is known from a breach. Where nobody can tell, it is taken, and the audit log
    /// says so: an outage elsewhere keeps nobody from an account.
    async fn is_breached(
        &self,
        password: &NewPassword,
        tenant: &TenantId,
        client: &Client,
    ) -> Result<bool, Fault> {
        let Some(breached) = &self.ports.breached else { return Ok(false) };
        if let Ok(known) = breached.contains(password.password()).await {
            return Ok(known);
        }
        let record = AuditRecord::new(AuditEvent::BreachCheckSkipped, tenant, client, self.now());
        self.ports.store.read().await?.audit().append(&record).await?;
        Ok(false)
    }
}
