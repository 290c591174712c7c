//! `auth-server openapi`

#![expect(clippy::print_stdout, reason = "prints the document that was asked for")]

use std::process::ExitCode;

use auth_http::{HttpSettings, openapi_document, settings::Providers};

/// Prints the OpenAPI document of this version. Needs no settings and no store.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let settings =
        HttpSettings { expose_mailbox: true, providers: Providers::Both, ..HttpSettings::default() };
    println!("{}", serde_json::to_string_pretty(&openapi_document(&settings))?);
    Ok(ExitCode::SUCCESS)
}
