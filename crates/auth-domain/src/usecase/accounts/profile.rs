//! The profile.

use chrono::{DateTime, Utc};

use super::Accounts;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::UserId,
    port::Tx,
    usecase::{Caller, Fault, transaction::transaction},
    user::{FullName, User},
};

/// What happens to one field of the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldChange<T> {
    /// It stays as it is.
    Keep,
    /// It is removed.
    Clear,
    /// It becomes this.
    Set(T),
}

/// A change of the profile.
#[derive(Clone, Debug)]
pub struct UpdateProfile {
    /// What happens to the name.
    pub full_name: FieldChange<FullName>,
    /// Who is calling.
    pub client: Client,
}

impl Accounts {
    /// Changes the caller's profile and returns the account as it is now.
    ///
    /// # Errors
    /// [`Fault`] when a port fails.
    pub async fn update_profile(&self, caller: &Caller, change: &UpdateProfile) -> Result<User, Fault> {
        let now = self.core.now();
        transaction!(self.core, tx => Self::update_in(tx, caller.user.id, change, now))
            .map(|user| user.unwrap_or_else(|| caller.user.clone()))
    }

    /// `None` when the account is gone, which the next request will notice.
    async fn update_in(
        tx: &mut dyn Tx,
        id: UserId,
        change: &UpdateProfile,
        now: DateTime<Utc>,
    ) -> Result<Option<User>, Fault> {
        let Some(mut user) = tx.users().lock(id).await? else { return Ok(None) };
        let full_name = match &change.full_name {
            FieldChange::Keep => user.full_name.clone(),
            FieldChange::Clear => None,
            FieldChange::Set(name) => Some(name.clone()),
        };
        if full_name == user.full_name {
            return Ok(Some(user));
        }
        user.full_name = full_name;
        user.updated_at = now;
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&user).await?;
        let record = AuditRecord::new(AuditEvent::ProfileChanged, &user.tenant, &change.client, now);
        tx.audit().append(&record.by(user.id).with("fields", "full_name")).await?;
        Ok(Some(user))
    }
}
