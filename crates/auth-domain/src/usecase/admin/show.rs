//! Everything about one account.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, Target, sessions::SHOWN};
use crate::{
    audit::AuditEvent,
    factor::TrustedDevice,
    guard::known_device::KnownDevice,
    port::Tx,
    session::Session,
    usecase::{LaneView, transaction::transaction},
    user::{LinkedIdentity, User},
};

/// What there is to an account.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// The account; its second factors are part of it.
    pub user: User,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
    /// Wrong passwords of those whose device is not known.
    pub passwords: LaneView,
    /// Wrong codes of second factors.
    pub codes: LaneView,
    /// Its sessions: those that have not ended, newest first, then the others by their end.
    pub sessions: Vec<Session>,
    /// The devices that need no second factor for now.
    pub devices: Vec<TrustedDevice>,
    /// The devices that are counted each for itself, the one used last first.
    pub known_devices: Vec<KnownDevice>,
    /// Accounts of providers that open it.
    pub identities: Vec<LinkedIdentity>,
}

impl Admin {
    /// Everything about an account, also about one that was removed.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn show(&self, actor: Actor<'_>, target: &Target) -> Result<AccountView, AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.show_in(tx, actor, target, now));
        self.conclude(actor, Action::Show, Some(target), outcome).await
    }

    async fn show_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<AccountView, AdminError> {
        let meeting = self.meet_in(tx, actor, target, Action::Show).await?;
        let record = meeting.record(AuditEvent::UserShown, now);
        let user = meeting.user;
        let view = AccountView {
            recovery_codes: tx.factors().recovery_codes_left(user.id).await?,
            devices: tx.devices().list(user.id, now).await?,
            known_devices: tx.known_devices().list(user.id, now).await?,
            sessions: tx.sessions().all_of(user.id, SHOWN).await?,
            identities: tx.identities().of_user(user.id).await?,
            passwords: self.core.lane_in(tx, &self.core.lock_key(&user.tenant, &user.email), now).await?,
            codes: self.core.lane_in(tx, &self.core.code_lock_key(&user), now).await?,
            user,
        };
        tx.audit().append(&record).await?;
        Ok(view)
    }
}
