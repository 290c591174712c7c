//! Figures that somebody else keeps, and that are read on a scrape.

use std::time::Duration;

use prometheus::{Counter, IntCounter, IntGauge, IntGaugeVec, Registry};

use super::{counter, gauge, labelled, registered, whole};

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

/// How the connections of one pool are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolFigures {
    /// What the pool is for.
    pub pool: &'static str,
    /// How many connections it may have.
    pub max: usize,
    /// Connections that are open.
    pub size: usize,
    /// Of these, those that nobody uses.
    pub idle: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

/// Knows how connections to the database are used.
pub trait PoolSource: Send + Sync {
    /// The figures of this moment, of each pool.
    fn figures(&self) -> Vec<PoolFigures>;
}

/// How full a disk is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskFigures {
    /// What can still be written.
    pub free: u64,
    /// What there is.
    pub size: u64,
}

/// Knows how full the disk is that the server writes to.
pub trait DiskSource: Send + Sync {
    /// The figures of this moment; `None` where nobody can tell.
    fn figures(&self) -> Option<DiskFigures>;
}

pub(super) struct HashGauges {
    waiting: IntGauge,
    done: IntCounter,
    waited: Counter,
    shed: IntCounter,
    abandoned: IntCounter,
}

impl HashGauges {
    pub(super) fn new(registry: &Registry) -> Self {
        let waited = "How long the jobs that were done had waited, all together.";
        Self {
            waiting: gauge(registry, "auth_hash_waiting", "Password hashes that wait to be computed."),
            done: counter(
                registry,
                "auth_hash_jobs_total",
                "Password hashes and estimates that were computed.",
            ),
            waited: registered(registry, Counter::new("auth_hash_wait_seconds_total", waited)),
            shed: counter(
                registry,
                "auth_hash_shed_total",
                "Password hashes that were refused: too many waited.",
            ),
            abandoned: counter(
                registry,
                "auth_hash_abandoned_total",
                "Password hashes whose client had gone.",
            ),
        }
    }

    /// Brings the counters up to what the pool counted. Called by one scrape at a time.
    pub(super) fn take(&self, figures: HashFigures) {
        self.waiting.set(whole(figures.waiting as u64));
        for (counter, total) in
            [(&self.done, figures.done), (&self.shed, figures.shed), (&self.abandoned, figures.abandoned)]
        {
            counter.inc_by(total.saturating_sub(counter.get()));
        }
        self.waited.inc_by((figures.waited.as_secs_f64() - self.waited.get()).max(0.0));
    }
}

pub(super) struct PoolGauges {
    connections: IntGaugeVec,
    max: IntGaugeVec,
    waiting: IntGaugeVec,
}

impl PoolGauges {
    pub(super) fn new(registry: &Registry) -> Self {
        let connections = "Connections to PostgreSQL that are open.";
        let waiting = "Callers that wait for a connection to PostgreSQL.";
        Self {
            connections: labelled(registry, "auth_pool_connections", connections, &["pool", "state"]),
            max: labelled(registry, "auth_pool_max_connections", "Connections that there may be.", &["pool"]),
            waiting: labelled(registry, "auth_pool_waiting", waiting, &["pool"]),
        }
    }

    pub(super) fn take(&self, pools: &[PoolFigures]) {
        for figures in pools {
            let used = figures.size.saturating_sub(figures.idle);
            for (state, count) in [("idle", figures.idle), ("used", used)] {
                self.connections.with_label_values(&[figures.pool, state]).set(whole(count as u64));
            }
            self.max.with_label_values(&[figures.pool]).set(whole(figures.max as u64));
            self.waiting.with_label_values(&[figures.pool]).set(whole(figures.waiting as u64));
        }
    }
}

pub(super) struct DiskGauges {
    free: IntGauge,
    size: IntGauge,
}

impl DiskGauges {
    pub(super) fn new(registry: &Registry) -> Self {
        let free = "What can still be written to the disk with the data directory.";
        Self {
            free: gauge(registry, "auth_disk_free_bytes", free),
            size: gauge(registry, "auth_disk_size_bytes", "Size of the disk with the data directory."),
        }
    }

    pub(super) fn take(&self, figures: Option<DiskFigures>) {
        if let Some(figures) = figures {
            self.free.set(whole(figures.free));
            self.size.set(whole(figures.size));
        }
    }
}
