//! What each command does.

pub mod audit;
mod cognito;
mod completions;
pub mod config;
mod export;
pub mod healthcheck;
mod import;
mod keys;
mod mail;
mod migrate;
mod openapi;
mod outbox;
mod output;
mod person;
mod print;
mod sealed;
mod serve;
mod sessions;
mod sms;
mod store;
mod tenants;
mod users;

use std::{future::Future, process::ExitCode};

use anyhow::Context as _;

use crate::{
    cli::{
        AuditCommand, Cli, CognitoCommand, Command, ConfigCommand, ExportCommand, ImportCommand, KeysCommand,
        MailCommand, OutboxCommand, SessionsCommand, SmsCommand, StoreCommand,
    },
    settings::Settings,
    telemetry,
    wire::{self, Wiring},
};

/// Does what the command line says.
///
/// # Errors
/// Whatever kept the command from being done; a
/// [`SettingsError`](crate::settings::SettingsError) when the settings were refused.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(),
        Command::Migrate => with_wiring(migrate::run),
        Command::Config(ConfigCommand::Check) => config::check(),
        Command::Keys(KeysCommand::List(format)) => {
            with_engine(async |wiring| keys::list(wiring, format).await)
        }
        Command::Keys(KeysCommand::Rotate) => with_engine(keys::rotate),
        Command::Keys(KeysCommand::Revoke(options)) => {
            with_engine(async |wiring| keys::revoke(wiring, &options).await)
        }
        Command::Keys(KeysCommand::Status(format)) => {
            with_wiring(async move |wiring| sealed::status(&wiring, format).await)
        }
        Command::Keys(KeysCommand::RotateData(options)) => {
            with_wiring(async |wiring| sealed::rotate(&wiring, &options).await)
        }
        Command::Users(command) => with_engine(async |wiring| users::run(wiring, command).await),
        Command::Sessions(SessionsCommand::List(options)) => {
            with_engine(async |wiring| sessions::list(wiring, &options).await)
        }
        Command::Sessions(SessionsCommand::Revoke(options)) => {
            with_engine(async |wiring| sessions::revoke(wiring, &options).await)
        }
        Command::Tenants(format) => with_engine(async |wiring| tenants::list(wiring, format).await),
        Command::Import(ImportCommand::Python(options)) => {
            with_engine(async |wiring| import::python(wiring, &options).await)
        }
        Command::Import(ImportCommand::Users(options)) => {
            with_engine(async |wiring| import::users(wiring, &options).await)
        }
        Command::Export(ExportCommand::Users(options)) => {
            with_engine(async |wiring| export::users(wiring, &options).await)
        }
        Command::Mail(MailCommand::Preview(options)) => mail::preview(&options),
        Command::Mail(MailCommand::Check) => mail::check(),
        Command::Sms(SmsCommand::Check(options)) => sms::check(&options),
        Command::Outbox(OutboxCommand::List(options)) => {
            with_engine(async |wiring| outbox::list(wiring, &options).await)
        }
        Command::Outbox(OutboxCommand::Retry(options)) => {
            with_engine(async |wiring| outbox::retry(wiring, &options).await)
        }
        Command::Outbox(OutboxCommand::Drop(options)) => {
            with_engine(async |wiring| outbox::drop(wiring, &options).await)
        }
        Command::Audit(AuditCommand::Tail(options)) => {
            with_engine(async |wiring| audit::tail(wiring, &options).await)
        }
        Command::Audit(AuditCommand::Export(options)) => {
            with_engine(async |wiring| audit::export(wiring, &options).await)
        }
        Command::Audit(AuditCommand::Verify(options)) => match &options.file {
            Some(file) => audit::verify_file(file, &options),
            None => with_engine(async |wiring| audit::verify(wiring, &options).await),
        },
        Command::Audit(AuditCommand::Key) => with_wiring(audit::key),
        Command::Cognito(CognitoCommand::Report(options)) => {
            with_engine(async |wiring| cognito::report(wiring, &options).await)
        }
        Command::Store(StoreCommand::Copy(options)) => store::copy(&options),
        Command::Openapi => openapi::run(),
        Command::Completions(options) => completions::run(options.shell),
        Command::Healthcheck(options) => healthcheck::run(options.url.as_deref()),
    }
}

/// A runtime for one command.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start a runtime")
}

/// Loads the settings, wires the engine and runs `command` on a runtime of its own.
fn with_wiring<F>(command: impl FnOnce(Wiring) -> F) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let settings = Settings::load()?;
    telemetry::start(&settings)?;
    runtime()?.block_on(command(wire::build(&settings)?))?;
    Ok(ExitCode::SUCCESS)
}

/// The same for commands that need the present schema and the signing keys.
fn with_engine(command: impl AsyncFnOnce(&Wiring) -> anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    with_wiring(async |wiring| {
        wiring.prepare().await?;
        command(&wiring).await
    })
}
