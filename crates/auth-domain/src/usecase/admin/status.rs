//! Accounts switched off, on, removed and brought back.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, Target, meet::Meeting};
use crate::{
    audit::AuditEvent,
    client::Client,
    port::Tx,
    session::{EndReason, Ended},
    token::LinkPurpose,
    usecase::{Fault, api_keys::revoke_personal_in, transaction::transaction},
    user::{User, UserStatus},
};

/// An account that changed its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// The account as it is now.
    pub user: User,
    /// What it was before.
    pub before: UserStatus,
    /// When it changed.
    pub at: DateTime<Utc>,
}

impl Admin {
    /// Puts an account into a state. In any but [`UserStatus::Active`] it can do nothing: its sessions end
    /// and its links die in the same transaction.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn change_status(
        &self,
        actor: Actor<'_>,
        target: &Target,
        status: UserStatus,
        reason: Option<&str>,
    ) -> Result<StatusChange, AdminError> {
        let now = self.core.now();
        let outcome =
            transaction!(self.core, tx => self.change_status_in(tx, actor, target, status, reason, now));
        self.conclude(actor, Action::ChangeStatus, Some(target), outcome).await
    }

    async fn change_status_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        status: UserStatus,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<StatusChange, AdminError> {
        let mut meeting = self.meet_in(tx, actor, target, Action::ChangeStatus).await?;
        let before = meeting.user.status;
        let record = meeting.record(AuditEvent::StatusChanged, now);
        let record = record.with("from", before.as_str()).with("to", status.as_str());
        let record = match reason {
            Some(reason) => record.with("reason", reason),
            None => record,
        };
        self.put_in(tx, &mut meeting, status, now).await?;
        tx.audit().append(&record).await?;
        Ok(StatusChange { user: meeting.user, before, at: now })
    }

    /// Removes an account. Its row stays, so that its address is not given away.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete(&self, actor: Actor<'_>, target: &Target) -> Result<User, AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.delete_in(tx, actor, target, now));
        self.conclude(actor, Action::Delete, Some(target), outcome).await
    }

    async fn delete_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<User, AdminError> {
        let mut meeting = self.meet_in(tx, actor, target, Action::Delete).await?;
        let record = meeting.record(AuditEvent::UserDeleted, now);
        self.put_in(tx, &mut meeting, UserStatus::Deleted, now).await?;
        tx.audit().append(&record).await?;
        Ok(meeting.user)
    }

    /// Brings a removed account back, as it was. Its owner signs in with the password they had.
    ///
    /// # Errors
    /// [`AdminError`]; [`NotDeleted`](AdminError::NotDeleted) for one that is there.
    pub async fn reactivate(&self, actor: Actor<'_>, target: &Target) -> Result<User, AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.reactivate_in(tx, actor, target, now));
        self.conclude(actor, Action::Reactivate, Some(target), outcome).await
    }

    async fn reactivate_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<User, AdminError> {
        let mut meeting = self.meet_in(tx, actor, target, Action::Reactivate).await?;
        if meeting.user.status != UserStatus::Deleted {
            return Err(AdminError::NotDeleted(meeting.user.status));
        }
        let record = meeting.record(AuditEvent::UserReactivated, now);
        self.put_in(tx, &mut meeting, UserStatus::Active, now).await?;
        tx.audit().append(&record).await?;
        Ok(meeting.user)
    }

    async fn put_in(
        &self,
        tx: &mut dyn Tx,
        meeting: &mut Meeting,
        status: UserStatus,
        now: DateTime<Utc>,
    ) -> Result<(), AdminError> {
        if status != UserStatus::Active {
            meeting.keep_a_superuser()?;
            leave_in(tx, &meeting.user, now).await?;
        }
        (meeting.user.status, meeting.user.updated_at) = (status, now);
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&meeting.user).await?;
        Ok(())
    }
}

/// Nobody gets in any more with what the account gave out.
async fn leave_in(tx: &mut dyn Tx, user: &User, now: DateTime<Utc>) -> Result<(), Fault> {
    tx.devices().forget_all(user.id, now).await?;
    tx.known_devices().forget_all(user.id).await?;
    for purpose in LinkPurpose::ALL {
        tx.links().withdraw(user.id, purpose).await?;
    }
    tx.sessions().end_all(user.id, None, Ended { at: now, reason: EndReason::AccountClosed }).await?;
    // Who did it says the entry about what was done.
    revoke_personal_in(tx, user, &Client::default(), now).await
}
