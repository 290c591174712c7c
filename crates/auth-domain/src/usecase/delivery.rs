//! Sending what the outbox owes. A worker calls [`Delivery::run`]; several workers may.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Core, Fault, transaction::transaction};
use crate::{
    audit::AuditEvent,
    factor::{OneTimeCode, code},
    id::OutboxId,
    outbox::{FailureReason, Intent, OutboxItem, Retry, after_failure, after_no_answer},
    port::{AuditFilter, CodePurpose, CodeSlot, CodeStoreError, Letter, Notice, SendError, Tx},
    session::Device,
    token::{Link, LinkPurpose, LinkToken},
    user::{Email, User, UserStatus},
};

/// How long one worker may take for what it leased. A worker that dies loses its lease, not its
/// messages.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// How many sign-ins of a user are looked through for a device.
const SIGN_INS: u32 = 1000;

/// Sends owed messages.
#[derive(Clone)]
pub struct Delivery {
    core: Arc<Core>,
}

/// What one run did.
#[derive(Debug, Default)]
pub struct DeliveryReport {
    /// Each leased message and what became of it.
    pub messages: Vec<(OutboxId, &'static str, DeliveryOutcome)>,
    /// Whether the mail server could not be reached: whoever calls again should wait a little.
    pub is_server_away: bool,
}

/// What became of a message.
#[derive(Debug)]
pub enum DeliveryOutcome {
    /// Handed over.
    Sent,
    /// Not needed any more: already verified, account gone, or nothing to send from the start.
    Obsolete,
    /// Could not be handed over; due again.
    Postponed(FailureReason),
    /// Given up; kept as a dead letter.
    Buried(FailureReason),
}

impl Delivery {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Sends up to `limit` messages that are due.
    ///
    /// # Errors
    /// [`Fault`] when the store fails; leased messages come back when their lease runs out.
    pub async fn run(&self, limit: u32) -> Result<DeliveryReport, Fault> {
        let now = self.core.now();
        let items = self.core.ports.store.read().await?.outbox().lease(now, now + LEASE, limit).await?;
        let mut report = DeliveryReport::default();
        for item in items {
            let outcome = if report.is_server_away {
                self.postpone(&item).await?
            } else {
                self.deliver(&item, &mut report).await?
            };
            report.messages.push((item.id, item.intent.kind(), outcome));
        }
        Ok(report)
    }

    async fn deliver(
        &self,
        item: &OutboxItem,
        report: &mut DeliveryReport,
    ) -> Result<DeliveryOutcome, Fault> {
        let now = self.core.now();
        let letter = transaction!(self.core, tx => self.prepare_in(tx, item, now))?;
        let Some(letter) = letter else {
            self.core.ports.store.read().await?.outbox().done(item.id).await?;
            return Ok(DeliveryOutcome::Obsolete);
        };
        let sent = match self.keep_code(item, &letter, now).await {
            Ok(()) => self.core.ports.mailer.send(&letter).await,
            Err(error) => Err(SendError::Temporary(Box::new(error))),
        };
        match sent {
            Ok(()) => {
                self.core.ports.store.read().await?.outbox().done(item.id).await?;
                Ok(DeliveryOutcome::Sent)
            }
            Err(error) => {
                report.is_server_away |= matches!(error, SendError::Unreachable(_));
                self.failed(item, &letter, &error).await
            }
        }
    }

    /// Puts a message off untried: the server was away a moment ago, and may take long to be away again.
    async fn postpone(&self, item: &OutboxItem) -> Result<DeliveryOutcome, Fault> {
        let away = SendError::Unreachable("not tried, the message before met nobody".into());
        self.put_off(item, &away, FailureReason::of(&away, None)).await
    }

    async fn failed(
        &self,
        item: &OutboxItem,
        letter: &Letter,
        error: &SendError,
    ) -> Result<DeliveryOutcome, Fault> {
        let reason = FailureReason::of(error, letter.notice.secret());
        self.put_off(item, error, reason).await
    }

    /// Has the message tried again later, or gives it up.
    async fn put_off(
        &self,
        item: &OutboxItem,
        error: &SendError,
        reason: FailureReason,
    ) -> Result<DeliveryOutcome, Fault> {
        let now = self.core.now();
        let mut jitter = [0u8; 1];
        self.core.entropy().fill(&mut jitter)?;
        let retry = match error {
            SendError::Permanent(_) => Retry::GiveUp,
            SendError::Temporary(_) => after_failure(item, now, jitter[0]),
            SendError::Unreachable(_) => after_no_answer(item, now, jitter[0]),
        };
        let mut repos = self.core.ports.store.read().await?;
        match retry {
            Retry::At(due_at) => {
                repos.outbox().retry(item.id, due_at, reason.as_str()).await?;
                Ok(DeliveryOutcome::Postponed(reason))
            }
            Retry::GiveUp => {
                repos.outbox().bury(item.id, now, reason.as_str()).await?;
                Ok(DeliveryOutcome::Buried(reason))
            }
        }
    }

    /// Decides whether the message is still wanted, and mints its link. Minting again after a failed
    /// try replaces the link of that try, so at most one works.
    async fn prepare_in(
        &self,
        tx: &mut dyn Tx,
        item: &OutboxItem,
        now: DateTime<Utc>,
    ) -> Result<Option<Letter>, Fault> {
        let Some(id) = item.user else { return Ok(None) };
        let user = tx.users().by_id(id).await?;
        let Some(user) = user.filter(|user| now < item.expires_at() && is_wanted(&item.intent, user)) else {
            return Ok(None);
        };
        if item.intent == Intent::NewDeviceNotice && !is_new_device_in(tx, item, &user).await? {
            return Ok(None);
        }
        let (to, notice) = match &item.intent {
            Intent::Nothing => return Ok(None),
            Intent::VerifyEmail => {
                let token = self.mint_in(tx, LinkPurpose::VerifyEmail, &user, &user.email, now).await?;
                (user.email.clone(), Notice::VerifyEmail(token))
            }
            Intent::ResetPassword => {
                let token = self.mint_in(tx, LinkPurpose::ResetPassword, &user, &user.email, now).await?;
                (user.email.clone(), Notice::ResetPassword(token))
            }
            Intent::ConfirmEmailChange { new_email } => {
                let token = self.mint_in(tx, LinkPurpose::ChangeEmail, &user, new_email, now).await?;
                (new_email.clone(), Notice::ConfirmEmailChange(token))
            }
            Intent::EmailChangeNotice { new_email } => {
                (user.email.clone(), Notice::EmailChangeRequested { masked: new_email.masked() })
            }
            Intent::AccountExists => (user.email.clone(), Notice::AccountExists),
            Intent::PasswordChangedNotice => (user.email.clone(), Notice::PasswordChanged),
            Intent::EmailChangedNotice => {
                (user.email.clone(), Notice::EmailChanged { masked: user.email.masked() })
            }
            Intent::EmailLeftNotice { old_email } => {
                (old_email.clone(), Notice::EmailChanged { masked: user.email.masked() })
            }
            Intent::NewDeviceNotice => (user.email.clone(), Notice::NewDevice),
            Intent::AccountLockedNotice => {
                let token = self.mint_in(tx, LinkPurpose::Unlock, &user, &user.email, now).await?;
                (user.email.clone(), Notice::AccountLocked(token))
            }
            Intent::RefreshReuseNotice => (user.email.clone(), Notice::RefreshReuse),
            Intent::LoginCode => (user.email.clone(), Notice::LoginCode(self.mint_code()?)),
            Intent::ProofCode => (user.email.clone(), Notice::ProofCode(self.mint_code()?)),
            Intent::FactorEnabledNotice(kind) => (user.email.clone(), Notice::FactorEnabled(*kind)),
            Intent::FactorDisabledNotice(kind) => (user.email.clone(), Notice::FactorDisabled(*kind)),
            Intent::FactorAutoEnabledNotice => (user.email.clone(), Notice::FactorAutoEnabled),
            Intent::RecoveryCodeUsedNotice => (user.email.clone(), Notice::RecoveryCodeUsed),
            Intent::RecoveryCodesReplacedNotice => (user.email.clone(), Notice::RecoveryCodesReplaced),
            Intent::SignInAfterFailuresNotice => (user.email.clone(), Notice::SignInAfterFailures),
            Intent::IdentityLinkedNotice => (user.email.clone(), Notice::IdentityLinked),
            Intent::AccountClaimedNotice => (user.email.clone(), Notice::AccountClaimed),
            Intent::IdentityUnlinkedNotice => (user.email.clone(), Notice::IdentityUnlinked),
            Intent::ApiKeyCreatedNotice => (user.email.clone(), Notice::ApiKeyCreated),
            Intent::TemporaryPassword { sealed } => {
                let Some(password) = self.core.open_handed_out(item.id, sealed, &user)? else {
                    return Ok(None);
                };
                (user.email.clone(), Notice::TemporaryPassword(password))
            }
            Intent::NewPassword { sealed } => {
                let Some(password) = self.core.open_handed_out(item.id, sealed, &user)? else {
                    return Ok(None);
                };
                (user.email.clone(), Notice::NewPassword(password))
            }
        };
        Ok(Some(Letter {
            id: item.id,
            tenant: user.tenant,
            to,
            name: user.full_name,
            notice,
            client: item.client.clone(),
            at: item.created_at,
        }))
    }

    fn mint_code(&self) -> Result<OneTimeCode, Fault> {
        Ok(OneTimeCode::mint(self.core.entropy())?)
    }

    /// Keeps the code of a letter that carries one, in place of that of a try before. Comes after the
    /// transaction: codes lie outside of the store.
    async fn keep_code(
        &self,
        item: &OutboxItem,
        letter: &Letter,
        now: DateTime<Utc>,
    ) -> Result<(), CodeStoreError> {
        let (purpose, code) = match &letter.notice {
            Notice::LoginCode(code) => (CodePurpose::EmailLogin, code),
            Notice::ProofCode(code) => (CodePurpose::EmailSetup, code),
            _ => return Ok(()),
        };
        let Some(user) = item.user else { return Ok(()) };
        let slot = CodeSlot { purpose, user };
        let mac = code.mac(slot, &item.tenant, letter.to.as_str(), &*self.core.ports.keyed_hash);
        self.core.ports.codes.put(slot, &code::stored(mac, now), now).await
    }

    async fn mint_in(
        &self,
        tx: &mut dyn Tx,
        purpose: LinkPurpose,
        user: &User,
        email: &Email,
        now: DateTime<Utc>,
    ) -> Result<LinkToken, Fault> {
        let token = LinkToken::mint(self.core.entropy())?;
        tx.links().replace(&Link::new(&token, purpose, user, email.clone(), now)).await?;
        Ok(token)
    }
}

/// Whether the sign-in that owes the notice came from a device that no sign-in of the last
/// [90 days](Device::REMEMBERED) came from. The audit log remembers them for longer than the sessions last.
async fn is_new_device_in(tx: &mut dyn Tx, item: &OutboxItem, user: &User) -> Result<bool, Fault> {
    let sign_ins =
        AuditFilter { subject: Some(user.id), event: Some(AuditEvent::LoginOk), ..AuditFilter::default() };
    let since = item.created_at - Device::REMEMBERED;
    let device = Device::of(&item.client);
    let known = tx
        .audit()
        .list(&sign_ins, SIGN_INS)
        .await?
        .into_iter()
        .any(|entry| (since..item.created_at).contains(&entry.at) && Device::of(&entry.client) == device);
    Ok(!known)
}

/// Whether a message still makes sense for the account as it is now.
fn is_wanted(intent: &Intent, user: &User) -> bool {
    match intent {
        Intent::Nothing => false,
        Intent::VerifyEmail => !user.email_verified,
        Intent::ResetPassword | Intent::ConfirmEmailChange { .. } | Intent::NewDeviceNotice => {
            user.is_active()
        }
        // Anybody can lock any address: only who proved it hears of it.
        Intent::AccountLockedNotice => user.is_active() && user.email_verified,
        Intent::LoginCode | Intent::ProofCode => user.is_active(),
        // Whether the password is still the account's shows when it is opened.
        Intent::TemporaryPassword { .. } | Intent::NewPassword { .. } => user.status != UserStatus::Deleted,
        Intent::AccountExists
        | Intent::EmailChangeNotice { .. }
        | Intent::EmailChangedNotice
        | Intent::EmailLeftNotice { .. }
        | Intent::PasswordChangedNotice
        | Intent::RefreshReuseNotice
        | Intent::FactorEnabledNotice(_)
        | Intent::FactorDisabledNotice(_)
        | Intent::FactorAutoEnabledNotice
        | Intent::RecoveryCodeUsedNotice
        | Intent::RecoveryCodesReplacedNotice
        | Intent::SignInAfterFailuresNotice
        | Intent::IdentityLinkedNotice
        | Intent::AccountClaimedNotice
        | Intent::IdentityUnlinkedNotice
        | Intent::ApiKeyCreatedNotice => true,
    }
}
