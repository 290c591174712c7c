//! Sessions: one login on one device, kept alive by rotating refresh tokens.

mod device;
pub mod rotation;

pub use device::Device;
pub(crate) use device::network;

use std::{net::IpAddr, str::FromStr};

use chrono::{DateTime, Utc};

use crate::{
    client::{Client, UserAgent},
    id::{SessionId, UserId},
    tenant::TenantId,
    token::AuthMethod,
};

/// A login that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Identifies the session; clients use it to revoke.
    pub id: SessionId,
    /// The tenant of the user.
    pub tenant: TenantId,
    /// Whose session it is.
    pub user: UserId,
    /// How and when the person proved who they are.
    pub authentication: Authentication,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it was last seen in use; kept to the minute, not to the request.
    pub last_used_at: DateTime<Utc>,
    /// When it ends by itself. Refreshing does not move this.
    pub expires_at: DateTime<Utc>,
    /// When and why it was ended before that.
    pub ended: Option<Ended>,
    /// Where it was opened from.
    pub ip: Option<IpAddr>,
    /// What it was opened with.
    pub user_agent: Option<UserAgent>,
}

/// How and when a person proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// When the first factor was proved. Nothing but another login makes it later.
    pub at: DateTime<Utc>,
    /// With what, in order.
    pub methods: Vec<AuthMethod>,
    /// When a second factor was proved last, by the person in this session or by the device it was opened
    /// with.
    pub second_factor_at: Option<DateTime<Utc>>,
}

/// The end of a session before its time. There is no way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: EndReason,
}

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The person signed out.
    Logout,
    /// The person ended it from another session.
    Revoked,
    /// A spent refresh token was presented: somebody else may hold a copy.
    TokenReuse,
    /// The password was changed or reset.
    PasswordChanged,
    /// The address of the account changed.
    EmailChanged,
    /// The account was closed or switched off.
    AccountClosed,
    /// The person had too many sessions, and this was the one longest unused.
    Evicted,
    /// All sessions were replaced by a new one at the person's wish.
    Recovered,
}

impl EndReason {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::Logout,
        Self::Revoked,
        Self::TokenReuse,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::AccountClosed,
        Self::Evicted,
        Self::Recovered,
    ];

    /// The name that stores and the audit log use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::TokenReuse => "token_reuse",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::AccountClosed => "account_closed",
            Self::Evicted => "evicted",
            Self::Recovered => "recovered",
        }
    }
}

/// The text names no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reason for the end of a session")]
pub struct UnknownReason;

impl FromStr for EndReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or(UnknownReason)
    }
}

impl Session {
    /// Opens a session.
    pub fn open(
        id: SessionId,
        tenant: TenantId,
        user: UserId,
        authentication: Authentication,
        client: &Client,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            tenant,
            user,
            authentication,
            created_at: now,
            last_used_at: now,
            expires_at,
            ended: None,
            ip: client.ip,
            user_agent: client.user_agent.clone(),
        }
    }

    /// The device it was opened with.
    pub fn device(&self) -> Device {
        Device::new(self.ip, self.user_agent.as_ref())
    }

    /// Whether the session may be used at `now`.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.ended.is_none() && now < self.expires_at
    }
}
