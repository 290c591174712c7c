//! The command line: what may be asked of the binary, and how it answers to the shell.

#![expect(clippy::print_stderr, reason = "tells the person at the terminal why a command failed")]

use std::{path::PathBuf, process::ExitCode};

use auth_domain::{
    audit::{AuditEvent, AuditKey, ChainHead},
    id::{OutboxId, UserId},
    tenant::TenantId,
    user::{Email, FullName, Role},
};
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::{
    command::{self, audit::Moment},
    settings::SettingsError,
};

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
    #[command(subcommand, arg_required_else_help = true)]
    Users(UsersCommand),
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
    /// Ask a running server whether it is healthy; for containers
    ///
    /// Calls GET /api/health and waits three seconds at most. Exits with 0 when the answer is 200, else with 1.
    Healthcheck(Healthcheck),
}

/// Commands about settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings and print each as it holds, with its source
    ///
    /// Secrets show as `set` or `unset`. Nothing is started, opened or written.
    Check,
}

/// Commands about keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys with their state, oldest first
    List,
    /// Make a new key now; it signs once verifiers had time to fetch it
    Rotate,
    /// Take a key away at once, because somebody else may have it
    ///
    /// Access tokens it signed are refused by every server within a second or two; whoever has one gets another
    /// with the refresh token. If it was the one that signs, a new one signs at once. Verifiers that cache the
    /// key set believe the old key until they fetch it again, for five minutes at most.
    Revoke(RevokeKey),
    /// Tell how many stored values each secret still holds
    ///
    /// Secrets show by the name of their key, which tells nothing about them. Changes nothing, and works also
    /// where a secret is missing.
    Status,
    /// Seal anew with `SECRET_KEY` what a secret of `SECRET_KEY_FORMER` sealed
    ///
    /// Works while servers run, all of which must have the new secret. May be interrupted and run again: it goes
    /// on where it stopped. Says in the end which former secrets may be taken out of the settings.
    RotateData(RotateData),
}

/// Takes a key away.
#[derive(Debug, Args)]
pub struct RevokeKey {
    /// The key, as `keys list` shows it
    #[arg(value_name = "KID", allow_hyphen_values = true)]
    pub id: String,
}

/// Seals values anew.
#[derive(Debug, Args)]
pub struct RotateData {
    /// Open every value and change none
    #[arg(long)]
    pub dry_run: bool,
}

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
    /// Open an account that wrong passwords or codes have locked
    ///
    /// Both counts begin anew. Known devices stay as they are. Leaves a trace in the audit log.
    Unlock(OfAccount),
}

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
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
    /// The account; `users locks ADDRESS` shows its id
    #[arg(value_parser = user_id)]
    pub id: UserId,
    /// Where to; `-` for standard output. A file that exists is not overwritten
    #[arg(value_name = "FILE", default_value = "-")]
    pub to: String,
}

/// Erases a person.
#[derive(Debug, Args)]
pub struct EraseUser {
    /// The account; `users locks ADDRESS` shows its id
    #[arg(value_parser = user_id)]
    pub id: UserId,
    /// Do not ask for the address first
    #[arg(long)]
    pub yes: bool,
}

/// Commands about mail.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Print a mail of a kind as people would get it, with sample names and links
    Preview(PreviewMail),
    /// Connect to the mail server of the settings and log in, without sending anything
    Check,
}

/// Prints a mail.
#[derive(Debug, Args)]
pub struct PreviewMail {
    /// The kind, like `verify_email`; a wrong one lists all
    pub kind: String,
    /// Print the HTML part instead of the subject and the text
    #[arg(long)]
    pub html: bool,
}

/// Commands about text messages.
#[derive(Debug, Subcommand)]
pub enum SmsCommand {
    /// Check the settings and look for the credentials of AWS, without sending anything
    ///
    /// Whether AWS takes the credentials, and lets them send, only a message shows: --to sends one.
    Check(CheckSms),
}

/// Checks the sending of text messages.
#[derive(Debug, Args)]
pub struct CheckSms {
    /// Send a test message to this number, like +12125550123; without calling code it is of `SMS_DEFAULT_REGION`
    #[arg(long, value_name = "NUMBER")]
    pub to: Option<String>,
}

/// Commands about messages that are owed.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List messages, oldest first: those that wait, or dead letters
    ///
    /// TRIES counts how often a message was tried, LAST ERROR tells what the last try met, in the words of
    /// the mail server. What shows as "being sent" is in the hands of a server at this moment. USER is `-`
    /// where an address without an account was asked for: nothing is sent then.
    List(ListMessages),
    /// Try a message again at once, with all its tries; also one that was given up
    ///
    /// A message past its use, such as a link to reset a password after an hour, is refused: nobody has use
    /// for it any more.
    Retry(RetryMessages),
    /// Delete a message without sending it
    Drop(DropMessage),
}

/// Lists messages.
#[derive(Debug, Args)]
pub struct ListMessages {
    /// List dead letters instead of what waits
    #[arg(long)]
    pub dead: bool,
    /// Begin behind this message: the last one of the page before
    #[arg(long, value_name = "ID", value_parser = outbox_id)]
    pub after: Option<OutboxId>,
    /// How many to list at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Print JSON, with every time in full
    #[arg(long)]
    pub json: bool,
}

/// Tries messages again.
#[derive(Debug, Args)]
pub struct RetryMessages {
    /// Which ones
    #[command(flatten)]
    pub which: WhichMessages,
}

/// One message or all that were given up.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WhichMessages {
    /// The message, as `outbox list` shows it
    #[arg(value_parser = outbox_id)]
    pub id: Option<OutboxId>,
    /// Every dead letter that is still of use
    #[arg(long)]
    pub all_dead: bool,
}

/// Deletes a message.
#[derive(Debug, Args)]
pub struct DropMessage {
    /// The message, as `outbox list` shows it
    #[arg(value_parser = outbox_id)]
    pub id: OutboxId,
}

/// Commands about AWS Cognito.
#[derive(Debug, Subcommand)]
pub enum CognitoCommand {
    /// Count who signs in through Cognito, and who has no password here yet
    ///
    /// With `COGNITO_MIGRATION=lazy` whoever logs in gets one. Once nobody who matters is without,
    /// `AUTH_PROVIDER=native` leaves Cognito.
    Report(ReportCognito),
}

/// Counts linked accounts.
#[derive(Debug, Args)]
pub struct ReportCognito {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands about the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print the newest entries, the newest last
    Tail(TailAudit),
    /// Write the log with its chain and its signatures to a file, one JSON object a line
    ///
    /// The copy can be checked anywhere, without the database and without any secret. It ends at a checkpoint, so
    /// it may hold entries that are a little later than --until.
    Export(ExportAudit),
    /// Check that no entry was changed, deleted, put in between or cut off
    ///
    /// Without FILE the database is checked, with keys made of the `SECRET_KEY` of the settings. Names each entry
    /// that is not as it was, and exits with 1.
    Verify(VerifyAudit),
    /// Print the public key that signs the log, and those of former secrets, to be kept elsewhere
    Key,
}

/// Prints entries.
#[derive(Debug, Args)]
pub struct TailAudit {
    /// How many to print at most
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub lines: u32,
    /// Go on printing what is put into the chain, until stopped
    #[arg(short, long)]
    pub follow: bool,
    /// Only this event, like `login.fail`
    #[arg(long, value_parser = audit_event(), hide_possible_values = true)]
    pub event: Option<AuditEvent>,
    /// Only what concerns the account of this id
    #[arg(long, value_name = "ID", value_parser = user_id)]
    pub user: Option<UserId>,
    /// Only what happened since then: a time like 2026-03-04T05:06:07Z, or an age like 90s, 15m, 2h, 7d
    #[arg(long, value_name = "T", value_parser = Moment::parse)]
    pub since: Option<Moment>,
    /// Print JSON, one object a line, as in an export
    #[arg(long)]
    pub json: bool,
}

/// Copies the log.
#[derive(Debug, Args)]
pub struct ExportAudit {
    /// Where to; `-` for standard output. A file that exists is not overwritten
    #[arg(value_name = "FILE")]
    pub to: String,
    /// Begin with what happened then, given as for `tail`
    #[arg(long, value_name = "T", value_parser = Moment::parse)]
    pub since: Option<Moment>,
    /// End with what happened before that
    #[arg(long, value_name = "T", value_parser = Moment::parse)]
    pub until: Option<Moment>,
}

/// Checks the log.
#[derive(Debug, Args)]
pub struct VerifyAudit {
    /// An export to check instead of the database; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
    /// The public key to believe, as `audit key` prints it; may be given several times
    #[arg(long = "key", value_name = "KEY", value_parser = audit_key)]
    pub keys: Vec<AuditKey>,
    /// A checkpoint that was kept elsewhere, in the server's log: the chain must go through it
    #[arg(long, value_name = "POSITION:HASH", value_parser = chain_head)]
    pub through: Option<ChainHead>,
}

/// Commands about the store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Copy everything to another database: accounts, sessions, links, locks, keys, audit log, owed mail
    ///
    /// Both databases are brought to the layout of this version first. No server may run on either. People
    /// stay signed in if the new installation has the `SECRET_KEY` of the old one. What was copied before an
    /// interruption stays: run it again with --resume.
    Copy(CopyStore),
}

/// Copies a store.
#[derive(Debug, Args)]
pub struct CopyStore {
    /// Where everything is, like `sqlite://data/auth.sqlite3`
    // Read by the command: clap would repeat a wrong one, password and all.
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// Where it goes, like `postgresql://auth@db/auth` [default: `DATABASE_URL`, which hides a password better]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Go on where an earlier try ended
    #[arg(long)]
    pub resume: bool,
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

/// Asks for health.
#[derive(Debug, Args)]
pub struct Healthcheck {
    /// Base address of the server, http only [default: the one of the settings]
    #[arg(long)]
    pub url: Option<String>,
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

/// Reads the id of a message.
fn outbox_id(text: &str) -> Result<OutboxId, &'static str> {
    text.parse().map_err(|_| "expected an id as `outbox list` shows it")
}

/// Reads the id of an account.
fn user_id(text: &str) -> Result<UserId, &'static str> {
    text.parse().map_err(|_| "expected a number")
}

/// Reads a public key of the audit log.
fn audit_key(text: &str) -> Result<AuditKey, &'static str> {
    text.parse().map_err(|_| "expected 64 hexadecimal digits")
}

/// Reads a place in the chain.
fn chain_head(text: &str) -> Result<ChainHead, &'static str> {
    let read = |text: &str| {
        let (position, hash) = text.split_once(':')?;
        Some(ChainHead { position: position.parse().ok()?, hash: hash.parse().ok()? })
    };
    read(text).ok_or("expected a position, a colon and 64 hexadecimal digits")
}

/// Reads the name of an event, and lists all of them in errors.
fn audit_event() -> impl TypedValueParser<Value = AuditEvent> {
    PossibleValuesParser::new(AuditEvent::ALL.iter().map(|event| event.as_str()))
        .try_map(|name| name.parse::<AuditEvent>())
}

/// Reads a role, and lists all of them in help and errors.
fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|name| name.parse::<Role>())
}
