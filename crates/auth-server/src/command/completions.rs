//! `auth-server completions`

use std::{io, process::ExitCode};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;

/// Prints the script that has `shell` complete this version's commands.
pub(super) fn run(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "auth-server", &mut script);
    // Written by hand: the generator panics where nobody reads to the end.
    io::Write::write_all(&mut io::stdout(), &script).context("cannot print the script")?;
    Ok(ExitCode::SUCCESS)
}
