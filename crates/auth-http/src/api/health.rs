//! `GET /`, `/api/health`, `/health/live` and `/health/ready`

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Json},
};
use auth_domain::usecase::Engine;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Gate, Limit, Operation, Problem};

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
        .answers::<StatusView>(200, "`ok`")
}

pub(super) fn live() -> Operation {
    Operation::get("/health/live", handle_alive)
        .tag("service")
        .summary("Tells that the process runs")
        .limit(Limit::Exempt)
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
        .answers::<StatusView>(200, "`healthy`")
}

async fn handle_health(engine: Data<Engine>) -> Result<Json<StatusView>, Problem> {
    engine.check_store().await?;
    Ok(Json(StatusView { status: "healthy" }))
}

pub(super) fn ready() -> Operation {
    Operation::get("/health/ready", handle_ready)
        .tag("service")
        .summary("Tells whether the server should get requests, and the state of what it depends on")
        .limit(Limit::Exempt)
        .answers::<ReadinessView>(200, "It should")
        .answers::<ReadinessView>(503, "It should not: a dependency is down, or the server is about to stop")
}

async fn handle_ready(engine: Data<Engine>, gate: Data<Gate>) -> HttpResponse {
    let store_is_up = engine.check_store().await.is_ok();
    let redis = match &gate.short_lived {
        Some(redis) => Some(redis.is_up().await),
        None => None,
    };
    let (status, word) = match (gate.drain.is_on(), store_is_up) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
        (false, true) => (StatusCode::OK, "ready"),
    };
    let dependencies = Dependencies { store: word_of(store_is_up), redis: redis.map(word_of) };
    HttpResponse::build(status).json(ReadinessView {
        status: word,
        degraded: redis == Some(false),
        dependencies,
    })
}

const fn word_of(is_up: bool) -> &'static str {
    if is_up { "up" } else { "down" }
}
