//! The transactions of a login: what happens to an account whose password was right.

use chrono::{DateTime, Utc};

use super::{FirstFactor, Login, PasswordLogin, SignedIn};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::{DeviceTraits, FactorKind, Fingerprint, TrustedDevice},
    guard::{
        known_device::{DeviceToken, KnownDevice},
        lockout::Locked,
    },
    id::DeviceId,
    outbox::{Intent, OutboxItem},
    port::Tx,
    session::{Device, Session},
    token::RefreshToken,
    usecase::{Fault, lane::Attempt, second_factor::SecondFactor},
    user::{Credential, PasswordHash, User},
};

/// What a right password is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A session.
    Session,
    /// A session, and a code came along: it is looked at even if the device would do without.
    Code,
    /// A code to be sent.
    SendCode,
}

/// A session that was opened.
pub(super) struct Opened {
    user: User,
    session: Session,
    refresh: RefreshToken,
    device_token: DeviceToken,
    at: DateTime<Utc>,
}

/// What became of a login whose password was right.
pub(super) enum Entry {
    Open(Box<Opened>),
    /// A second factor has to be proved, or a code was asked for.
    FirstFactor(Box<User>, FirstFactor),
    /// Too many wrong codes.
    Locked(Locked),
    Unverified,
    /// The account changed while the password was being hashed.
    Refused,
}

/// Who signs in from where.
pub(super) struct Visitor<'a> {
    pub(super) device: &'a DeviceTraits,
    pub(super) token: Option<&'a DeviceToken>,
    pub(super) client: &'a Client,
}

impl<'a> Visitor<'a> {
    pub(super) const fn of(login: &'a PasswordLogin) -> Self {
        Self { device: &login.device, token: login.device_token.as_ref(), client: &login.client }
    }
}

impl Login {
    #[expect(clippy::too_many_arguments, reason = "all of it is one step of one login")]
    pub(super) async fn enter_in(
        &self,
        tx: &mut dyn Tx,
        login: &PasswordLogin,
        attempt: Attempt,
        seen: &User,
        fresh: Option<PasswordHash>,
        wish: Wish,
        now: DateTime<Utc>,
    ) -> Result<Entry, Fault> {
        // Hashing took a while: whatever was switched off or changed meanwhile counts.
        let locked = tx.users().lock_with_live_sessions(seen.id, now).await?;
        let Some((mut user, live)) = locked else { return Ok(Entry::Refused) };
        if !user.is_active() || user.credential != seen.credential {
            return Ok(Entry::Refused);
        }
        if user.must_change_password() {
            user.verify_email(now);
        }
        // Where accounts are hidden, a right password of an unproved account counts like a wrong one.
        if user.email_verified || !self.core.policy.hide_existing_accounts {
            self.core.clear_attempt(tx, &attempt).await?;
        }
        if !user.email_verified {
            return Ok(Entry::Unverified);
        }
        if let (Some(hash), Some(credential)) = (fresh, user.credential.as_ref()) {
            let temporary_until = credential.temporary_until;
            user.set_credential(Credential { hash, temporary_until }, now);
        }
        self.enable_overdue_factor_in(tx, &mut user, &login.client, now).await?;
        let first = FirstFactor::password(&user, now, attempt.is_suspicious(false));
        let visitor = Visitor::of(login);
        let device = match wish {
            Wish::Session => self.trusted_device_in(tx, &user, &visitor, now).await?,
            Wish::Code | Wish::SendCode => None,
        };
        let authenticated = first.complete(&user, device);
        match authenticated {
            Ok(authenticated) if wish != Wish::SendCode => {
                let suspicious = first.came_after_failures();
                let known = attempt.device();
                let opened =
                    self.open_in(tx, user, live, authenticated, suspicious, &visitor, known, now).await?;
                Ok(Entry::Open(Box::new(opened)))
            }
            _ => self.pause_in(tx, user, first, wish, login, now).await,
        }
    }

    /// Leaves a login between its factors.
    pub(super) async fn pause_in(
        &self,
        tx: &mut dyn Tx,
        user: User,
        first: FirstFactor,
        wish: Wish,
        login: &PasswordLogin,
        now: DateTime<Utc>,
    ) -> Result<Entry, Fault> {
        // What was done to the account so far (a new hash, a proved address) stays; the address does not
        // change, so it cannot clash.
        let _ = tx.users().save(&user).await?;
        // A code that came along is looked at under the lock rule anyway, and may be a recovery code.
        if wish != Wish::Code
            && let Some(locked) = self.core.second_factor_locked_in(tx, &user, now).await?
        {
            return Ok(Entry::Locked(locked));
        }
        if user.factors.is_demanded() {
            let record = AuditRecord::new(AuditEvent::LoginMfaRequired, &login.tenant, &login.client, now);
            let record = record.by_provider(first.is_by_provider());
            tx.audit().append(&record.about(user.id)).await?;
        }
        Ok(Entry::FirstFactor(Box::new(user), first))
    }

    /// Opens the session and writes down all that goes with it.
    #[expect(clippy::too_many_arguments, reason = "all of it is one step of one login")]
    pub(super) async fn open_in(
        &self,
        tx: &mut dyn Tx,
        mut user: User,
        live: Vec<Session>,
        authenticated: super::Authenticated,
        suspicious: bool,
        visitor: &Visitor<'_>,
        known: Option<KnownDevice>,
        now: DateTime<Utc>,
    ) -> Result<Opened, Fault> {
        let client = visitor.client;
        let notice = self.new_device_notice(&user, &live, client, now)?;
        let by_provider = authenticated.is_by_provider();
        user.last_login_at = Some(now);
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&user).await?;
        let (session, refresh) =
            self.core.open_session_in(tx, &user, live, authenticated, client, now).await?;
        let device_token = self.core.keep_device_in(tx, &user, visitor.token, known, now).await?;
        let record =
            AuditRecord::new(AuditEvent::LoginOk, &user.tenant, client, now).by_provider(by_provider);
        tx.audit().append(&record.by(user.id).within(session.id)).await?;
        if let Some(notice) = notice {
            tx.outbox().put(&notice).await?;
        }
        if suspicious {
            let letter = self.core.letter_to(&user, Intent::SignInAfterFailuresNotice, client, now)?;
            tx.outbox().put(&letter).await?;
        }
        Ok(Opened { user, session, refresh, device_token, at: now })
    }

    pub(super) fn issue(&self, opened: Opened) -> Result<SignedIn, Fault> {
        let Opened { user, session, refresh, device_token, at } = opened;
        let signed_in = self.core.issue(user, session, refresh, at)?;
        Ok(SignedIn { device_token: Some(device_token), ..signed_in })
    }

    /// Where a second factor is demanded of everybody: switches one on for an account whose time without
    /// is over, and tells its owner.
    pub(super) async fn enable_overdue_factor_in(
        &self,
        tx: &mut dyn Tx,
        user: &mut User,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        if !self.core.policy.mfa.mail_is_overdue(user, now) {
            return Ok(());
        }
        user.factors.email = true;
        user.factors.sms.forget_pending();
        user.updated_at = now;
        let record = AuditRecord::new(AuditEvent::MfaAutoEnabled, &user.tenant, client, now);
        tx.audit().append(&record.about(user.id).with("factor", FactorKind::Email.as_str())).await?;
        let notice = Intent::FactorAutoEnabledNotice;
        let letter = self.core.letter_to(user, notice, client, now)?;
        Ok(tx.outbox().put(&letter).await?)
    }

    /// What this device proved a moment ago, if the account demands anything.
    pub(super) async fn trusted_device_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        visitor: &Visitor<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<SecondFactor>, Fault> {
        if !user.factors.is_demanded() {
            return Ok(None);
        }
        let fingerprint = Fingerprint::of(user.id, visitor.device, visitor.client);
        let device = tx.devices().find(user.id, &fingerprint, now).await?;
        Ok(device.as_ref().map(SecondFactor::of_device))
    }

    /// Lets this device do without its second factor for a while.
    pub(super) async fn remember_device_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        second: SecondFactor,
        visitor: &Visitor<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let bypass = self.core.policy.mfa.device_bypass;
        if bypass <= chrono::TimeDelta::zero() {
            return Ok(());
        }
        let device = TrustedDevice {
            id: DeviceId::mint(now, self.core.entropy())?,
            user: user.id,
            fingerprint: Fingerprint::of(user.id, visitor.device, visitor.client),
            method: second.method(),
            ip: visitor.client.ip,
            user_agent: visitor.client.user_agent.clone(),
            platform: visitor.device.platform.clone(),
            verified_at: now,
            expires_at: now + bypass,
        };
        Ok(tx.devices().remember(&device).await?)
    }

    /// The notice of a sign-in from a device that no open session knows. Who sends it looks further back;
    /// here that would cost every login a round trip. The first sign-in is from somewhere new by nature.
    fn new_device_notice(
        &self,
        user: &User,
        live: &[Session],
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<Option<OutboxItem>, Fault> {
        let device = Device::of(client);
        let is_first = user.last_login_at.is_none();
        if is_first || device.is_unknown() || live.iter().any(|session| session.device() == device) {
            return Ok(None);
        }
        Ok(Some(self.core.letter_to(user, Intent::NewDeviceNotice, client, now)?))
    }
}
