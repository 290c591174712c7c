//! Commands about accounts and their sessions.

use std::fmt;

use auth_domain::{
    id::UserId,
    tenant::TenantId,
    usecase::Target,
    user::{Email, FullName, Role, UserSearch, UserStatus},
};
use clap::{Args, Subcommand};

use super::{
    EraseUser, ExportUser, Format,
    value::{role, search, status},
};

/// Commands about accounts.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Create an account and print its one-time password, once
    Create(CreateUser),
    /// List accounts, oldest first
    List(ListUsers),
    /// Show everything about an account but its secrets
    Show(OneAccount),
    /// Give a role to an account
    Grant(ChangeRole),
    /// Take a role from an account
    Revoke(ChangeRole),
    /// Switch an account off; its sessions end at once
    ///
    /// The owner cannot sign in, nor reset the password, until `users enable`.
    Disable(DisableUser),
    /// Switch an account on again
    Enable(OneAccount),
    /// Show whether wrong passwords or codes have locked an account, and its known devices
    ///
    /// Wrong passwords of strangers are counted apart from those of the account's own devices, which show as
    /// known devices: a lock does not keep those out.
    Locks(OneAccount),
    /// Open an account that wrong passwords or codes have locked
    ///
    /// Both counts begin anew. Known devices stay as they are.
    Unlock(OneAccount),
    /// Take all second factors away from somebody who lost them; sessions end, and the owner is told
    ResetMfa(OneAccount),
    /// Delete an account; its sessions end at once
    ///
    /// What was deleted stays in the database, so that its address is not given away; `users restore` brings it
    /// back.
    Delete(OneAccount),
    /// Bring a deleted account back, with the password it had
    Restore(OneAccount),
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

/// Commands about sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List the sessions of an account, those that ended, too
    List(OneAccount),
    /// End all sessions of an account, or of everybody
    ///
    /// Their tokens are refused at once, by every server.
    Revoke(RevokeSessions),
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
    /// The same as --role superuser: how the first administrator is made
    #[arg(long)]
    pub superuser: bool,
    /// The tenant that the account belongs to
    #[arg(long, default_value = "default", value_parser = TenantId::parse)]
    pub tenant: TenantId,
    /// The full name of the account's owner
    #[arg(long, value_parser = FullName::parse)]
    pub name: Option<FullName>,
    /// For whom
    #[command(flatten)]
    pub format: Format,
}

/// Lists accounts.
#[derive(Debug, Args)]
pub struct ListUsers {
    /// Only those whose address or name begins so
    #[arg(value_name = "SEARCH", value_parser = search)]
    pub search: Option<UserSearch>,
    /// Only those in this state; may be given several times [default: all but deleted]
    #[arg(long = "status", value_name = "STATUS", value_parser = status())]
    pub statuses: Vec<UserStatus>,
    /// Only those of this tenant
    #[arg(long, value_parser = TenantId::parse)]
    pub tenant: Option<TenantId>,
    /// How many to list at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on where the page before ended
    #[arg(long)]
    pub cursor: Option<String>,
    /// For whom
    #[command(flatten)]
    pub format: Format,
}

/// Gives or takes a role.
#[derive(Debug, Args)]
pub struct ChangeRole {
    /// Whose
    #[command(flatten)]
    pub account: OfAccount,
    /// The role
    #[arg(long, value_parser = role())]
    pub role: Role,
    /// For whom
    #[command(flatten)]
    pub format: Format,
}

/// Switches an account off.
#[derive(Debug, Args)]
pub struct DisableUser {
    /// Which
    #[command(flatten)]
    pub account: OfAccount,
    /// Mark it as suspended rather than inactive: stopped for a reason
    #[arg(long)]
    pub suspend: bool,
    /// Why, for the audit log
    #[arg(long, value_parser = reason)]
    pub reason: Option<String>,
    /// For whom
    #[command(flatten)]
    pub format: Format,
}

/// Ends sessions.
#[derive(Debug, Args)]
pub struct RevokeSessions {
    /// Whose sessions: the address or the id of an account
    #[arg(required_unless_present = "everyone", conflicts_with = "everyone")]
    pub account: Option<AccountName>,
    /// All sessions of all accounts
    #[arg(long)]
    pub everyone: bool,
    /// The tenant [default: `default` for an address, all with --everyone]
    #[arg(long, value_parser = TenantId::parse)]
    pub tenant: Option<TenantId>,
    /// For whom
    #[command(flatten)]
    pub format: Format,
}

/// Names an account, and for whom to print.
#[derive(Debug, Args)]
pub struct OneAccount {
    /// Which
    #[command(flatten)]
    pub account: OfAccount,
    /// For whom
    #[command(flatten)]
    pub format: Format,
}

/// Names an account.
#[derive(Debug, Args)]
pub struct OfAccount {
    /// The address or the id of the account
    pub account: AccountName,
    /// The tenant that an address belongs to
    #[arg(long, default_value = "default", value_parser = TenantId::parse)]
    pub tenant: TenantId,
}

impl OfAccount {
    /// The account.
    pub fn target(&self) -> Target {
        self.account.target(&self.tenant)
    }
}

impl fmt::Display for OfAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.account.fmt(f)
    }
}

/// An address or an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountName {
    /// An id, good in all tenants.
    Id(UserId),
    /// An address within a tenant.
    Email(Email),
}

impl AccountName {
    /// The account of that name.
    pub fn target(&self, tenant: &TenantId) -> Target {
        match self {
            Self::Id(id) => Target::Id(*id),
            Self::Email(email) => Target::Address { tenant: tenant.clone(), email: email.clone() },
        }
    }
}

impl std::str::FromStr for AccountName {
    type Err = auth_domain::user::InvalidEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // No address is a number.
        text.parse().map_or_else(|_| Email::parse(text).map(Self::Email), |id| Ok(Self::Id(id)))
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Email(email) => email.fmt(f),
        }
    }
}

/// Reads a reason for the audit log.
fn reason(text: &str) -> Result<String, &'static str> {
    let fits = !text.trim().is_empty() && text.chars().count() <= 500 && !text.chars().any(char::is_control);
    fits.then(|| text.trim().to_owned()).ok_or("expected 1 to 500 characters on one line")
}
