//! Locks as people meet them, over the real SQLite store: strangers who fail on purpose, owners who get in all
//! the same.

mod closed;
mod devices;
mod link;

use auth_domain::{
    audit::{AuditEntry, AuditEvent},
    guard::known_device::{DeviceToken, KnownDevice},
    port::{AuditFilter, Clock as _, Store as _},
    tenant::TenantId,
    usecase::{LoginError, PasswordLogin, ResetError, ResetPassword, SignedIn, Unlock, UnlockError},
    user::{Email, Password, password::PasswordPolicy},
};
use auth_testkit::fake::{NoticeKind, SeededEntropy};
use chrono::{DateTime, TimeDelta, Utc};

use crate::second_factor::{Ada, PASSWORD, ada as address, client};

/// A login with or without the token of a device.
pub(crate) fn login(password: &str, device: Option<&DeviceToken>) -> PasswordLogin {
    PasswordLogin {
        password: Password::new(password.to_owned()),
        device_token: device.cloned(),
        ..Ada::login(None)
    }
}

pub(crate) fn of_nobody(login: &PasswordLogin) -> PasswordLogin {
    let email = Email::parse("nobody@example.com").expect("an address");
    PasswordLogin { email, ..login.clone() }
}

pub(crate) fn invented() -> DeviceToken {
    DeviceToken::mint(&SeededEntropy::new(99)).expect("a token")
}

pub(crate) fn token_of(signed_in: &SignedIn) -> DeviceToken {
    signed_in.device_token.clone().expect("a login gives a token")
}

impl Ada {
    pub(crate) async fn enter_with(&self, device: Option<&DeviceToken>) -> Result<SignedIn, LoginError> {
        self.test.engine.login.with_password(&login(PASSWORD, device)).await
    }

    pub(crate) async fn refused(&self, login: &PasswordLogin, times: u32) {
        for number in 0..times {
            let refused = self.test.engine.login.with_password(login).await;
            assert!(matches!(refused, Err(LoginError::BadCredentials)), "{number}: {refused:?}");
        }
    }

    pub(crate) async fn is_locked(&self, login: &PasswordLogin) -> bool {
        matches!(self.test.engine.login.with_password(login).await, Err(LoginError::Locked(_)))
    }

    /// A stranger fails until nothing is looked at any more, however long they wait.
    pub(crate) async fn close(&self, login: &PasswordLogin) {
        let mut failures = 0;
        while failures < 100 {
            match self.test.engine.login.with_password(login).await {
                Err(LoginError::BadCredentials | LoginError::WrongCode) => failures += 1,
                Err(LoginError::Locked(locked)) => self.test.clock.advance(locked.wait),
                other => panic!("{other:?}"),
            }
        }
        self.test.clock.advance(TimeDelta::minutes(15));
        assert!(self.is_locked(login).await);
    }

    pub(crate) async fn devices(&self) -> Vec<KnownDevice> {
        let mut repos = self.store.read().await.expect("repositories");
        let user = repos.users().by_email(&TenantId::default(), &address()).await.expect("the store works");
        let user = user.expect("an account").id;
        repos.known_devices().list(user, self.now()).await.expect("the store works")
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.test.clock.now()
    }

    pub(crate) async fn audited(&self, event: AuditEvent) -> Vec<AuditEntry> {
        let filter = AuditFilter { event: Some(event), ..AuditFilter::default() };
        let mut repos = self.store.read().await.expect("repositories");
        repos.audit().list(&filter, 200).await.expect("the store works")
    }

    /// The token of the newest link that opens the account.
    pub(crate) async fn unlock_link(&self) -> String {
        self.letters(NoticeKind::AccountLocked).await;
        self.test.mailer.token(NoticeKind::AccountLocked, &address()).expect("a link")
    }

    pub(crate) async fn unlock(&self, token: &str) -> Result<DeviceToken, UnlockError> {
        let request = Unlock { token: token.to_owned(), client: client() };
        self.test.engine.recovery.unlock(&request).await
    }

    pub(crate) async fn reset(&self, token: &str, password: &str) -> Result<(), ResetError> {
        let new_password = PasswordPolicy::default().admit(Password::new(password.to_owned()));
        let new_password = new_password.expect("a good password");
        let request = ResetPassword { token: token.to_owned(), new_password, client: client() };
        self.test.engine.recovery.reset(&request).await
    }

    pub(crate) async fn reset_link(&self) -> String {
        let (tenant, engine) = (TenantId::default(), &self.test.engine);
        engine.recovery.forgot(&tenant, &address(), &client()).await.expect("an answer");
        self.letters(NoticeKind::ResetPassword).await;
        self.test.mailer.token(NoticeKind::ResetPassword, &address()).expect("a link")
    }
}

/// No device does without its second factor.
pub(crate) fn strict() -> auth_domain::factor::MfaPolicy {
    auth_domain::factor::MfaPolicy { device_bypass: TimeDelta::zero(), ..Default::default() }
}
