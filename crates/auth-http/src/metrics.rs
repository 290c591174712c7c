//! What is measured, for Prometheus and whoever reads its text format.
//!
//! | figures | are |
//! |---|---|
//! | of this process, such as counts of requests | fields of [`Metrics`], in its first registry; recorded where things happen, through a method here |
//! | of the store, which replicas share | fields of `StoreFigures`; read on a scrape, at most once in five seconds |
//!
//! A label has few values and never one that a caller chooses: a route, not a path; never a tenant, a user
//! or an address.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_domain::{
    port::Clock,
    usecase::{Backlog, Fault, Messages},
};
use chrono::{DateTime, TimeDelta, Utc};
use prometheus::{Counter, Gauge, IntCounter, IntGauge, Opts, Registry, TextEncoder, core::Collector};
use tokio::sync::Mutex;

use crate::problem::error_chain;

/// How long what was read from the store is good for. However often it is scraped, the store is asked no
/// more than once in this time, also while it is down.
const KEPT: TimeDelta = TimeDelta::seconds(5);

/// Knows how far delivery is behind. The one real implementor is the use case [`Messages`].
#[async_trait]
pub trait BacklogSource: Send + Sync {
    /// How far delivery is behind now.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    async fn backlog(&self) -> Result<Backlog, Fault>;
}

#[async_trait]
impl BacklogSource for Messages {
    async fn backlog(&self) -> Result<Backlog, Fault> {
        Self::backlog(self).await
    }
}

/// What the pool that hashes passwords has to do, and what it has done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashFigures {
    /// Jobs that wait now.
    pub waiting: usize,
    /// Jobs that were done.
    pub done: u64,
    /// How long those waited, all together.
    pub waited: Duration,
    /// Jobs that were refused.
    pub shed: u64,
    /// Jobs that were not done because the client had gone.
    pub abandoned: u64,
}

/// Knows how busy the pool that hashes passwords is.
pub trait HashSource: Send + Sync {
    /// The figures of this moment.
    fn figures(&self) -> HashFigures;
}

/// Everything that is measured.
pub struct Metrics {
    process: Registry,
    hashing: Option<(HashGauges, Arc<dyn HashSource>)>,
    #[cfg(feature = "edge-limit")]
    edge_refused: IntCounter,
    connections_refused: IntCounter,
    store: Mutex<StoreFigures>,
    source: Arc<dyn BacklogSource>,
    clock: Arc<dyn Clock>,
}

/// What is read from the hashing pool.
struct HashGauges {
    waiting: IntGauge,
    done: IntCounter,
    waited: Counter,
    shed: IntCounter,
    abandoned: IntCounter,
}

/// What is read from the store.
struct StoreFigures {
    registry: Registry,
    waiting: IntGauge,
    dead: IntGauge,
    oldest_age: Gauge,
    late: Gauge,
    /// Of the process: whether the store gave the figures.
    up: IntGauge,
    read_at: Option<DateTime<Utc>>,
}

impl Metrics {
    /// Measures a server of this version.
    pub fn new(source: Arc<dyn BacklogSource>, clock: Arc<dyn Clock>, version: &str) -> Self {
        let process = Registry::new();
        let build = Opts::new("auth_build_info", "The version that runs; always 1.");
        registered(&process, IntGauge::with_opts(build.const_label("version", version))).set(1);
        let up = gauge(&process, "auth_store_up", "Whether the store answered: 1, or 0.");
        let refused = |name, help| registered(&process, IntCounter::new(name, help));
        Self {
            #[cfg(feature = "edge-limit")]
            edge_refused: refused("auth_edge_refused_total", "Requests that the first gate turned away."),
            connections_refused: refused(
                "auth_connections_refused_total",
                "Connections beyond what one address may have.",
            ),
            store: Mutex::new(StoreFigures::new(up)),
            hashing: None,
            process,
            source,
            clock,
        }
    }

    /// Shows the figures of a hashing pool, too.
    #[must_use]
    pub fn with_hashing(mut self, source: Arc<dyn HashSource>) -> Self {
        self.hashing = Some((HashGauges::new(&self.process), source));
        self
    }

    /// Counts a request that the first gate turned away.
    #[cfg(feature = "edge-limit")]
    pub(crate) fn refused_at_the_edge(&self) {
        self.edge_refused.inc();
    }

    /// Counts a connection beyond what one address may have.
    pub(crate) fn refused_connection(&self) {
        self.connections_refused.inc();
    }

    /// All figures in the text format.
    ///
    /// # Errors
    /// When they cannot be written down, which would be a fault of the program.
    pub async fn render(&self) -> Result<String, prometheus::Error> {
        let mut families = self.gathered().await;
        // A metric with labels that nobody has met yet is not written down.
        families.retain(|family| !family.get_metric().is_empty());
        TextEncoder::new().encode_to_string(&families)
    }

    /// What the store holds is left out while it does not answer: an old figure would look like a new one.
    async fn gathered(&self) -> Vec<prometheus::proto::MetricFamily> {
        // Whoever scrapes meanwhile waits here, and finds what this one read.
        let mut store = self.store.lock().await;
        store.refresh(&*self.source, self.clock.now()).await;
        if let Some((gauges, source)) = &self.hashing {
            gauges.take(source.figures());
        }
        let mut families = self.process.gather();
        if store.up.get() == 1 {
            families.extend(store.registry.gather());
        }
        families
    }
}

impl HashGauges {
    fn new(registry: &Registry) -> Self {
        let counter = |name, help| registered(registry, IntCounter::new(name, help));
        let waited = "How long the jobs that were done had waited, all together.";
        Self {
            waiting: gauge(registry, "auth_hash_waiting", "Password hashes that wait to be computed."),
            done: counter("auth_hash_jobs_total", "Password hashes and estimates that were computed."),
            waited: registered(registry, Counter::new("auth_hash_wait_seconds_total", waited)),
            shed: counter("auth_hash_shed_total", "Password hashes that were refused: too many waited."),
            abandoned: counter("auth_hash_abandoned_total", "Password hashes whose client had gone."),
        }
    }

    /// Brings the counters up to what the pool counted. Called by one scrape at a time.
    fn take(&self, figures: HashFigures) {
        self.waiting.set(i64::try_from(figures.waiting).unwrap_or(i64::MAX));
        for (counter, total) in
            [(&self.done, figures.done), (&self.shed, figures.shed), (&self.abandoned, figures.abandoned)]
        {
            counter.inc_by(total.saturating_sub(counter.get()));
        }
        self.waited.inc_by((figures.waited.as_secs_f64() - self.waited.get()).max(0.0));
    }
}

impl StoreFigures {
    fn new(up: IntGauge) -> Self {
        let registry = Registry::new();
        Self {
            waiting: gauge(&registry, "auth_outbox_waiting", "Messages that wait to be sent."),
            dead: gauge(&registry, "auth_outbox_dead", "Messages that were given up and are kept."),
            oldest_age: seconds(
                &registry,
                "auth_outbox_oldest_age_seconds",
                "Age of the oldest message that waits; 0 when none does.",
            ),
            late: seconds(
                &registry,
                "auth_outbox_late_seconds",
                "For how long the message to be tried next has been due; 0 when nothing is late.",
            ),
            registry,
            up,
            read_at: None,
        }
    }

    async fn refresh(&mut self, source: &dyn BacklogSource, now: DateTime<Utc>) {
        // A clock that was set back makes the figures old, not young.
        let fresh = |read_at: DateTime<Utc>| (read_at..read_at + KEPT).contains(&now);
        if self.read_at.is_some_and(fresh) {
            return;
        }
        match source.backlog().await {
            Ok(backlog) => self.take(&backlog),
            Err(fault) => {
                tracing::warn!(error = %error_chain(&fault), "cannot read the figures of the store");
                self.up.set(0);
            }
        }
        self.read_at = Some(now);
    }

    fn take(&self, backlog: &Backlog) {
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.up.set(1);
        self.waiting.set(count(backlog.waiting));
        self.dead.set(count(backlog.dead));
        self.oldest_age.set(backlog.oldest_age.as_seconds_f64());
        self.late.set(backlog.oldest_due_for.as_seconds_f64());
    }
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::new(name, help))
}

fn seconds(registry: &Registry, name: &str, help: &str) -> Gauge {
    registered(registry, Gauge::new(name, help))
}

/// Adds a metric to those that are shown.
fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<M>) -> M {
    let metric = metric.expect("the names in this file are names of metrics");
    registry.register(Box::new(metric.clone())).expect("each name stands in this file once");
    metric
}
