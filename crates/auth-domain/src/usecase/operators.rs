//! What an operator does from the command line: there is no default account and no endpoint for the
//! first administrator.

use std::{fmt::Write as _, sync::Arc};

use chrono::{DateTime, Utc};

use super::{Core, Fault, fault::faults, transaction::transaction};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::UserId,
    port::{EntropyError, ExistingAccount, Tx},
    tenant::TenantId,
    user::{Credential, Email, FullName, Password, PasswordHash, Roles, User, password::PasswordPolicy},
};

/// The operator's use cases.
#[derive(Clone)]
pub struct Operators {
    pub(super) core: Arc<Core>,
}

/// An account to be made by an operator.
#[derive(Clone, Debug)]
pub struct CreateUser {
    /// Where it will live.
    pub tenant: TenantId,
    /// Its address.
    pub email: Email,
    /// What the person wants to be called.
    pub full_name: Option<FullName>,
    /// What it may do.
    pub roles: Roles,
}

/// A new account and the password to hand out, which is shown once.
#[derive(Debug)]
pub struct CreatedUser {
    /// The account.
    pub user: User,
    /// A temporary password.
    pub password: Password,
    /// When the password stops working.
    pub password_until: DateTime<Utc>,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// The address has an account.
    #[error("the address has an account already")]
    EmailTaken,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(CreateUserError);

impl From<Fault> for CreateUserError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Operators {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Puts something that happened to a part of the server into the audit log of the default tenant.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn note_part(&self, event: AuditEvent, part: &str) -> Result<(), Fault> {
        let record = AuditRecord::new(event, &TenantId::default(), &Client::default(), self.core.now())
            .with("part", part);
        Ok(self.core.ports.store.read().await?.audit().append(&record).await?)
    }

    /// Notes that a server of `version` started, and which settings somebody `set`: their names, because
    /// values can be secrets.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn note_settings(&self, version: &str, set: &[&str]) -> Result<(), Fault> {
        let event = AuditEvent::ConfigLoaded;
        let record = AuditRecord::new(event, &TenantId::default(), &Client::default(), self.core.now())
            .with("version", version)
            .with("set", set.join(","));
        Ok(self.core.ports.store.read().await?.audit().append(&record).await?)
    }

    /// Makes an account with a random temporary password.
    ///
    /// # Errors
    /// [`CreateUserError`].
    pub async fn create_user(&self, request: &CreateUser) -> Result<CreatedUser, CreateUserError> {
        let (password, hash) = self.temporary_password().await?;
        let now = self.core.now();
        let until = now + self.core.policy.temporary_password_life;
        let user = transaction!(self.core, tx => self.create_in(tx, request, Credential::temporary(hash.clone(), until), now))?;
        Ok(CreatedUser { user, password, password_until: until })
    }

    async fn create_in(
        &self,
        tx: &mut dyn Tx,
        request: &CreateUser,
        credential: Credential,
        now: DateTime<Utc>,
    ) -> Result<User, CreateUserError> {
        let id = UserId::mint(now, self.core.entropy())?;
        let (tenant, email) = (request.tenant.clone(), request.email.clone());
        let mut user = User::register(id, tenant, email, request.full_name.clone(), credential, now);
        user.roles = request.roles;
        if let Err(ExistingAccount) = tx.users().insert(&user).await? {
            return Err(CreateUserError::EmailTaken);
        }
        let record = AuditRecord::new(AuditEvent::UserCreated, &user.tenant, &Client::default(), now);
        tx.audit().append(&record.about(id).with("roles", request.roles.names().join(","))).await?;
        Ok(user)
    }

    async fn temporary_password(&self) -> Result<(Password, PasswordHash), Fault> {
        // Chance alone decides; a password that happens to break a rule is drawn again.
        loop {
            let password = random_password(&self.core)?;
            if let Ok(admitted) = PasswordPolicy::default().admit(password.clone()) {
                return Ok((password, self.core.ports.hasher.hash(&admitted).await?));
            }
        }
    }
}

/// 100 random bits as five groups of four: `k7mq-…`, without letters that look alike.
fn random_password(core: &Core) -> Result<Password, EntropyError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0u8; 20];
    core.entropy().fill(&mut bytes)?;
    let mut text = String::with_capacity(24);
    for (at, byte) in bytes.iter().enumerate() {
        let separator = if at > 0 && at % 4 == 0 { "-" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{}", char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(Password::new(text))
}
