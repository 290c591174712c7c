//! Which accounts to list, and how many there are.

use chrono::{DateTime, Utc};

use crate::{
    tenant::TenantId,
    user::{UserSearch, UserStatus},
};

/// Which accounts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those in one of these states; in any where it is empty.
    pub statuses: Vec<UserStatus>,
    /// Only those whose address or name begins so.
    pub search: Option<UserSearch>,
    /// Only those that are no superusers.
    pub without_superusers: bool,
}

/// The accounts of one tenant, counted. But for [`deleted`](Self::deleted) nothing counts those removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCounts {
    /// The tenant.
    pub tenant: TenantId,
    /// In use.
    pub active: u64,
    /// Switched off.
    pub inactive: u64,
    /// Stopped.
    pub suspended: u64,
    /// Not yet taken into use.
    pub pending: u64,
    /// Removed.
    pub deleted: u64,
    /// With a proved address.
    pub verified: u64,
    /// With a second factor that a login demands.
    pub with_second_factor: u64,
    /// How many were made.
    pub registered: Recent,
    /// Of how many the last sign-in was.
    pub signed_in: Recent,
}

/// How many lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Within the last day.
    pub day: u64,
    /// Within the last week, that day included.
    pub week: u64,
}

/// Since when [`Recent`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentSince {
    /// A day ago.
    pub day: DateTime<Utc>,
    /// A week ago.
    pub week: DateTime<Utc>,
}
