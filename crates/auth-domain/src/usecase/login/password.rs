//! Login with a password.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{FirstFactor, SignedIn};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::lockout::Locked,
    outbox::{Intent, OutboxItem},
    port::{Tx, Verification},
    session::{Device, Session},
    tenant::TenantId,
    token::RefreshToken,
    usecase::{Core, Fault, fault::faults, proof::Attempt, transaction::transaction},
    user::{Credential, Email, Password, PasswordHash, User},
};

/// Signs people in.
#[derive(Clone)]
pub struct Login {
    core: Arc<Core>,
}

/// A login with a password.
#[derive(Clone, Debug)]
pub struct PasswordLogin {
    /// The tenant of the request.
    pub tenant: TenantId,
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// Who is calling.
    pub client: Client,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown address, wrong password, or an account that may not be used: one answer for all.
    #[error("unknown address, wrong password or unusable account")]
    BadCredentials,
    /// Too many failures; the same for addresses without an account.
    #[error(transparent)]
    Locked(Locked),
    /// The password was right, but the address is not proved yet.
    #[error("the address is not verified")]
    EmailNotVerified,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(LoginError);

impl From<Fault> for LoginError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What became of a login whose password was right.
enum Entry {
    Open(Box<(User, Session, RefreshToken)>),
    Unverified,
    /// The account changed while the password was being hashed.
    Refused,
}

impl Login {
    pub(in crate::usecase) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Signs somebody in.
    ///
    /// In this order: lock rule, password (or the same work for an unknown address), status, proved
    /// address. A temporary password proves the address, because it came by mail or from an operator.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn with_password(&self, login: &PasswordLogin) -> Result<SignedIn, LoginError> {
        let (attempt, user) = self
            .core
            .reserve_attempt(&login.tenant, &login.email, &login.client)
            .await?
            .map_err(LoginError::Locked)?;
        let hash = user.as_ref().and_then(|user| user.credential.as_ref()).map(|c| c.hash.clone());
        let verification = self.core.verify_counted(attempt, &login.password, hash).await?;
        match (user, verification) {
            (Some(user), Verification::Match { outdated }) => {
                self.enter(login, attempt, user, outdated).await
            }
            (user, _) => self.refuse_wrong(login, attempt, user.as_ref()).await,
        }
    }

    async fn refuse_wrong(
        &self,
        login: &PasswordLogin,
        attempt: Attempt,
        user: Option<&User>,
    ) -> Result<SignedIn, LoginError> {
        let record = self.failure(login, user, "wrong_password");
        self.core.wrong_password((&login.tenant, &login.email), user, attempt, &record).await?;
        Err(LoginError::BadCredentials)
    }

    async fn enter(
        &self,
        login: &PasswordLogin,
        attempt: Attempt,
        user: User,
        outdated: bool,
    ) -> Result<SignedIn, LoginError> {
        let usable = user.credential.as_ref().is_some_and(|c| c.is_usable(self.core.now()));
        if !user.is_active() || !usable {
            let reason = if usable { "account_not_active" } else { "temporary_password_expired" };
            return self.refuse(login, Some(&user), reason).await;
        }
        let fresh = if outdated { Some(self.rehash(&login.password).await?) } else { None };
        let now = self.core.now();
        let entry =
            transaction!(self.core, tx => self.enter_in(tx, login, attempt, &user, fresh.clone(), now));
        match entry? {
            Entry::Open(opened) => {
                let (user, session, refresh) = *opened;
                Ok(self.core.issue(user, session, refresh, now)?)
            }
            Entry::Unverified => self.unverified(login, &user).await,
            Entry::Refused => self.refuse(login, Some(&user), "account_changed").await,
        }
    }

    /// The hash of a password that is right but was hashed with other parameters. It was admitted long
    /// ago, so no policy applies.
    async fn rehash(&self, password: &Password) -> Result<PasswordHash, Fault> {
        Ok(self.core.ports.hasher.rehash(password).await?)
    }

    async fn enter_in(
        &self,
        tx: &mut dyn Tx,
        login: &PasswordLogin,
        attempt: Attempt,
        seen: &User,
        fresh: Option<PasswordHash>,
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
        tx.locks().clear(&attempt.key).await?;
        if !user.email_verified {
            return Ok(Entry::Unverified);
        }
        if let (Some(hash), Some(credential)) = (fresh, user.credential.as_ref()) {
            let temporary_until = credential.temporary_until;
            user.set_credential(Credential { hash, temporary_until }, now);
        }
        let notice = self.new_device_notice(&user, &live, &login.client, now)?;
        user.last_login_at = Some(now);
        // The address does not change here, so it cannot clash.
        let _ = tx.users().save(&user).await?;
        let authenticated = FirstFactor::password(now).complete();
        let (session, refresh) =
            self.core.open_session_in(tx, &user, live, authenticated, &login.client, now).await?;
        let record = AuditRecord::new(AuditEvent::LoginOk, &login.tenant, &login.client, now);
        tx.audit().append(&record.by(user.id).within(session.id)).await?;
        if let Some(notice) = notice {
            tx.outbox().put(&notice).await?;
        }
        Ok(Entry::Open(Box::new((user, session, refresh))))
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

    async fn unverified(&self, login: &PasswordLogin, user: &User) -> Result<SignedIn, LoginError> {
        self.log_failure(login, Some(user), "email_not_verified").await?;
        if self.core.policy.hide_existing_accounts {
            Err(LoginError::BadCredentials)
        } else {
            Err(LoginError::EmailNotVerified)
        }
    }

    async fn refuse(
        &self,
        login: &PasswordLogin,
        user: Option<&User>,
        reason: &str,
    ) -> Result<SignedIn, LoginError> {
        self.log_failure(login, user, reason).await?;
        Err(LoginError::BadCredentials)
    }

    async fn log_failure(
        &self,
        login: &PasswordLogin,
        user: Option<&User>,
        reason: &str,
    ) -> Result<(), Fault> {
        let record = self.failure(login, user, reason);
        Ok(self.core.ports.store.read().await?.audit().append(&record).await?)
    }

    fn failure(&self, login: &PasswordLogin, user: Option<&User>, reason: &str) -> AuditRecord {
        let now = self.core.now();
        let record = AuditRecord::new(AuditEvent::LoginFailed, &login.tenant, &login.client, now);
        match user {
            Some(user) => record.about(user.id).with("reason", reason),
            None => record.with("reason", "unknown_address"),
        }
    }
}
