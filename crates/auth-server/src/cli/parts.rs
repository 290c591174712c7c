//! Commands about what the server runs on: settings, store, provider, health.

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::Format;

/// Commands about settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings and print each as it holds, with its source
    ///
    /// Secrets show as `set` or `unset`. Nothing is started, opened or written.
    Check,
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
    /// For whom
    #[command(flatten)]
    pub format: Format,
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

/// Asks for health.
#[derive(Debug, Args)]
pub struct Healthcheck {
    /// Base address of the server, http only [default: the one of the settings]
    #[arg(long)]
    pub url: Option<String>,
}

/// Prints a script for a shell.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}
