//! Login with a password.

use std::sync::Arc;

use super::{
    SecondFactorRequired, SignedIn,
    enter::{Entry, Wish},
};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::DeviceTraits,
    guard::{known_device::DeviceToken, lockout::Locked},
    port::HashError,
    tenant::TenantId,
    usecase::{
        Core, Fault,
        fault::faults,
        lane::{Attempt, Claim},
        proof::Compared,
        transaction::transaction,
    },
    user::{Email, Password, PasswordHash, User},
};

/// Signs people in.
#[derive(Clone)]
pub struct Login {
    pub(super) core: Arc<Core>,
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
    /// A code of any second factor, if one came along.
    pub code: Option<secrecy::SecretString>,
    /// What the request shows of its device.
    pub device: DeviceTraits,
    /// The token of the device, if it has one from an earlier login.
    pub device_token: Option<DeviceToken>,
    /// Who is calling.
    pub client: Client,
}

impl PasswordLogin {
    pub(super) const fn claim(&self) -> Claim<'_> {
        let device = self.device_token.as_ref();
        Claim { tenant: &self.tenant, email: &self.email, device, by_provider: false }
    }

    /// The same where a provider looks at the password.
    pub(super) const fn claim_at_provider(&self) -> Claim<'_> {
        Claim { by_provider: true, ..self.claim() }
    }
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
    /// The password was right, and the account demands a second factor.
    #[error("a second factor is needed")]
    SecondFactorRequired(Box<SecondFactorRequired>),
    /// The password was right and the code that came with it was not.
    #[error("the code is wrong")]
    WrongCode,
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

impl Login {
    pub(in crate::usecase) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Signs somebody in.
    ///
    /// In this order: lock rule, password (or the same work for an unknown address), status, proved
    /// address, second factor. A temporary password proves the address, because it came by mail or from
    /// an operator; a second factor is demanded all the same.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn with_password(&self, login: &PasswordLogin) -> Result<SignedIn, LoginError> {
        let wish = if login.code.is_some() { Wish::Code } else { Wish::Session };
        match self.check_password(login, wish).await? {
            Entry::Open(opened) => Ok(self.issue(*opened)?),
            Entry::FirstFactor(user, first) => match &login.code {
                Some(code) => self.with_code(login, &user, first, code).await,
                None => self.require_second(login, *user, first).await,
            },
            Entry::Locked(locked) => Err(LoginError::Locked(locked)),
            Entry::Unverified | Entry::Refused => Err(LoginError::BadCredentials), // dealt with in `enter`
        }
    }

    /// Everything up to the second factor: also what a request for a code has to pass.
    pub(super) async fn check_password(
        &self,
        login: &PasswordLogin,
        wish: Wish,
    ) -> Result<Entry, LoginError> {
        let _place = self.core.ports.hasher.take_place()?;
        let (attempt, user) =
            self.core.reserve_attempt(login.claim(), &login.client).await?.map_err(LoginError::Locked)?;
        let hash = user.as_ref().and_then(|user| user.credential.as_ref()).map(|c| c.hash.clone());
        let compared = self.core.verify_counted(attempt, &login.password, hash).await?;
        match (user, compared) {
            (Some(user), Compared::Right { outdated }) => {
                self.enter(login, attempt, user, outdated, wish).await
            }
            (user, Compared::Wrong(reason)) => self.refuse_wrong(login, attempt, user.as_ref(), reason).await,
            // No account, no hash: this cannot be.
            (None, Compared::Right { .. }) => self.refuse_wrong(login, attempt, None, "wrong_password").await,
        }
    }

    async fn refuse_wrong(
        &self,
        login: &PasswordLogin,
        attempt: Attempt,
        user: Option<&User>,
        reason: &str,
    ) -> Result<Entry, LoginError> {
        let record = self.failure(login, user, reason);
        self.core.wrong_password((&login.tenant, &login.email), user, attempt, &record).await?;
        Err(LoginError::BadCredentials)
    }

    async fn enter(
        &self,
        login: &PasswordLogin,
        attempt: Attempt,
        user: User,
        outdated: bool,
        wish: Wish,
    ) -> Result<Entry, LoginError> {
        let usable = user.credential.as_ref().is_some_and(|c| c.is_usable(self.core.now()));
        if !user.is_active() || !usable {
            let reason = if usable { "account_not_active" } else { "temporary_password_expired" };
            return self.refuse(login, &user, reason).await;
        }
        let fresh = if outdated { self.rehash(&login.password).await? } else { None };
        let now = self.core.now();
        let entry =
            transaction!(self.core, tx => self.enter_in(tx, login, attempt, &user, fresh.clone(), wish, now));
        match entry? {
            Entry::Unverified => self.unverified(login, &user).await,
            Entry::Refused => self.refuse(login, &user, "account_changed").await,
            entry => Ok(entry),
        }
    }

    /// The hash of a password that is right but was hashed with other parameters. It was admitted long
    /// ago, so no policy applies. Where there is no room for it, the next login sees to it: a refusal here
    /// would tell that the password is right.
    async fn rehash(&self, password: &Password) -> Result<Option<PasswordHash>, Fault> {
        match self.core.ports.hasher.rehash(password).await {
            Ok(hash) => Ok(Some(hash)),
            Err(HashError::Overloaded { .. } | HashError::Abandoned) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn unverified(&self, login: &PasswordLogin, user: &User) -> Result<Entry, LoginError> {
        self.log_failure(login, user, "email_not_verified").await?;
        if self.core.policy.hide_existing_accounts {
            Err(LoginError::BadCredentials)
        } else {
            Err(LoginError::EmailNotVerified)
        }
    }

    pub(super) async fn refuse<T>(
        &self,
        login: &PasswordLogin,
        user: &User,
        reason: &str,
    ) -> Result<T, LoginError> {
        self.log_failure(login, user, reason).await?;
        Err(LoginError::BadCredentials)
    }

    async fn log_failure(&self, login: &PasswordLogin, user: &User, reason: &str) -> Result<(), Fault> {
        let record = self.failure(login, Some(user), reason);
        self.core.note_refusal(&record).await
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
