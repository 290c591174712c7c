//! `auth-server sms check`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use std::process::ExitCode;

use crate::{cli::CheckSms, settings::Settings, wire};

/// Looks for credentials, and sends a text where one is to go.
pub(super) fn check(options: &CheckSms) -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    let found = super::runtime()?.block_on(wire::check_sms(&settings, options.to.as_deref()))?;
    println!("{found}");
    Ok(ExitCode::SUCCESS)
}
