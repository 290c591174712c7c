//! For whom a command prints.

use clap::Args;

/// For whom a command prints.
#[derive(Clone, Copy, Debug, Args)]
pub struct Format {
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}
