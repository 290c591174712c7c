//! Whether an account may be used, and what it may do.

use std::{fmt, str::FromStr};

/// The state of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// In use.
    Active,
    /// Closed by its owner or switched off by an administrator.
    Inactive,
    /// Stopped by an administrator for a reason.
    Suspended,
    /// Made, but not yet taken into use.
    Pending,
    /// Removed; the row stays so that its address is not given away.
    Deleted,
}

impl UserStatus {
    /// All states, for parsers and exhaustive tests.
    pub const ALL: [Self; 5] = [Self::Active, Self::Inactive, Self::Suspended, Self::Pending, Self::Deleted];

    /// The name that stores and clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
            Self::Pending => "pending",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for UserStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no state or role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known names")]
pub struct UnknownName;

impl FromStr for UserStatus {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownName)
    }
}

/// A right that an operator can grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May administer everything.
    Superuser,
    /// May administer ordinary users of the tenant.
    ApplicationAdmin,
    /// Marked as a manager for the applications behind this server.
    Manager,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Superuser, Self::ApplicationAdmin, Self::Manager];

    /// The name used on the command line and in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superuser => "superuser",
            Self::ApplicationAdmin => "application_admin",
            Self::Manager => "manager",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownName)
    }
}

/// The roles of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// Holds [`Role::Superuser`].
    pub superuser: bool,
    /// Holds [`Role::ApplicationAdmin`].
    pub application_admin: bool,
    /// Holds [`Role::Manager`].
    pub manager: bool,
}

impl Roles {
    /// The same roles and `role`.
    #[must_use]
    pub const fn with(mut self, role: Role) -> Self {
        match role {
            Role::Superuser => self.superuser = true,
            Role::ApplicationAdmin => self.application_admin = true,
            Role::Manager => self.manager = true,
        }
        self
    }

    /// The same roles but for `role`.
    #[must_use]
    pub const fn without(mut self, role: Role) -> Self {
        match role {
            Role::Superuser => self.superuser = false,
            Role::ApplicationAdmin => self.application_admin = false,
            Role::Manager => self.manager = false,
        }
        self
    }

    /// Whether `role` is held.
    pub const fn has(self, role: Role) -> bool {
        match role {
            Role::Superuser => self.superuser,
            Role::ApplicationAdmin => self.application_admin,
            Role::Manager => self.manager,
        }
    }

    /// The names of the roles held.
    pub fn names(self) -> Vec<&'static str> {
        Role::ALL.into_iter().filter(|&role| self.has(role)).map(Role::as_str).collect()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}
