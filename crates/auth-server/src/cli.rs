//! The command line: what may be asked of the binary, and how it answers to the shell.

#![expect(clippy::print_stderr, reason = "tells the person at the terminal why a command failed")]

mod audit;
mod format;
mod keys;
mod messages;
mod moving;
mod parts;
mod users;
mod value;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::{
    audit::{AuditCommand, ExportAudit, TailAudit, VerifyAudit},
    format::Format,
    keys::{KeysCommand, RevokeKey, RotateData},
    messages::{
        CheckSms, DropMessage, ListMessages, MailCommand, OutboxCommand, PreviewMail, RetryMessages,
        SmsCommand, WhichMessages,
    },
    moving::{
        EraseUser, ExportCommand, ExportUser, ExportUsers, FileFormat, ImportCommand, ImportPython,
        ImportUsers,
    },
    parts::{
        CognitoCommand, Completions, ConfigCommand, CopyStore, Healthcheck, ReportCognito, StoreCommand,
    },
    users::{
        AccountName, ChangeRole, CreateUser, DisableUser, ListUsers, OfAccount, OneAccount, RevokeSessions,
        SessionsCommand, UsersCommand,
    },
};
use crate::{command, settings::SettingsError};

/// The settings stop the start: `EX_CONFIG` of `sysexits.h`, so that a supervisor can tell it from a
/// crash and need not try again.
pub const EXIT_SETTINGS: u8 = 78;

const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   failed, or not healthy
  2   the command line was not understood
  78  the settings were refused; one line on standard error for each reason

Settings come from config/default.toml, .env and the environment; `auth-server config check` shows them.";

/// A self-hosted authentication server.
#[derive(Debug, Parser)]
#[command(name = "auth-server", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; without a command, serve.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API until told to stop (SIGTERM, Ctrl-C)
    ///
    /// The default command. Migrates the embedded database first.
    Serve,
    /// Bring the database to the layout of this version, then exit
    Migrate,
    /// Look at the settings
    #[command(subcommand, arg_required_else_help = true)]
    Config(ConfigCommand),
    /// Manage the keys that sign access tokens, and what the secrets sealed
    #[command(subcommand, arg_required_else_help = true)]
    Keys(KeysCommand),
    /// Manage accounts from the server's own machine
    ///
    /// An account is named by its address, with --tenant where that is not `default`, or by its id. Everything
    /// works while the server runs and leaves a trace in the audit log.
    #[command(subcommand, arg_required_else_help = true)]
    Users(UsersCommand),
    /// List and end sessions
    #[command(subcommand, arg_required_else_help = true)]
    Sessions(SessionsCommand),
    /// List the tenants of the settings, and any other that has accounts, with their accounts counted
    Tenants(Format),
    /// Take people over from another system
    ///
    /// Works while servers run, and may be run again: who is here already, by address or by id, stays as they
    /// are. Passwords go on working where this server knows how they are hashed, and are hashed anew at the next
    /// login.
    #[command(subcommand, arg_required_else_help = true)]
    Import(ImportCommand),
    /// Give accounts out, for another system
    #[command(subcommand, arg_required_else_help = true)]
    Export(ExportCommand),
    /// Look at mail, and at the server that takes it
    #[command(subcommand, arg_required_else_help = true)]
    Mail(MailCommand),
    /// Look at what sends text messages
    #[command(subcommand, arg_required_else_help = true)]
    Sms(SmsCommand),
    /// Look after messages that are owed: what waits, what was given up, try again, delete
    ///
    /// Every mail is written into the database first, into the outbox, and sent from there; a mail that cannot
    /// be handed over is tried again, later and later. What the mail server refused for good, or what could
    /// not be sent while it was of use, is given up and kept as a dead letter, until somebody tries it again
    /// or deletes it, or for 30 days. These commands work while the server runs, and leave a trace in the
    /// audit log.
    #[command(subcommand, arg_required_else_help = true)]
    Outbox(OutboxCommand),
    /// Look at the people who sign in through AWS Cognito
    #[command(subcommand, arg_required_else_help = true)]
    Cognito(CognitoCommand),
    /// Read the audit log, take a copy of it, and prove that it is whole
    ///
    /// A running server puts each entry into a hash chain within a second or two, and signs the chain every
    /// minute in which it went on. These commands work while the server runs; reading and copying leave a
    /// trace in the log.
    #[command(subcommand, arg_required_else_help = true)]
    Audit(AuditCommand),
    /// Manage where accounts are kept
    #[command(subcommand, arg_required_else_help = true)]
    Store(StoreCommand),
    /// Print the OpenAPI document of the API as JSON
    Openapi,
    /// Print a script that has a shell complete these commands
    ///
    /// For bash: `auth-server completions bash > ~/.local/share/bash-completion/completions/auth-server`. For zsh,
    /// into a directory of `$fpath` as `_auth-server`; for fish, into ~/.config/fish/completions/auth-server.fish.
    Completions(Completions),
    /// Ask a running server whether it is healthy; for containers
    ///
    /// Calls GET /api/health and waits three seconds at most. Exits with 0 when the answer is 200, else with 1.
    Healthcheck(Healthcheck),
}

/// Parses the command line, does what it says, and tells the shell how it went.
pub fn main() -> ExitCode {
    match command::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

/// Prints why a command failed, and picks the exit code.
fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(refused) = error.downcast_ref::<SettingsError>() {
        for refusal in refused.refusals() {
            eprintln!("error: {refusal}");
        }
        return ExitCode::from(EXIT_SETTINGS);
    }
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
