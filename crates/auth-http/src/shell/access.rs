//! What became of a request, counted once and logged once.

use std::{
    cell::{Cell, OnceCell},
    net::IpAddr,
    rc::Rc,
    time::Instant,
};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    body::{BodySize, MessageBody as _},
    dev::ServiceRequest,
    http::{Method, StatusCode},
    web::Data,
};
use auth_domain::{audit, id::UserId, tenant::TenantId};

use tracing::Span;

use crate::{app::Gate, context::client_address, metrics::UnderWay, operation::Spec, trace};

/// What is found out about who sent a request, while it is answered.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    tenant: OnceCell<TenantId>,
    user: Cell<Option<UserId>>,
}

impl Seen {
    /// The request speaks of this tenant, which exists.
    pub(crate) fn tenant(&self, tenant: &TenantId) {
        // A request speaks of one.
        let _ = self.tenant.set(tenant.clone());
    }

    /// Notes whose `request` it turned out to be.
    pub(crate) fn note(request: &HttpRequest, user: UserId) {
        if let Some(seen) = request.extensions().get::<Rc<Self>>() {
            seen.user(user);
        }
    }

    /// The request is this person's.
    fn user(&self, user: UserId) {
        self.user.set(Some(user));
    }
}

/// A request that is being answered.
pub(super) struct Access {
    gate: Data<Gate>,
    seen: Rc<Seen>,
    method: Method,
    begun: Instant,
    traced: Span,
    _under_way: UnderWay,
}

impl Access {
    pub(super) fn begin(request: &ServiceRequest, gate: &Data<Gate>, traced: Span) -> Self {
        let seen = Rc::<Seen>::default();
        request.extensions_mut().insert(Rc::clone(&seen));
        let under_way = gate.metrics.requests.begin();
        let (gate, method) = (gate.clone(), request.method().clone());
        Self { gate, seen, method, begun: Instant::now(), traced, _under_way: under_way }
    }

    /// Counts and logs the answer.
    pub(super) fn end(self, request: &HttpRequest, response: &HttpResponse) {
        let extensions = request.extensions();
        let spec = extensions.get::<Spec>();
        self.count(spec, response.status());
        // The matched route and never the path: paths and queries can carry what nobody should read.
        let matched = spec.is_none().then(|| request.match_pattern()).flatten();
        let route = spec.map(|spec| spec.path).or(matched.as_deref()).unwrap_or("unmatched");
        trace::answered(&self.traced, &self.gate, &self.method, route, response.status());
        let client = || client_address(request.head(), &self.gate.settings);
        let is_probe = spec.is_some_and(|spec| spec.is_probe);
        self.log(route, response.status(), bytes(response), is_probe, client);
    }

    /// The same of a request that no layer had an answer for but the framework.
    pub(super) fn fail(self, status: StatusCode) {
        self.count(None, status);
        trace::answered(&self.traced, &self.gate, &self.method, "unmatched", status);
        self.log("unmatched", status, 0, false, || None);
    }

    fn count(&self, spec: Option<&Spec>, status: StatusCode) {
        let took = self.begun.elapsed();
        match spec {
            Some(spec) => spec.figures.answered(status, took),
            None => self.gate.metrics.requests.unmatched().answered(status, took),
        }
    }

    fn log(
        &self,
        route: &str,
        status: StatusCode,
        bytes: u64,
        is_probe: bool,
        client: impl Fn() -> Option<IpAddr>,
    ) {
        /// Nothing in here is computed below the level that is logged.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    tenant = self.seen.tenant.get().map(tracing::field::display),
                    user = self.seen.user.get().map(UserId::as_i64),
                    method = %self.method,
                    route,
                    status = status.as_u16(),
                    millis = millis(self.begun),
                    bytes,
                    // As in the audit log's lines: whole addresses are kept there, for as long as the policy says.
                    network = client().map(|ip| tracing::field::display(audit::network(ip))),
                    "answered"
                )
            };
        }
        match status {
            StatusCode::SERVICE_UNAVAILABLE => line!(warn),
            status if status.is_server_error() => line!(error),
            _ if is_probe => line!(debug),
            _ => line!(info),
        }
    }
}

/// Milliseconds with three decimals.
fn millis(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// Length of the body.
fn bytes(response: &HttpResponse) -> u64 {
    match response.body().size() {
        BodySize::Sized(length) => length,
        BodySize::None | BodySize::Stream => 0,
    }
}
