//! Commands about the audit log.

use auth_domain::{
    audit::{AuditEvent, AuditKey, ChainHead},
    id::UserId,
};
use clap::{Args, Subcommand};

use super::value::{audit_event, audit_key, chain_head, user_id};
use crate::command::audit::Moment;

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
