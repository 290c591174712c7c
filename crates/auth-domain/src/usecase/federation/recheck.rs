//! Asking the provider whether it still stands by the people whom it vouched for. A worker calls
//! [`Federation::recheck`]; several workers may.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Federation, grant::Grant};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    port::{DueChecks, IdentityError, Tx},
    session::{EndReason, Ended},
    token::AuthMethod,
    usecase::{Fault, transaction::transaction},
    user::LinkedIdentity,
};

/// How long one worker may take for what it leased: a few calls of some seconds each.
const LEASE: TimeDelta = TimeDelta::minutes(2);

/// What one run did.
#[derive(Debug, Default)]
pub struct RecheckReport {
    /// How many people were looked at.
    pub checked: u64,
    /// How many the provider does not stand by any more: their sessions were ended.
    pub revoked: u64,
    /// How many had no session left to ask for: what the provider is asked with was forgotten.
    pub forgotten: u64,
    /// Why the run ended early, if it did: the provider cannot be asked now. Nobody's session ends for that.
    pub away: Option<Fault>,
}

/// What the provider said.
enum Standing {
    Good,
    Revoked,
}

impl Federation {
    /// Checks up to `limit` people whom the provider was last known to stand by some time ago.
    ///
    /// # Errors
    /// [`Fault`] when the store fails; what was leased comes back when its lease runs out.
    pub async fn recheck(&self, limit: u32) -> Result<RecheckReport, Fault> {
        let (now, issuer) = (self.core.now(), &self.core.provider()?.issuer);
        let checked_before = now - self.core.policy.provider_recheck;
        let due = DueChecks { checked_before, now, leased_until: now + LEASE, limit };
        let leased = self.core.ports.store.read().await?.identities().lease_due(issuer, due).await?;
        let mut report = RecheckReport::default();
        for identity in leased {
            if report.away.is_some() {
                self.put_back(&identity).await?;
            } else {
                self.check(&identity, &mut report).await?;
            }
        }
        Ok(report)
    }

    async fn check(&self, identity: &LinkedIdentity, report: &mut RecheckReport) -> Result<(), Fault> {
        report.checked += 1;
        let now = self.core.now();
        let live = self.core.ports.store.read().await?.sessions().live_of(identity.user, now).await?;
        let mut methods = live.iter().map(|session| &session.authentication.methods);
        if !methods.any(|methods| methods.contains(&AuthMethod::Cognito)) {
            report.forgotten += u64::from(transaction!(self.core, tx => Self::forget_in(tx, identity, now))?);
            return Ok(());
        }
        match self.standing(identity).await {
            Ok(Standing::Good) => {
                transaction!(self.core, tx => Self::good_in(tx, identity, now))
            }
            Ok(Standing::Revoked) => {
                report.revoked += 1;
                transaction!(self.core, tx => self.revoke_in(tx, identity, now))
            }
            Err(away) => {
                report.away = Some(away);
                self.put_back(identity).await
            }
        }
    }

    /// A grant that cannot be read any more is as good as a revoked one: nobody vouches.
    async fn standing(&self, identity: &LinkedIdentity) -> Result<Standing, Fault> {
        let Some(grant) = Grant::open(identity, &*self.core.ports.secret_box) else {
            return Ok(Standing::Revoked);
        };
        let access = match self.core.refresh_grant(&grant).await {
            Err(Fault::Provider(IdentityError::Disabled)) => return Ok(Standing::Revoked),
            access => access?,
        };
        match self.core.provider()?.sign_in.user(&access).await {
            Ok(user) if user.key == identity.key => Ok(Standing::Good),
            Ok(_) | Err(IdentityError::Disabled) => Ok(Standing::Revoked),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a lease back.
    async fn put_back(&self, identity: &LinkedIdentity) -> Result<(), Fault> {
        transaction!(self.core, tx => Self::put_back_in(tx, identity))
    }

    async fn put_back_in(tx: &mut dyn Tx, identity: &LinkedIdentity) -> Result<(), Fault> {
        if let Some(present) = present_in(tx, identity).await? {
            tx.identities().save(&present).await?;
        }
        Ok(())
    }

    async fn good_in(tx: &mut dyn Tx, identity: &LinkedIdentity, now: DateTime<Utc>) -> Result<(), Fault> {
        if let Some(present) = present_in(tx, identity).await? {
            tx.identities().save(&LinkedIdentity { checked_at: now, ..present }).await?;
        }
        Ok(())
    }

    /// Whether the grant was forgotten: not if somebody signed in meanwhile.
    async fn forget_in(
        tx: &mut dyn Tx,
        identity: &LinkedIdentity,
        now: DateTime<Utc>,
    ) -> Result<bool, Fault> {
        let Some(present) = present_in(tx, identity).await? else { return Ok(false) };
        let same = present.grant == identity.grant;
        let grant = if same { None } else { present.grant.clone() };
        tx.identities().save(&LinkedIdentity { checked_at: now, grant, ..present }).await?;
        Ok(same)
    }

    /// Ends what the provider opened, unless it vouched anew meanwhile.
    async fn revoke_in(
        &self,
        tx: &mut dyn Tx,
        identity: &LinkedIdentity,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let Some(user) = tx.users().lock(identity.user).await? else { return Ok(()) };
        let Some(present) = present_in(tx, identity).await? else { return Ok(()) };
        if present.grant != identity.grant {
            return Ok(());
        }
        let ended = Ended { at: now, reason: EndReason::Revoked };
        let count = self.core.end_provider_sessions_in(tx, user.id, None, ended).await?;
        tx.identities().save(&LinkedIdentity { checked_at: now, grant: None, ..present }).await?;
        let record = AuditRecord::new(AuditEvent::IdentityRevoked, &user.tenant, &Client::default(), now);
        tx.audit().append(&record.about(user.id).with("sessions_ended", count.to_string())).await?;
        Ok(())
    }
}

/// The link as it is now, with its account locked: a login writes it under the same lock.
async fn present_in(tx: &mut dyn Tx, seen: &LinkedIdentity) -> Result<Option<LinkedIdentity>, Fault> {
    if tx.users().lock(seen.user).await?.is_none() {
        return Ok(None);
    }
    let present = tx.identities().by_key(&seen.key).await?;
    Ok(present.filter(|present| present.id == seen.id))
}
