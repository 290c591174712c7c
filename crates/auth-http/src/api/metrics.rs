//! `GET /metrics`

use actix_web::{HttpRequest, HttpResponse, web::Data};
use auth_domain::secret::Digest;

use crate::{Gate, Limit, Operation, Problem, bearer::Credentials, settings::MetricsAccess};

/// The text format that Prometheus has read since 2014, and everybody else does.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn operation() -> Operation {
    Operation::get("/metrics", handle)
        .tag("service")
        .summary("Figures for monitoring, in the text format of Prometheus")
        .description(
            "Asks for `METRICS_TOKEN` as a bearer token where that is set. In production it does not exist without.",
        )
        .limit(Limit::Exempt)
        .probe()
        .answers_text(200, "text/plain", "The figures")
        .refuses(401, "Not the token of `METRICS_TOKEN`")
}

async fn handle(request: HttpRequest, gate: Data<Gate>) -> Result<HttpResponse, Problem> {
    check(&request, gate.settings.metrics)?;
    let figures =
        gate.metrics.render(gate.health.parts().await).await.map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().content_type(TEXT).body(figures))
}

fn check(request: &HttpRequest, access: MetricsAccess) -> Result<(), Problem> {
    let asked = match access {
        MetricsAccess::Open => return Ok(()),
        MetricsAccess::Token(asked) => asked,
        MetricsAccess::Closed => return Err(Problem::not_found()),
    };
    match Credentials::of(request.headers())? {
        // Digests are compared in constant time, and tell nothing of how long the token is.
        Credentials::Bearer(token) if Digest::of(token.as_bytes()) == asked => Ok(()),
        Credentials::Bearer(_) => Err(Problem::unauthenticated("Could not validate credentials")),
        Credentials::None => Err(Problem::unauthenticated("Not authenticated")),
    }
}
