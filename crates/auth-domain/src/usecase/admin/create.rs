//! Accounts that an administrator makes.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Admin, AdminError, roles::power_over};
use crate::{
    audit::AuditEvent,
    client::Client,
    id::{OutboxId, UserId},
    outbox::{Intent, OutboxItem},
    port::{ExistingAccount, Tx},
    tenant::TenantId,
    usecase::{Fault, new_password::PasswordFor, transaction::transaction},
    user::{
        Credential, Email, FullName, NewPassword, Password, PasswordHash, Role, Roles, User, UserStatus,
        password,
    },
};

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Where it will live. A person makes accounts of their own tenant only.
    pub tenant: TenantId,
    /// Its address.
    pub email: Email,
    /// Its password, as the policy admitted it.
    pub password: NewPassword,
    /// What the person wants to be called.
    pub full_name: Option<FullName>,
    /// What it may do.
    pub roles: Roles,
    /// Whether the password is mailed to its owner, to be changed at the first login. Else the owner is sent
    /// a link that proves the address, and is told the password by other means.
    pub is_temporary: bool,
}

impl Admin {
    /// Makes an account.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn create(&self, actor: Actor<'_>, account: &NewAccount) -> Result<User, AdminError> {
        let outcome = self.try_create(actor, account).await;
        self.conclude(actor, Action::Create, None, outcome).await
    }

    async fn try_create(&self, actor: Actor<'_>, account: &NewAccount) -> Result<User, AdminError> {
        self.may_create(actor, account)?;
        let words = password::context_words(&account.tenant, &account.email, account.full_name.as_ref());
        let nobody = Client::default();
        let client = if let Actor::Person { client, .. } = actor { client } else { &nobody };
        let owner = PasswordFor { tenant: &account.tenant, words, client };
        let hash = self
            .core
            .hash_new_password(&account.password, owner)
            .await?
            .map_err(|why| AdminError::WeakPassword(Action::Create, why))?;
        let now = self.core.now();
        transaction!(self.core, tx => self.create_in(tx, actor, account, hash.clone(), now))
    }

    /// Looked at before anything is computed, and once more in the transaction.
    fn may_create(&self, actor: Actor<'_>, account: &NewAccount) -> Result<(), AdminError> {
        let acting = self.reader(actor, Action::Create.power())?;
        let grants = Role::ALL.into_iter().filter(|role| account.roles.has(*role));
        let within = acting.tenant().is_none_or(|tenant| *tenant == account.tenant);
        if within && grants.map(power_over).all(|power| acting.power >= power) {
            Ok(())
        } else {
            Err(AdminError::NotAllowed)
        }
    }

    async fn create_in(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        account: &NewAccount,
        hash: PasswordHash,
        now: DateTime<Utc>,
    ) -> Result<User, AdminError> {
        let acting = self.acting_in(tx, actor, Action::Create).await?;
        let id = UserId::mint(now, self.core.entropy())?;
        let credential = self.core.handed_out(hash, account.is_temporary, now);
        let (tenant, email) = (account.tenant.clone(), account.email.clone());
        let mut user = User::register(id, tenant, email, account.full_name.clone(), credential.clone(), now);
        user.roles = account.roles;
        if let Err(ExistingAccount) = tx.users().insert(&user).await? {
            return Err(taken_in(tx, &account.tenant, &account.email).await?);
        }
        let letter = if account.is_temporary {
            let password = account.password.password();
            self.core.letter_with_password(&user, &credential, password, now, |sealed| {
                Intent::TemporaryPassword { sealed }
            })?
        } else {
            self.core.letter_to(&user, Intent::VerifyEmail, &Client::default(), now)?
        };
        tx.outbox().put(&letter).await?;
        let record = acting.record(AuditEvent::UserCreated, &user.tenant, now).about(id);
        tx.audit().append(&record.with("roles", account.roles.names().join(","))).await?;
        Ok(user)
    }
}

/// What is in the way of a new account.
async fn taken_in(tx: &mut dyn Tx, tenant: &TenantId, email: &Email) -> Result<AdminError, Fault> {
    let owner = tx.users().by_email(tenant, email).await?;
    Ok(match owner.filter(|owner| owner.status == UserStatus::Deleted) {
        Some(owner) => AdminError::EmailDeleted { user: owner.id, deleted_at: owner.updated_at },
        None => AdminError::EmailTaken,
    })
}

impl crate::usecase::Core {
    /// A password that somebody else chose: for good, or until its owner signs in with it.
    pub(super) fn handed_out(
        &self,
        hash: PasswordHash,
        is_temporary: bool,
        now: DateTime<Utc>,
    ) -> Credential {
        if is_temporary {
            Credential::temporary(hash, now + self.policy.temporary_password_life)
        } else {
            Credential::permanent(hash)
        }
    }

    /// A message that carries a password, sealed for it. Never held back by another one that waits: that
    /// carries another password. It does not tell from where the administrator wrote.
    pub(super) fn letter_with_password(
        &self,
        user: &User,
        credential: &Credential,
        password: &Password,
        now: DateTime<Utc>,
        intent: impl FnOnce(crate::secret::Sealed) -> Intent,
    ) -> Result<OutboxItem, Fault> {
        let id = OutboxId::mint(now, self.entropy())?;
        let intent = intent(self.seal_handed_out(id, credential, password)?);
        Ok(OutboxItem::new(id, user.tenant.clone(), Some(user.id), intent, Client::default(), now))
    }
}
