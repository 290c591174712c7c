//! What each command does.

pub mod config;
pub mod healthcheck;

use std::process::ExitCode;

use crate::cli::{Cli, Command, ConfigCommand};

/// Does what the command line says.
///
/// # Errors
/// Whatever kept the command from being done; a
/// [`SettingsError`](crate::settings::SettingsError) when the settings were refused.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::Config(ConfigCommand::Check) => config::check(),
        Command::Healthcheck(options) => healthcheck::run(options.url.as_deref()),
        Command::Serve | Command::Migrate | Command::Keys(_) | Command::Users(_) | Command::Openapi => {
            anyhow::bail!("this build holds the settings and the command line only, no engine")
        }
    }
}
