//! What is measured, for Prometheus and whoever reads its text format.
//!
//! | figures | are in | and come from |
//! |---|---|---|
//! | requests and their answers | `requests` | the shell, with what was resolved when a route was mounted |
//! | limits, connections | `limits` | where somebody is let in or turned away |
//! | logins and other events | `events` | the audit log, entry by entry, once committed |
//! | parts: whether they answer, breakers | `parts` | their watches, and probes |
//! | hashing, connections to PostgreSQL, the disk | `sources` | whoever knows them; asked on a scrape |
//! | the store, which replicas share | `store` | the store; asked on a scrape, at most once in five seconds |
//! | the process | `process` | the system; asked on a scrape |
//!
//! A label has few values and never one that a caller chooses: a route, not a path; never a tenant, a user
//! or an address. What every name means stands in `docs/operations.md`; a test compares.

mod events;
mod limits;
mod parts;
mod process;
mod requests;
mod sources;
mod store;

use std::sync::Arc;

use auth_domain::port::Clock;
use prometheus::{
    Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder, core::Collector,
};
use tokio::sync::Mutex;

pub use self::{
    events::EventFigures,
    parts::PartFigures,
    sources::{DiskFigures, DiskSource, HashFigures, HashSource, PoolFigures, PoolSource},
    store::{AuditSource, BacklogSource},
};
pub(crate) use self::{
    limits::{Limits, OpenConnection},
    requests::{Requests, RouteFigures, UnderWay},
};
use self::{
    process::Process,
    sources::{DiskGauges, HashGauges, PoolGauges},
    store::StoreFigures,
};
use crate::health::Parts;

/// Everything that is measured.
pub struct Metrics {
    registry: Registry,
    pub(crate) requests: Requests,
    pub(crate) limits: Limits,
    process: Process,
    answering: IntGaugeVec,
    hashing: Option<(HashGauges, Arc<dyn HashSource>)>,
    pools: Option<(PoolGauges, Arc<dyn PoolSource>)>,
    disk: Option<(DiskGauges, Arc<dyn DiskSource>)>,
    store: Mutex<StoreFigures>,
    clock: Arc<dyn Clock>,
}

impl Metrics {
    /// Measures a server of this version that starts now.
    pub fn new(source: Arc<dyn BacklogSource>, clock: Arc<dyn Clock>, version: &str) -> Self {
        let registry = Registry::new();
        let build = Opts::new("auth_build_info", "The version that runs; always 1.");
        registered(&registry, IntGauge::with_opts(build.const_label("version", version))).set(1);
        Self {
            requests: Requests::new(&registry),
            limits: Limits::new(&registry),
            process: Process::new(&registry, clock.now()),
            answering: labelled(
                &registry,
                "auth_dependency_up",
                "Whether a part answered: 1, or 0.",
                &["part"],
            ),
            hashing: None,
            pools: None,
            disk: None,
            store: Mutex::new(StoreFigures::new(&registry, source)),
            registry,
            clock,
        }
    }

    /// Shows the figures of a hashing pool, too.
    #[must_use]
    pub fn with_hashing(mut self, source: Arc<dyn HashSource>) -> Self {
        self.hashing = Some((HashGauges::new(&self.registry), source));
        self
    }

    /// Shows how connections to the database are used, too.
    #[must_use]
    pub fn with_pools(mut self, source: Arc<dyn PoolSource>) -> Self {
        self.pools = Some((PoolGauges::new(&self.registry), source));
        self
    }

    /// Shows how full the disk is, too.
    #[must_use]
    pub fn with_disk(mut self, source: Arc<dyn DiskSource>) -> Self {
        self.disk = Some((DiskGauges::new(&self.registry), source));
        self
    }

    /// Shows for how long the audit log has not been signed, too.
    #[must_use]
    pub fn with_audit(mut self, source: Arc<dyn AuditSource>) -> Self {
        self.store.get_mut().with_audit(source);
        self
    }

    /// Shows what the audit log got, too.
    #[must_use]
    pub fn with_events(self, events: &EventFigures) -> Self {
        events.register(&self.registry);
        self
    }

    /// Shows what became of parts, too.
    #[must_use]
    pub fn with_parts(self, parts: &PartFigures) -> Self {
        parts.register(&self.registry);
        self
    }

    /// All figures in the text format, and which parts answered.
    ///
    /// # Errors
    /// When they cannot be written down, which would be a fault of the program.
    pub(crate) async fn render(&self, parts: Parts) -> Result<String, prometheus::Error> {
        let redis = parts.short_lived.map(|is_up| ("redis", is_up));
        for (part, is_up) in [("store", parts.store)].into_iter().chain(redis) {
            self.answering.with_label_values(&[part]).set(is_up.into());
        }
        let mut families = self.gathered().await;
        // A metric with labels that nobody has met yet is not written down.
        families.retain(|family| !family.get_metric().is_empty());
        TextEncoder::new().encode_to_string(&families)
    }

    /// What the store holds is left out while it does not answer: an old figure would look like a new one.
    async fn gathered(&self) -> Vec<prometheus::proto::MetricFamily> {
        // Whoever scrapes meanwhile waits here, and finds what this one read.
        let mut store = self.store.lock().await;
        store.refresh(self.clock.now()).await;
        if let Some((gauges, source)) = &self.hashing {
            gauges.take(source.figures());
        }
        if let Some((gauges, source)) = &self.pools {
            gauges.take(&source.figures());
        }
        if let Some((gauges, source)) = &self.disk {
            gauges.take(source.figures());
        }
        self.process.take();
        let mut families = self.registry.gather();
        families.extend(store.gather());
        families
    }
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::new(name, help))
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    registered(registry, IntCounter::new(name, help))
}

fn seconds(registry: &Registry, name: &str, help: &str) -> Gauge {
    registered(registry, Gauge::new(name, help))
}

fn labelled(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    made(IntCounterVec::new(Opts::new(name, help), labels))
}

/// Adds a metric to those that are shown.
fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<M>) -> M {
    let metric = made(metric);
    show(registry, &metric);
    metric
}

fn made<M>(metric: prometheus::Result<M>) -> M {
    metric.expect("the names in this module are names of metrics")
}

fn show<M: Collector + Clone + 'static>(registry: &Registry, metric: &M) {
    registry
        .register(Box::new(metric.clone()))
        .expect("each name stands in this module once, and is shown once");
}

/// What a gauge shows of a count.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
