//! A mailed link that opens a locked account.

use chrono::{DateTime, Utc};

use super::{Core, Fault, Recovery, fault::faults, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::known_device::DeviceToken,
    port::Tx,
    token::{LinkPurpose, LinkToken},
    user::User,
};

/// A request to open a locked account.
#[derive(Clone, Debug)]
pub struct Unlock {
    /// The token of the link.
    pub token: String,
    /// Who is calling.
    pub client: Client,
}

/// Why the account was not opened.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// Unknown, used or expired: one answer for all.
    #[error("the link is not valid")]
    InvalidToken,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(UnlockError);

impl From<Fault> for UnlockError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Recovery {
    /// Uses up a mailed link that opens a locked account for passwords. Whoever locked it may go on and lock
    /// it again; the device that the link was opened on is therefore known from now on, and its owner gets in
    /// all the same. Nobody is signed in by this.
    ///
    /// Wrong codes stay counted: a mailbox must not buy guesses at a second factor.
    ///
    /// # Errors
    /// [`UnlockError`].
    pub async fn unlock(&self, request: &Unlock) -> Result<DeviceToken, UnlockError> {
        let token = LinkToken::parse(&request.token).ok_or(UnlockError::InvalidToken)?;
        let now = self.core.now();
        transaction!(self.core, tx => self.unlock_in(tx, &token, &request.client, now))
    }

    async fn unlock_in(
        &self,
        tx: &mut dyn Tx,
        token: &LinkToken,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<DeviceToken, UnlockError> {
        let link = tx.links().consume(&token.digest(), now).await?;
        let link =
            link.filter(|link| link.purpose == LinkPurpose::Unlock).ok_or(UnlockError::InvalidToken)?;
        let user = tx.users().lock(link.user).await?;
        // The link proves the mailbox it went to.
        let user = user
            .filter(|user| user.is_active() && user.email == link.email)
            .ok_or(UnlockError::InvalidToken)?;
        let device = self.core.keep_device_in(tx, &user, None, None, now).await?;
        self.core.clear_passwords_in(tx, &user).await?;
        let record = AuditRecord::new(AuditEvent::AccountUnlocked, &user.tenant, client, now);
        tx.audit().append(&record.by(user.id)).await?;
        Ok(device)
    }
}

impl Core {
    /// Forgets what strangers' wrong passwords were counted to.
    pub(super) async fn clear_passwords_in(&self, tx: &mut dyn Tx, user: &User) -> Result<(), Fault> {
        Ok(tx.locks().clear(&self.lock_key(&user.tenant, &user.email)).await?)
    }
}
