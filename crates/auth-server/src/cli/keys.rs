//! Commands about keys.

use clap::{Args, Subcommand};

use super::Format;

/// Commands about keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys with their state, oldest first
    List(Format),
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
    Status(Format),
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
