//! Locked accounts as operators see them.

use chrono::{DateTime, Utc};

use super::{
    Core, Fault, Operators, Target, admin::find_in, fault::faults, lane::LockKey, transaction::transaction,
};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::{
        known_device::KnownDevice,
        lockout::{LockState, Standing},
    },
    port::Tx,
    user::User,
};

/// The failures of one account.
#[derive(Clone, Debug)]
pub struct AccountLanes {
    /// The account.
    pub user: User,
    /// Wrong passwords of those whose device is not known.
    pub passwords: LaneView,
    /// Wrong codes of second factors.
    pub codes: LaneView,
    /// The devices that are counted each for itself, the one used last first.
    pub devices: Vec<KnownDevice>,
}

/// What is counted in one lane, and what that means now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneView {
    /// What is remembered, if anything is.
    pub state: Option<LockState>,
    /// Whether attempts are looked at.
    pub standing: Standing,
}

/// Why nothing was shown.
#[derive(Debug, thiserror::Error)]
pub enum LanesError {
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(LanesError);

impl From<Fault> for LanesError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Operators {
    /// Shows the failures of an account, and leaves a trace of that.
    ///
    /// # Errors
    /// [`LanesError`].
    pub async fn lanes(&self, target: &Target) -> Result<AccountLanes, LanesError> {
        let now = self.core.now();
        transaction!(self.core, tx => self.core.show_lanes_in(tx, target, now))
    }
}

impl Core {
    async fn show_lanes_in(
        &self,
        tx: &mut dyn Tx,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<AccountLanes, LanesError> {
        let user = find_in(tx, target).await?.ok_or(LanesError::NotFound)?;
        let devices = tx.known_devices().list(user.id, now).await?;
        let passwords = self.lane_in(tx, &self.lock_key(&user.tenant, &user.email), now).await?;
        let codes = self.lane_in(tx, &self.code_lock_key(&user), now).await?;
        let record = AuditRecord::new(AuditEvent::LanesShown, &user.tenant, &Client::default(), now);
        tx.audit().append(&record.about(user.id)).await?;
        Ok(AccountLanes { user, passwords, codes, devices })
    }

    /// Forgets what was counted to an account, for passwords and for codes.
    pub(super) async fn clear_lanes_in(&self, tx: &mut dyn Tx, user: &User) -> Result<(), Fault> {
        self.clear_passwords_in(tx, user).await?;
        Ok(tx.locks().clear(&self.code_lock_key(user)).await?)
    }

    pub(super) async fn lane_in(
        &self,
        tx: &mut dyn Tx,
        key: &LockKey,
        now: DateTime<Utc>,
    ) -> Result<LaneView, Fault> {
        let policy = &self.policy.lock;
        let state = policy.remembered(tx.locks().lock(key).await?, now);
        Ok(LaneView { state, standing: policy.standing(state, now) })
    }
}
