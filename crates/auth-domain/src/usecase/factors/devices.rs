//! Devices that need not prove their second factor again for a while.

use chrono::{DateTime, Utc};

use super::{Factors, change::record};
use crate::{
    audit::AuditEvent,
    client::Client,
    factor::TrustedDevice,
    port::Tx,
    usecase::{Caller, Fault, transaction::transaction},
};

impl Factors {
    /// The caller's devices that do without a second factor for now, newest first.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn devices(&self, caller: &Caller) -> Result<Vec<TrustedDevice>, Fault> {
        let now = self.core.now();
        Ok(self.core.ports.store.read().await?.devices().list(caller.user.id, now).await?)
    }

    /// Has all of the caller's devices prove their second factor again, and says how many there were. None
    /// is a known device any more either.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn revoke_devices(&self, caller: &Caller, client: &Client) -> Result<u64, Fault> {
        let now = self.core.now();
        transaction!(self.core, tx => self.revoke_devices_in(tx, caller, client, now))
    }

    async fn revoke_devices_in(
        &self,
        tx: &mut dyn Tx,
        caller: &Caller,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<u64, Fault> {
        let revoked = tx.devices().forget_all(caller.user.id, now).await?;
        let known = tx.known_devices().forget_all(caller.user.id).await?;
        let record = record(AuditEvent::MfaDevicesRevoked, caller, client, now);
        tx.audit()
            .append(&record.with("devices", revoked.to_string()).with("known_devices", known.to_string()))
            .await?;
        Ok(revoked)
    }
}
