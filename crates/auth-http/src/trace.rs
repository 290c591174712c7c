//! Spans for traces. They have a target of their own, `auth_trace`: whoever traces takes that and nothing else, and the
//! log does without. Where nobody traces, a span costs a comparison.

use actix_web::{
    FromRequest, Handler,
    dev::ServiceRequest,
    http::{Method, StatusCode, header::HeaderMap},
};
use tracing::{Instrument as _, Span, field::Empty, instrument::Instrumented};

use crate::{app::Gate, shell::RequestId};

/// What whoever traces can do with a span, and the span itself cannot.
pub trait Tracer: Send + Sync {
    /// Makes `span`, which nobody has entered yet, a part of the trace that a W3C `traceparent` names, if it is one.
    fn adopt(&self, span: &Span, traceparent: &str);

    /// Gives `span`, which may have been entered, another name.
    fn rename(&self, span: &Span, name: String);
}

/// The span of a request, from its head to that of its answer.
pub(crate) fn request(request: &ServiceRequest, gate: &Gate, id: &RequestId) -> Span {
    let span = tracing::info_span!(
        target: "auth_trace",
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = known(request.method()),
        http.route = Empty,
        http.response.status_code = Empty,
        request_id = id.as_str(),
    );
    if !span.is_disabled()
        && let Some(tracer) = &gate.tracer
        && let Some(parent) = traceparent(request.headers())
    {
        tracer.adopt(&span, parent);
    }
    span
}

/// Says on the span of a request what came of it.
pub(crate) fn answered(span: &Span, gate: &Gate, method: &Method, route: &str, status: StatusCode) {
    if span.is_disabled() {
        return;
    }
    if let Some(tracer) = &gate.tracer {
        tracer.rename(span, format!("{} {route}", known(method)));
    }
    span.record("http.route", route);
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// A handler within a span of its own: the use case that it calls.
#[derive(Clone)]
pub(crate) struct UseCase<F>(pub(crate) F);

impl<A, F: Handler<A>> Handler<A> for UseCase<F>
where
    A: FromRequest,
{
    type Output = F::Output;
    type Future = Instrumented<F::Future>;

    fn call(&self, arguments: A) -> Self::Future {
        let span = tracing::info_span!(
            target: "auth_trace",
            "use case",
            otel.name = name(std::any::type_name::<F>()),
        );
        // The handler is called within it, too: what it does before it first waits belongs there.
        span.in_scope(|| self.0.call(arguments)).instrument(span.clone())
    }
}

/// Of `auth_http::api::mfa::verify::handle` what tells one from another.
fn name(path: &'static str) -> &'static str {
    let path = path.strip_prefix("auth_http::api::").unwrap_or(path);
    path.strip_suffix("::handle").unwrap_or(path)
}

/// The one `traceparent` of a request. Of two, nobody knows which one counts.
fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all("traceparent");
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// A method that is one; clients make up others.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_case_is_named_after_where_its_handler_stands() {
        assert_eq!(name("auth_http::api::mfa::verify::handle"), "mfa::verify");
        assert_eq!(name("auth_http::api::me::handle_close"), "me::handle_close");
        assert_eq!(name("elsewhere::handle"), "elsewhere");
    }
}
