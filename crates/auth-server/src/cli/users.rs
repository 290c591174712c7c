//! Commands about accounts.

use auth_domain::{
    tenant::TenantId,
    user::{Email, FullName, Role},
};
use clap::{Args, Subcommand};

use super::{EraseUser, ExportUser, value::role};

/// Commands about accounts.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Create an account and print its one-time password, once
    Create(CreateUser),
    /// Give a role to an existing account
    Grant(GrantRole),
    /// Show whether wrong passwords or codes have locked an account, and its known devices
    ///
    /// Wrong passwords of strangers are counted apart from those of the account's own devices, which show as
    /// known devices: a lock does not keep those out. Leaves a trace in the audit log.
    Locks(OfAccount),
    /// Open an account that wrong passwords or codes have locked
    ///
    /// Both counts begin anew. Known devices stay as they are. Leaves a trace in the audit log.
    Unlock(OfAccount),
    /// Write everything that is kept about one person, as JSON
    ///
    /// For whoever asks what is known about them: the account, sessions, devices, linked identities, messages and
    /// events. Passwords and secrets are left out, and so is where others came from who looked after the account.
    /// Leaves a trace in the audit log.
    Export(ExportUser),
    /// Erase one person for good
    ///
    /// Deletes the account with all that belongs to it. What stays is the audit log, which knows the person by a
    /// number that names nobody any more and forgets where they came from, and that number: no import brings the
    /// person back. docs/erasure.md tells all of it. The last active superuser cannot be erased.
    Erase(EraseUser),
}

/// Creates an account.
#[derive(Debug, Args)]
pub struct CreateUser {
    /// The address of the account
    #[arg(value_parser = Email::parse)]
    pub email: Email,
    /// A role of the account; may be given several times
    #[arg(long = "role", value_name = "ROLE", value_parser = role())]
    pub roles: Vec<Role>,
    /// The tenant that the account belongs to
    #[arg(long, default_value = "default", value_parser = TenantId::parse)]
    pub tenant: TenantId,
    /// The full name of the account's owner
    #[arg(long, value_parser = FullName::parse)]
    pub name: Option<FullName>,
}

/// Gives a role.
#[derive(Debug, Args)]
pub struct GrantRole {
    /// The address of the account
    #[arg(value_parser = Email::parse)]
    pub email: Email,
    /// The role to give
    #[arg(long, value_parser = role())]
    pub role: Role,
    /// The tenant that the account belongs to
    #[arg(long, default_value = "default", value_parser = TenantId::parse)]
    pub tenant: TenantId,
}

/// Names an account.
#[derive(Debug, Args)]
pub struct OfAccount {
    /// The address of the account
    #[arg(value_parser = Email::parse)]
    pub email: Email,
    /// The tenant that the account belongs to
    #[arg(long, default_value = "default", value_parser = TenantId::parse)]
    pub tenant: TenantId,
}
