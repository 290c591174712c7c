//! One-time links: sent by mail, used once, each for one purpose.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    id::UserId,
    secret::{Digest, opaque_tokens},
    tenant::TenantId,
    user::{Email, User},
};

opaque_tokens! {
    /// The token inside a mailed link: 43 URL-safe characters.
    LinkToken = "";
}

/// What a link may be used for. A link for one purpose fails at every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Prove the address of the account.
    VerifyEmail,
    /// Prove a new address and move the account to it.
    ChangeEmail,
    /// Set a new password without the old one.
    ResetPassword,
    /// Open an account that wrong passwords or codes have locked.
    Unlock,
}

impl LinkPurpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [Self::VerifyEmail, Self::ChangeEmail, Self::ResetPassword, Self::Unlock];

    /// The name that stores use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
            Self::Unlock => "unlock",
        }
    }

    /// How long a link lives: 24 hours to verify, 1 hour to change the address, 30 minutes to reset
    /// the password (ASVS 6.5.5, NIST SP 800-63B-4 §4.2.1.2). 24 hours to unlock: nobody asked for that
    /// link, so it must wait until its reader comes, and all it gives is the chance to be asked for the
    /// password.
    pub const fn life(self) -> TimeDelta {
        match self {
            Self::VerifyEmail | Self::Unlock => TimeDelta::hours(24),
            Self::ChangeEmail => TimeDelta::hours(1),
            Self::ResetPassword => TimeDelta::minutes(30),
        }
    }
}

/// The text names no purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a purpose of a link")]
pub struct UnknownPurpose;

impl FromStr for LinkPurpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or(UnknownPurpose)
    }
}

/// A link as it is stored: the digest, never the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Digest of the mailed token; unique.
    pub digest: Digest,
    /// The tenant of the user.
    pub tenant: TenantId,
    /// Whom the link was made for.
    pub user: UserId,
    /// What it may be used for.
    pub purpose: LinkPurpose,
    /// The address the link was mailed to, and so the address its use proves.
    pub email: Email,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

impl Link {
    /// Makes the stored half of a link whose token goes to `email`.
    pub fn new(
        token: &LinkToken,
        purpose: LinkPurpose,
        user: &User,
        email: Email,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            digest: token.digest(),
            tenant: user.tenant.clone(),
            user: user.id,
            purpose,
            email,
            created_at: now,
            expires_at: now + purpose.life(),
        }
    }
}
