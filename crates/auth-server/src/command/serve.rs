//! `auth-server serve`

#![expect(clippy::print_stderr, reason = "tells the person at the terminal where everything is")]

use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    application::Application,
    settings::{Database, Settings},
    telemetry,
};

/// Serves until told to stop.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    let traces = telemetry::start_with_traces(&settings)?;
    let outcome = crate::block_on(async {
        let application = Application::build(&settings).await?;
        welcome(&settings, &application);
        let stop = Stop::listen()?;
        application.run_until(stop.requested()).await
    });
    telemetry::finish(traces);
    outcome?;
    Ok(ExitCode::SUCCESS)
}

/// Says where everything is. In production the log says it.
fn welcome(settings: &Settings, application: &Application) {
    let address = application.addr();
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    if settings.is_production() {
        return;
    }
    eprintln!();
    eprintln!("  API          http://{address}/api/auth");
    eprintln!("  Docs         http://{address}/docs");
    if settings.has_dev_mailbox() {
        eprintln!("  Dev mailbox  http://{address}/dev/mailbox");
    }
    match &settings.database {
        Database::Sqlite(path) => eprintln!("  Data         {}", path.display()),
        Database::Postgres(_) => eprintln!("  Data         {}", settings.database),
        Database::Memory => eprintln!("  Data         in memory, gone when the server stops"),
    }
    eprintln!();
}

/// The signals that stop the server. The first stops it in order, the second at once.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    async fn requested(mut self) {
        self.next().await;
        actix_web::rt::spawn(async move {
            self.next().await;
            tracing::warn!("told to stop twice, stopping at once");
            std::process::exit(1);
        });
    }
}
