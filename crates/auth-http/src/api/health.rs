//! `GET /`, `/api/health`, `/health/live` and `/health/ready`

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Json},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Gate, Limit, Operation, Problem, health::Parts};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
struct StatusView {
    status: &'static str,
}

/// The state of the server and of each part it depends on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
struct ReadinessView {
    /// `ready`, `not_ready` or `draining`.
    #[schema(example = "ready")]
    status: &'static str,
    /// Whether it works, but not as well as it should: limits are counted by each replica for itself.
    degraded: bool,
    dependencies: Dependencies,
}

#[derive(Debug, Serialize, ToSchema)]
struct Dependencies {
    /// `up` or `down`.
    #[schema(example = "up")]
    store: &'static str,
    /// `up` or `down`; missing where the server uses none.
    #[schema(example = "up")]
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<&'static str>,
}

pub(super) fn root() -> Operation {
    Operation::get("/", handle_alive)
        .tag("service")
        .summary("Answers")
        .limit(Limit::Exempt)
        .probe()
        .answers::<StatusView>(200, "`ok`")
}

pub(super) fn live() -> Operation {
    Operation::get("/health/live", handle_alive)
        .tag("service")
        .summary("Tells that the process runs")
        .limit(Limit::Exempt)
        .probe()
        .answers::<StatusView>(200, "`ok`")
}

async fn handle_alive() -> Json<StatusView> {
    Json(StatusView { status: "ok" })
}

pub(super) fn health() -> Operation {
    Operation::get("/api/health", handle_health)
        .tag("service")
        .summary("Tells whether the store answers")
        .limit(Limit::Exempt)
        .probe()
        .answers::<StatusView>(200, "`healthy`")
}

async fn handle_health(gate: Data<Gate>) -> Result<Json<StatusView>, Problem> {
    if !gate.health.parts().await.store {
        return Err(Problem::of_status(StatusCode::SERVICE_UNAVAILABLE));
    }
    Ok(Json(StatusView { status: "healthy" }))
}

pub(super) fn ready() -> Operation {
    Operation::get("/health/ready", handle_ready)
        .tag("service")
        .summary("Tells whether the server should get requests, and the state of what it depends on")
        .limit(Limit::Exempt)
        .probe()
        .answers::<ReadinessView>(200, "It should")
        .answers::<ReadinessView>(503, "It should not: a dependency is down, or the server is about to stop")
}

async fn handle_ready(gate: Data<Gate>) -> HttpResponse {
    let Parts { store, short_lived } = gate.health.parts().await;
    // Never from what was kept.
    let (status, word) = match (gate.drain.is_on(), store) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
        (false, true) => (StatusCode::OK, "ready"),
    };
    let dependencies = Dependencies { store: word_of(store), redis: short_lived.map(word_of) };
    HttpResponse::build(status).json(ReadinessView {
        status: word,
        degraded: short_lived == Some(false),
        dependencies,
    })
}

const fn word_of(is_up: bool) -> &'static str {
    if is_up { "up" } else { "down" }
}
