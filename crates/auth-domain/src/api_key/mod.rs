//! API keys: what a program shows in place of a person's token.
//!
//! | kind | whose it is | acts as | ends with |
//! |---|---|---|---|
//! | [personal](ApiKeyKind::Personal) | a user's | that user, within its scopes | its time, its revocation, or the account |
//! | [service](ApiKeyKind::Service) | a tenant's | a service of the tenant | its time or its revocation |
//!
//! A service key outlives the account of whoever made it: a service must not stop because somebody leaves.
//! Whoever administers the tenant sees it in the list and can revoke it.

mod name;
mod scope;
mod secret;

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

pub use name::{ApiKeyName, InvalidKeyName};
pub use scope::{Scope, Scopes, UnknownScope};
pub use secret::{ApiKeySecret, KeyPrefix};

use crate::{
    id::{ApiKeyId, UserId},
    secret::Digest,
    tenant::TenantId,
};

/// How long a key lives where nobody says otherwise.
pub const DEFAULT_LIFE: TimeDelta = TimeDelta::days(90);
/// No key lives longer.
pub const LONGEST_LIFE: TimeDelta = TimeDelta::days(365);
/// How many live keys one owner may have: more than anybody needs, and few enough for one answer.
pub const AT_MOST: usize = 50;

/// For whom a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiKeyKind {
    /// A person.
    Personal,
    /// A service.
    Service,
}

impl ApiKeyKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Personal, Self::Service];

    /// The name that stores and clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Service => "service",
        }
    }
}

/// The text names no kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of API key")]
pub struct UnknownKeyKind;

impl FromStr for ApiKeyKind {
    type Err = UnknownKeyKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKeyKind)
    }
}

/// Who may list and revoke a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// The person a personal key stands for.
    Person(UserId),
    /// The tenant of a service key.
    Tenant(TenantId),
}

/// A key as it is stored: the digest, never the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Identifies the key.
    pub id: ApiKeyId,
    /// Where it is good.
    pub tenant: TenantId,
    /// Whose it is if it is a personal key.
    pub person: Option<UserId>,
    /// Who made it. An account that may be gone.
    pub made_by: UserId,
    /// What its owner calls it.
    pub name: ApiKeyName,
    /// How its text begins: what a person recognises it by.
    pub prefix: KeyPrefix,
    /// Digest of its text; unique.
    pub digest: Digest,
    /// What it is good for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was last seen in use; kept to the minute, not to the request.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked. There is no way back.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// For whom it stands.
    pub const fn kind(&self) -> ApiKeyKind {
        if self.person.is_some() { ApiKeyKind::Personal } else { ApiKeyKind::Service }
    }

    /// Who may list and revoke it.
    pub fn owner(&self) -> KeyOwner {
        self.person.map_or_else(|| KeyOwner::Tenant(self.tenant.clone()), KeyOwner::Person)
    }

    /// Whether it may be used at `now`, as far as it alone can tell.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}
