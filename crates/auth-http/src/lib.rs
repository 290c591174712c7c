//! The HTTP face: routes, validation, errors, OpenAPI, on actix-web.
//!
//! ```text
//! bytes ─▶ transport      connections, deadlines, refusals of the parser
//! request ─▶ shell        request id, host, sizes, trailing slash, security headers, access log
//!              └▶ CORS
//!                 └▶ edge        floods from one address, counted in this process
//!                     └▶ operation   panics, deadline
//!                         └▶ extractor   body syntax → tenant → caller → fields → rate limit
//!                             └▶ handler     one use case
//! ```
//!
//! # To add an operation
//!
//! 1. Write the body: a struct with `#[derive(ToSchema)]` and [`FromBody`](body::FromBody).
//! 2. Write the answer: a struct with `#[derive(Serialize, ToSchema)]`.
//! 3. Write the handler: it takes one of [`Open`](extract::Open), [`Signed`](extract::Signed),
//!    [`Identified`](extract::Identified), [`Perhaps`](extract::Perhaps),
//!    [`Administrator`](extract::Administrator) and [`Superuser`](extract::Superuser), or for programs
//!    [`Permitted`](extract::Permitted) and [`Service`](extract::Service), and returns `Result<_, Problem>`.
//!    Whatever asks for a token takes it from the header or from a cookie; calls by cookie are
//!    [checked](csrf) before the handler sees them.
//! 4. Add an [`Operation`] to the table. There is no other way to make a route,
//!    and nothing about a route is said twice: who may call it and what it reads are taken from the
//!    handler's signature, so the document cannot disagree with the code.
#![warn(missing_docs)]

pub mod admission;
mod api;
pub mod api_key;
pub mod app;
pub mod bearer;
pub mod body;
pub mod context;
pub mod cookie;
pub mod csrf;
pub mod device;
mod docs;
mod edge;
pub mod extract;
mod health;
mod limit;
pub mod metrics;
mod openapi;
pub mod operation;
mod origin;
pub mod page;
pub mod problem;
pub mod settings;
mod shell;
mod time;
mod trace;
mod transport;

pub use api::operations;
pub use app::{Api, Drain, Gate, openapi_document};
pub use health::{Health, Probe};
pub use metrics::Metrics;
pub use operation::{Limit, Operation, nobody_waits};
pub use problem::{FieldError, Problem, error_chain};
pub use settings::HttpSettings;
pub use time::wire_time;
pub use trace::Tracer;
pub use transport::{ConnectionLimits, serve};
