//! Putting the table of operations behind the shell.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{
    App, Error, HttpResponse,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::{self, Data},
};
use auth_domain::port::{Clock, Entropy, RateLimiter};
use utoipa::openapi::OpenApi;

use crate::{
    admission::Admission,
    api_key::ApiKeys,
    bearer::Bearer,
    csrf::Csrf,
    docs::{self, Docs},
    edge::Edge,
    health::Health,
    metrics::Metrics,
    openapi,
    operation::{self, Operation},
    problem::Problem,
    settings::HttpSettings,
    shell,
    trace::Tracer,
};

/// What the shell and the extractors work with.
pub struct Gate {
    /// What the operator decided.
    pub settings: HttpSettings,
    /// Decides whom a token belongs to.
    pub bearer: Arc<dyn Bearer>,
    /// Decides whom an API key stands for.
    pub api_keys: Arc<dyn ApiKeys>,
    /// Judges administrators.
    pub admission: Arc<dyn Admission>,
    /// Judges calls by cookie.
    pub csrf: Arc<dyn Csrf>,
    /// Counts calls.
    pub limiter: Arc<dyn RateLimiter>,
    /// Says whether what the server depends on answers.
    pub health: Health,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes request ids and nonces.
    pub entropy: Arc<dyn Entropy>,
    /// Whether the server is about to stop.
    pub drain: Drain,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// Traces; `None` where nobody does.
    pub tracer: Option<Arc<dyn Tracer>>,
}

/// Tells that the server is about to stop: answers then close their connections, and readiness is
/// 503. Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<AtomicBool>);

impl Drain {
    /// Begins to drain. There is no way back.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the server is draining.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The OpenAPI document of a server with these settings, without a server.
pub fn openapi_document(settings: &HttpSettings) -> OpenApi {
    openapi::document(settings, &table(settings, crate::api::operations(settings)))
}

/// The operations that are served: the given ones, and the document itself where it is exposed.
fn table(settings: &HttpSettings, mut operations: Vec<Operation>) -> Vec<Operation> {
    if settings.expose_docs {
        operations.extend(docs::operations());
    }
    operations
}

/// The whole HTTP side. Built once; each worker makes its own [`App`] of it.
///
/// ```no_run
/// # fn example(api: auth_http::Api, services: actix_web::web::Data<()>) -> std::io::Result<()> {
/// let listener = std::net::TcpListener::bind(("127.0.0.1", 8000))?;
/// let limits = auth_http::ConnectionLimits::default();
/// let app = { let api = api.clone(); move || api.app().app_data(services.clone()) };
/// let server = auth_http::serve(listener, &limits, &api, app)?;
/// # drop(server); Ok(()) }
/// ```
#[derive(Clone)]
pub struct Api {
    gate: Data<Gate>,
    operations: Arc<[Operation]>,
    docs: Data<Docs>,
    edge: Edge,
}

impl Api {
    /// Puts `operations` behind the checks of `gate`, and the document of them beside them.
    pub fn new(gate: Gate, operations: Vec<Operation>) -> Self {
        let operations: Arc<[Operation]> = table(&gate.settings, operations).into();
        let docs = Data::new(Docs::new(Arc::clone(&operations), &gate.settings));
        let gate = Data::new(gate);
        let edge = Edge::new(&gate);
        Self { gate, operations, docs, edge }
    }

    /// What the shell works with, for answers made without an application.
    pub(crate) fn gate(&self) -> Data<Gate> {
        self.gate.clone()
    }

    /// Forgets, for as long as it is polled, addresses that have been quiet. Without it, the memory of the
    /// first gate grows with the number of addresses.
    pub async fn forget_the_quiet(&self) {
        self.edge.forget_the_quiet().await;
    }

    /// Everything that is routed.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The application of one worker.
    pub fn app(
        &self,
    ) -> App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        let deadline = self.gate.settings.request_deadline;
        let operations = Arc::clone(&self.operations);
        let gate = self.gate.clone();
        App::new()
            .app_data(self.gate.clone())
            .app_data(self.docs.clone())
            .configure(|config| {
                operation::mount(&operations, &gate.metrics.requests, deadline, config);
            })
            .default_service(web::to(async || Err::<HttpResponse, Problem>(Problem::not_found())))
            // The last one wrapped is the first one met. Within CORS, so that pages can read the refusal.
            .wrap(self.edge.layer())
            .wrap(shell::cors(&self.gate.settings))
            .wrap(from_fn(shell::shell))
    }
}
