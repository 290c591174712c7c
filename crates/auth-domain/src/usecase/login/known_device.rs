//! Devices become known by a login, and stay so by the next.

use chrono::{DateTime, Utc};

use super::{Login, enter::Visitor};
use crate::{
    guard::known_device::{DeviceToken, KnownDevice},
    port::Tx,
    usecase::{Core, Fault},
    user::User,
};

impl Login {
    /// The device that the visitor's token stands for, if it is one of the account.
    pub(super) async fn known_device_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        visitor: &Visitor<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<KnownDevice>, Fault> {
        let Some(token) = visitor.token else { return Ok(None) };
        let device = tx.known_devices().lock(&token.digest()).await?;
        Ok(device.filter(|device| device.is_of(user.id, now)))
    }
}

impl Core {
    /// Has a `known` device, which `token` stands for, be known for longer; makes any other one known by a
    /// token of its own. The account is locked. If the device was forgotten a moment ago, it stays so.
    pub(in crate::usecase) async fn keep_device_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        token: Option<&DeviceToken>,
        known: Option<KnownDevice>,
        now: DateTime<Utc>,
    ) -> Result<DeviceToken, Fault> {
        let policy = &self.policy.known_devices;
        if let (Some(token), Some(device)) = (token, known) {
            tx.known_devices().save(&device.used(now, policy)).await?;
            return Ok(token.clone());
        }
        let token = DeviceToken::mint(self.entropy())?;
        let device = KnownDevice::new(&token, user.id, now, policy);
        tx.known_devices().insert(&device, policy.at_most).await?;
        Ok(token)
    }
}
