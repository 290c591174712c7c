//! Second factors of others, and devices that do without for a while.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, Target};
use crate::{
    audit::AuditEvent,
    client::Client,
    factor::{Enrolment, FactorKind, TrustedDevice},
    outbox::Intent,
    port::Tx,
    session::{EndReason, Ended},
    usecase::transaction::transaction,
    user::User,
};

impl Admin {
    /// The devices of an account that need no second factor for now, newest first.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn devices(
        &self,
        actor: Actor<'_>,
        target: &Target,
    ) -> Result<(User, Vec<TrustedDevice>), AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.devices_in(tx, actor, target, now));
        self.conclude(actor, Action::ReadDevices, Some(target), outcome).await
    }

    async fn devices_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<(User, Vec<TrustedDevice>), AdminError> {
        let meeting = self.meet_in(tx, actor, target, Action::ReadDevices).await?;
        let devices = tx.devices().list(meeting.user.id, now).await?;
        tx.audit().append(&meeting.record(AuditEvent::DevicesShown, now)).await?;
        Ok((meeting.user, devices))
    }

    /// Has all devices of an account prove their second factor again, and says how many there were. None is a
    /// known device any more either.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn forget_devices(&self, actor: Actor<'_>, target: &Target) -> Result<(User, u64), AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.forget_devices_in(tx, actor, target, now));
        self.conclude(actor, Action::ForgetDevices, Some(target), outcome).await
    }

    async fn forget_devices_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<(User, u64), AdminError> {
        let meeting = self.meet_in(tx, actor, target, Action::ForgetDevices).await?;
        let revoked = tx.devices().forget_all(meeting.user.id, now).await?;
        let known = tx.known_devices().forget_all(meeting.user.id).await?;
        let record = meeting.record(AuditEvent::MfaDevicesRevoked, now);
        let record = record.with("devices", revoked.to_string()).with("known_devices", known.to_string());
        tx.audit().append(&record).await?;
        Ok((meeting.user, revoked))
    }

    /// Takes all second factors of an account away, for somebody who lost them: app, number, codes by mail,
    /// recovery codes. Its sessions end, because whoever found what was lost may have one.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn reset_factors(
        &self,
        actor: Actor<'_>,
        target: &Target,
    ) -> Result<(User, Vec<FactorKind>), AdminError> {
        let now = self.core.now();
        let outcome = transaction!(self.core, tx => self.reset_factors_in(tx, actor, target, now));
        self.conclude(actor, Action::ResetFactors, Some(target), outcome).await
    }

    async fn reset_factors_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<(User, Vec<FactorKind>), AdminError> {
        let mut meeting = self.meet_in(tx, actor, target, Action::ResetFactors).await?;
        let had = meeting.user.factors.active();
        (meeting.user.factors, meeting.user.updated_at) = (Enrolment::default(), now);
        let user = &meeting.user;
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(user).await?;
        tx.factors().remove_totp(user.id).await?;
        tx.factors().replace_recovery_codes(user.id, &[], now).await?;
        tx.devices().forget_all(user.id, now).await?;
        tx.sessions().end_all(user.id, None, Ended { at: now, reason: EndReason::Revoked }).await?;
        for kind in &had {
            let intent = Intent::FactorDisabledNotice(*kind);
            let letter = self.core.letter_to(user, intent, &Client::default(), now)?;
            tx.outbox().put(&letter).await?;
        }
        let names: Vec<&str> = had.iter().map(|kind| kind.as_str()).collect();
        let record = meeting.record(AuditEvent::FactorsReset, now).with("factor", names.join(","));
        tx.audit().append(&record).await?;
        Ok((meeting.user, had))
    }
}
