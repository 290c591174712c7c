//! Commands about people who come, go, or ask what is known about them.

use std::path::PathBuf;

use auth_domain::{id::UserId, tenant::TenantId};
use clap::{Args, Subcommand, ValueEnum};

use super::{Format, value::user_id};

/// Commands that take people over.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Take people over from the tables of the Python service
    ///
    /// Reads `users` of the schema `public`, or of the schemas `auth_TENANT`, as they are at the beginning, and
    /// writes nothing there. Ids, passwords, authenticator apps, telephone numbers, roles and states are kept. Who
    /// cannot be taken over, or not as they were, is named by their old id, with the reason. People sign in once
    /// more: sessions stay behind. docs/moving-in.md leads through an evening.
    Python(ImportPython),
    /// Take people over from a file: one JSON object a line (NDJSON), or CSV
    ///
    /// The whole file is looked at first. Where a line is wrong, nothing is written, and each wrong line is named
    /// with the reason; --continue leaves them out. docs/moving-in.md has the fields, and a file to begin with.
    Users(ImportUsers),
}

/// Takes people over from the Python service.
#[derive(Debug, Args)]
pub struct ImportPython {
    /// Where its tables are, like `postgresql://reader@db/auth?sslmode=verify-full`
    // Read by the command: clap would repeat a wrong one, password and all.
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// Only the table `users` of this schema; may be given several times [default: all that have users]
    #[arg(long = "schema", value_name = "SCHEMA")]
    pub schemas: Vec<String>,
    /// The tenant that the people will belong to [default: that of the schema `auth_TENANT`, `default` for `public`]
    #[arg(long, value_parser = TenantId::parse)]
    pub tenant: Option<TenantId>,
    /// Tell what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// For whom
    #[command(flatten)]
    pub output: Format,
}

/// Takes people over from a file.
#[derive(Debug, Args)]
pub struct ImportUsers {
    /// The file; it is read several times, so it cannot be standard input
    pub file: PathBuf,
    /// Its form [default: what its name ends in: .ndjson, .jsonl or .csv]
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// The tenant that the people will belong to
    #[arg(long, default_value = "default", value_parser = TenantId::parse)]
    pub tenant: TenantId,
    /// Tell what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Leave wrong lines out, instead of writing nothing
    #[arg(long = "continue")]
    pub keep_going: bool,
    /// For whom
    #[command(flatten)]
    pub output: Format,
}

/// The form of a file of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// One JSON object a line
    Ndjson,
    /// Fields separated by commas, their names in the first line
    Csv,
}

impl FileFormat {
    /// What the end of a file's name tells.
    pub fn of_name(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// Commands that give accounts out.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write the accounts to a file, one JSON object a line, as `import users` reads them
    ///
    /// Without passwords and without secrets of authenticator apps, unless they are asked for. Leaves a trace in the
    /// audit log.
    Users(ExportUsers),
}

/// Gives accounts out.
#[derive(Debug, Args)]
pub struct ExportUsers {
    /// Where to; `-` for standard output. A file that exists is not overwritten
    #[arg(value_name = "FILE")]
    pub to: String,
    /// Only this tenant
    #[arg(long, value_parser = TenantId::parse)]
    pub tenant: Option<TenantId>,
    /// Write the hashes of passwords, too: whoever has them can guess passwords without asking a server
    #[arg(long)]
    pub with_hashes: bool,
    /// Write the secrets of authenticator apps, too, in clear: whoever has them has the second factor
    #[arg(long)]
    pub with_totp_secrets: bool,
}

/// Writes everything about a person.
#[derive(Debug, Args)]
pub struct ExportUser {
    /// The account; `users show ADDRESS` shows its id
    #[arg(value_parser = user_id)]
    pub id: UserId,
    /// Where to; `-` for standard output. A file that exists is not overwritten
    #[arg(value_name = "FILE", default_value = "-")]
    pub to: String,
}

/// Erases a person.
#[derive(Debug, Args)]
pub struct EraseUser {
    /// The account; `users show ADDRESS` shows its id
    #[arg(value_parser = user_id)]
    pub id: UserId,
    /// Do not ask for the address first
    #[arg(long)]
    pub yes: bool,
}
