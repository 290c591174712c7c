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

/// A change of the profile.
#[derive(Clone, Debug)]
pub struct UpdateProfile {
    /// `Some` sets the name, to nothing with `Some(None)`; `None` leaves it.
    pub full_name: Option<Option<FullName>>,
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
        let Some(full_name) = change.full_name.clone().filter(|name| *name != user.full_name) else {
            return Ok(Some(user));
        };
        user.full_name = full_name;
        user.updated_at = now;
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&user).await?;
        let record = AuditRecord::new(AuditEvent::ProfileChanged, &user.tenant, &change.client, now);
        tx.audit().append(&record.by(user.id).with("fields", "full_name")).await?;
        Ok(Some(user))
    }
}
