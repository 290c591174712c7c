//! From the table to routes.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse, Resource,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{ALLOW, HeaderValue},
    },
    middleware::{Next, from_fn},
    web::{self, ServiceConfig},
};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::{Limit, Operation, patience::Waited};
use crate::{
    metrics::{Requests, RouteFigures},
    problem::Problem,
    transport::Conversation,
};

/// What the extractors need to know of the operation they serve.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) limit: Limit,
    pub(crate) is_probe: bool,
    /// What its answers are counted by.
    pub(crate) figures: Arc<RouteFigures>,
}

/// Makes one resource per path and one route per operation; nothing else is routed.
pub(crate) fn mount(
    operations: &[Operation],
    requests: &Requests,
    deadline: Duration,
    config: &mut ServiceConfig,
) {
    let mut paths: BTreeMap<&'static str, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        paths.entry(operation.path).or_default().push(operation);
    }
    // The framework asks one route after the other, and a pattern takes far longer to answer than a plain path.
    let (patterns, plain): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(path, _)| path.contains('{'));
    for (path, operations) in plain.into_iter().chain(patterns) {
        config.service(resource(path, &operations, requests, deadline));
    }
}

fn resource(
    path: &'static str,
    operations: &[&Operation],
    requests: &Requests,
    deadline: Duration,
) -> Resource {
    let mut resource = web::resource(path);
    for operation in operations {
        let spec = operation.spec(requests);
        let contained = from_fn(move |request: ServiceRequest, next: Next<BoxBody>| {
            request.extensions_mut().insert(spec.clone());
            contain(request, next, deadline)
        });
        resource = resource.route((operation.route)().wrap(contained));
    }
    let methods: Vec<&str> = operations.iter().map(|operation| operation.method.as_str()).collect();
    // Method names are tokens, so they always are a header's value.
    let allow = HeaderValue::from_str(&methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""));
    resource.default_service(web::to(move || {
        let refusal = Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).with_header(ALLOW, allow.clone());
        async move { Err::<HttpResponse, Problem>(refusal) }
    }))
}

/// Runs a handler, and waits for it until its deadline, or until the client has gone. Then it runs on by itself,
/// and knows that nobody waits. A panic costs this request and no other.
async fn contain(
    request: ServiceRequest,
    next: Next<BoxBody>,
    deadline: Duration,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let original = request.request().clone();
    let guarded = AssertUnwindSafe(next.call(request)).catch_unwind();
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(deadline, Waited::new(guarded.in_current_span())) => outcome,
        () = client_gone(&original) => {
            tracing::debug!("the client has gone");
            let nobody = Problem::of_status(StatusCode::REQUEST_TIMEOUT);
            return Ok(ServiceResponse::from_err(nobody, original));
        }
    };
    let problem = match outcome {
        Ok(Ok(result)) => return result.map(|response| response.map_body(|_, body| body.boxed())),
        Ok(Err(_panic)) => {
            // What it said is on stderr already, written by the panic hook.
            tracing::error!("a handler panicked");
            Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Err(_elapsed) => {
            tracing::warn!("an operation ran into its deadline");
            Problem::of_status(StatusCode::SERVICE_UNAVAILABLE)
        }
    };
    Ok(ServiceResponse::from_err(problem, original))
}

/// Comes back when the client has hung up; never, where nobody can tell.
async fn client_gone(request: &HttpRequest) {
    match request.conn_data::<Conversation>() {
        Some(connection) => connection.client_gone().await,
        None => std::future::pending().await,
    }
}
