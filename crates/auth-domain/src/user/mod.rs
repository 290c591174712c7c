//! Users: who may sign in, and what is known about them.

mod email;
mod linked;
mod name;
pub mod password;
mod phone;
mod search;
mod status;

use chrono::{DateTime, Utc};

pub use email::{Email, InvalidEmail};
pub use linked::{LinkedCounts, LinkedIdentity};
pub use name::{FullName, InvalidName};
pub use password::{NewPassword, Password, PasswordHash, WeakPassword};
pub use phone::{InvalidPhone, PhoneNumber};
pub use search::{InvalidSearch, UserSearch};
pub use status::{Role, Roles, UserStatus};

use crate::{factor::Enrolment, id::UserId, tenant::TenantId};

/// A person's account within one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Identifies the account.
    pub id: UserId,
    /// Where the account lives; its address is unique there.
    pub tenant: TenantId,
    /// Where the account's mail goes, and what its owner signs in with.
    pub email: Email,
    /// Whether the owner has proved that mail to [`email`](Self::email) reaches them.
    pub email_verified: bool,
    /// What the person wants to be called.
    pub full_name: Option<FullName>,
    /// Whether the account may be used.
    pub status: UserStatus,
    /// What the account may do beyond its own affairs.
    pub roles: Roles,
    /// How the person proves who they are; `None` for an account without a password.
    pub credential: Option<Credential>,
    /// The second factors of the account.
    pub factors: Enrolment,
    /// When the person last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When the account last changed.
    pub updated_at: DateTime<Utc>,
}

/// A stored password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The one-way hash.
    pub hash: PasswordHash,
    /// When a temporary password stops working; `None` for one the person chose.
    pub temporary_until: Option<DateTime<Utc>>,
}

impl Credential {
    /// A password the person chose.
    pub const fn permanent(hash: PasswordHash) -> Self {
        Self { hash, temporary_until: None }
    }

    /// A password somebody handed out, to be changed before `until`.
    pub const fn temporary(hash: PasswordHash, until: DateTime<Utc>) -> Self {
        Self { hash, temporary_until: Some(until) }
    }

    /// Whether the password was handed out rather than chosen.
    pub const fn is_temporary(&self) -> bool {
        self.temporary_until.is_some()
    }

    /// Whether the password may still be used.
    pub fn is_usable(&self, now: DateTime<Utc>) -> bool {
        self.temporary_until.is_none_or(|until| now < until)
    }
}

impl User {
    /// A new account: active, its address not yet proved, no role.
    pub fn register(
        id: UserId,
        tenant: TenantId,
        email: Email,
        full_name: Option<FullName>,
        credential: Credential,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            tenant,
            email,
            email_verified: false,
            full_name,
            status: UserStatus::Active,
            roles: Roles::default(),
            credential: Some(credential),
            factors: Enrolment::default(),
            last_login_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// A new account of somebody for whom a provider vouches: active, its address proved there, without a
    /// password.
    pub fn vouched(
        id: UserId,
        tenant: TenantId,
        email: Email,
        full_name: Option<FullName>,
        now: DateTime<Utc>,
    ) -> Self {
        let (status, roles, factors) = (UserStatus::Active, Roles::default(), Enrolment::default());
        let (email_verified, credential, last_login_at) = (true, None, None);
        let (created_at, updated_at) = (now, now);
        Self {
            id,
            tenant,
            email,
            email_verified,
            full_name,
            status,
            roles,
            credential,
            factors,
            last_login_at,
            created_at,
            updated_at,
        }
    }

    /// Whether the account may be used at all.
    pub fn is_active(&self) -> bool {
        self.status == UserStatus::Active
    }

    /// Whether somebody registered the address and nobody has proved since that it is theirs. Whoever owns
    /// the address may still take such an account over.
    pub fn is_unclaimed(&self) -> bool {
        let chosen = self.credential.as_ref().is_none_or(|credential| !credential.is_temporary());
        let untouched = self.last_login_at.is_none() && self.roles == Roles::default();
        !self.email_verified && self.is_active() && chosen && untouched
    }

    /// Whether the present password was handed out and must be changed.
    pub fn must_change_password(&self) -> bool {
        self.credential.as_ref().is_some_and(Credential::is_temporary)
    }

    /// Records that mail to the present address reaches the owner; a pending account becomes active.
    pub fn verify_email(&mut self, now: DateTime<Utc>) {
        self.email_verified = true;
        if self.status == UserStatus::Pending {
            self.status = UserStatus::Active;
        }
        self.updated_at = now;
    }

    /// Moves the account to an address whose owner just proved it.
    pub fn move_to(&mut self, email: Email, now: DateTime<Utc>) {
        self.email = email;
        self.verify_email(now);
    }

    /// Replaces the password.
    pub fn set_credential(&mut self, credential: Credential, now: DateTime<Utc>) {
        self.credential = Some(credential);
        self.updated_at = now;
    }

    /// Words about this account that its password must not be made of (ASVS 6.2.11).
    pub fn context_words(&self) -> Vec<String> {
        password::context_words(&self.tenant, &self.email, self.full_name.as_ref())
    }
}
