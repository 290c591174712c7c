//! `auth-server mail preview` and `mail check`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use std::process::ExitCode;

use anyhow::Context as _;

use crate::{cli::PreviewMail, settings::Settings, wire};

/// Prints a mail as people would get it.
pub(super) fn preview(options: &PreviewMail) -> anyhow::Result<ExitCode> {
    let message = wire::preview_mail(&Settings::load()?, &options.kind)?;
    if options.html {
        println!("{}", message.html);
    } else {
        println!("Subject: {}\n\n{}", message.subject, message.text);
    }
    Ok(ExitCode::SUCCESS)
}

/// Connects to the mail server and logs in.
pub(super) fn check() -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    let server =
        super::runtime()?.block_on(wire::check_mail(&settings)).context("the mail server cannot be used")?;
    println!("{server} takes mail");
    Ok(ExitCode::SUCCESS)
}
