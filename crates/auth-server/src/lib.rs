//! The authentication server: settings, wiring, command line, workers.
//!
//! ```text
//! main ─▶ cli ─▶ command/*  ─▶ settings   what the operator decided
//!                            ─▶ wire       adapters into the engine (the only place that names them)
//!                            ─▶ application  bind, serve, stop in order; worker beside it
//! ```
//!
//! The binary is this library and an allocator. Tests and other programs boot the same types:
//!
//! ```no_run
//! use auth_server::{Application, settings::Settings};
//!
//! # fn main() -> anyhow::Result<()> {
//! auth_server::block_on(async {
//!     let application = Application::build(&Settings::load()?).await?;
//!     application.run_until(std::future::pending()).await
//! })
//! # }
//! ```

mod application;
pub mod cli;
pub mod command;
mod secret_file;
pub mod settings;
pub mod telemetry;
mod wire;
mod worker;

pub use application::Application;

/// Runs `future` on a runtime as the server needs it, to its end. An [`Application`] must be built and
/// run inside.
pub fn block_on<F: Future>(future: F) -> F::Output {
    actix_web::rt::System::new().block_on(future)
}
