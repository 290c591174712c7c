//! What administrators do, and why it is refused.

use chrono::{DateTime, Utc};

use super::Power;
use crate::{
    id::UserId,
    port::BoxError,
    usecase::{Fault, fault::faults},
    user::{UserStatus, WeakPassword},
};

/// What somebody does to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Looks at accounts.
    List,
    /// Looks at everything about one.
    Show,
    /// Makes one.
    Create,
    /// Removes one.
    Delete,
    /// Brings a removed one back.
    Reactivate,
    /// Changes its state.
    ChangeStatus,
    /// Grants and takes roles.
    ChangeRoles,
    /// Hands out a password.
    ResetPassword,
    /// Forgets its failures.
    Unlock,
    /// Takes its second factors away.
    ResetFactors,
    /// Looks at its sessions.
    ReadSessions,
    /// Ends its sessions.
    EndSessions,
    /// Looks at devices that need no second factor for now.
    ReadDevices,
    /// Has them prove it again.
    ForgetDevices,
    /// Reads the audit log.
    ReadLog,
    /// Counts accounts.
    Count,
}

impl Action {
    /// All actions, for exhaustive tests.
    pub const ALL: [Self; 16] = [
        Self::List,
        Self::Show,
        Self::Create,
        Self::Delete,
        Self::Reactivate,
        Self::ChangeStatus,
        Self::ChangeRoles,
        Self::ResetPassword,
        Self::Unlock,
        Self::ResetFactors,
        Self::ReadSessions,
        Self::EndSessions,
        Self::ReadDevices,
        Self::ForgetDevices,
        Self::ReadLog,
        Self::Count,
    ];

    /// The name in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Show => "show",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Reactivate => "reactivate",
            Self::ChangeStatus => "change_status",
            Self::ChangeRoles => "change_roles",
            Self::ResetPassword => "reset_password",
            Self::Unlock => "unlock",
            Self::ResetFactors => "reset_factors",
            Self::ReadSessions => "read_sessions",
            Self::EndSessions => "end_sessions",
            Self::ReadDevices => "read_devices",
            Self::ForgetDevices => "forget_devices",
            Self::ReadLog => "read_log",
            Self::Count => "count",
        }
    }

    /// What it takes.
    pub const fn power(self) -> Power {
        match self {
            Self::List
            | Self::Create
            | Self::Delete
            | Self::Reactivate
            | Self::ChangeRoles
            | Self::ResetPassword
            | Self::Unlock
            | Self::ReadSessions => Power::ApplicationAdmin,
            Self::Show
            | Self::ChangeStatus
            | Self::ResetFactors
            | Self::EndSessions
            | Self::ReadDevices
            | Self::ForgetDevices
            | Self::ReadLog
            | Self::Count => Power::Superuser,
        }
    }

    /// Whether somebody may do it to themselves. A stolen session must not become an account for good, and
    /// an administrator not lock themselves out by mistake: for one's own affairs there are other ways, which
    /// ask for the password.
    pub(super) const fn is_for_others(self) -> bool {
        matches!(
            self,
            Self::Delete | Self::ChangeStatus | Self::ChangeRoles | Self::ResetPassword | Self::ResetFactors
        )
    }

    /// Whether it changes nothing: what must not be touched is then not seen either.
    pub(super) const fn is_reading(self) -> bool {
        matches!(self, Self::Show | Self::ReadSessions | Self::ReadDevices)
    }

    /// Whether it can be done to a removed account.
    pub(super) const fn is_for_deleted(self) -> bool {
        matches!(self, Self::Reactivate | Self::Show)
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The actor lacks the power.
    #[error("the actor may not do this")]
    NotAllowed,
    /// The actor's session proved no second factor, and the installation wants one.
    #[error("the actor's session lacks a second factor")]
    SecondFactorRequired,
    /// There is no such account, or none that the actor may know of.
    #[error("there is no such account")]
    NotFound {
        /// What was to be done.
        action: Action,
        /// The id that was asked for, unless it was an address.
        id: Option<UserId>,
    },
    /// The account is a superuser's, and the actor is none.
    #[error("the account is a superuser's")]
    OfSuperuser(Action),
    /// The account is the actor's own.
    #[error("the account is the actor's own")]
    OwnAccount(Action),
    /// Nobody would be left to administer the installation.
    #[error("the account is the last active superuser's")]
    LastSuperuser,
    /// The address has an account.
    #[error("the address has an account already")]
    EmailTaken,
    /// The address has an account that was removed.
    #[error("the address has an account that was removed")]
    EmailDeleted {
        /// The account.
        user: UserId,
        /// When it was removed.
        deleted_at: DateTime<Utc>,
    },
    /// The account cannot be brought back, because it was not removed.
    #[error("the account is {0}")]
    NotDeleted(UserStatus),
    /// The password is made of the account's own words, or too easy to guess.
    #[error("{1}")]
    WeakPassword(Action, WeakPassword),
    /// The cursor is not one that this list gave out.
    #[error("the cursor is not one of this list")]
    BadCursor,
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(AdminError);

impl From<Fault> for AdminError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<BoxError> for AdminError {
    fn from(error: BoxError) -> Self {
        Self::Fault(error.into())
    }
}

impl AdminError {
    /// What a refusal is called in the audit log; `None` for what is no denial.
    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::NotAllowed => Some("not_allowed"),
            Self::SecondFactorRequired => Some("second_factor_required"),
            Self::NotFound { .. } => Some("not_found"),
            Self::OfSuperuser(_) => Some("of_superuser"),
            Self::OwnAccount(_) => Some("own_account"),
            Self::LastSuperuser => Some("last_superuser"),
            Self::EmailTaken
            | Self::EmailDeleted { .. }
            | Self::NotDeleted(_)
            | Self::WeakPassword(..)
            | Self::BadCursor
            | Self::Fault(_) => None,
        }
    }
}
