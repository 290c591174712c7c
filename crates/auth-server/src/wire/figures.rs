//! What is measured outside of the HTTP face, shown to those who ask.

use std::{path::PathBuf, sync::Arc};

use auth_crypto::Argon2Hasher;
use auth_domain::{audit::AuditWatch, usecase::Engine};
use auth_http::{
    Metrics,
    metrics::{
        DiskFigures, DiskSource, EventFigures, HashFigures, HashSource, PartFigures, PoolFigures, PoolSource,
    },
};
use auth_postgres::PostgresStore;

use super::{stores::Stores, watch::PartWatch};
use crate::settings::Settings;

/// Everything that knows a figure.
pub(crate) struct Figures {
    events: Arc<EventFigures>,
    parts: Arc<PartFigures>,
    hashing: Arc<dyn HashSource>,
    /// `None` on the embedded store, whose one writer is no pool.
    pools: Option<Arc<dyn PoolSource>>,
    disk: Arc<dyn DiskSource>,
}

impl Figures {
    pub(super) fn new(
        settings: &Settings,
        stores: &Stores,
        watch: &PartWatch,
        hasher: &Arc<Argon2Hasher>,
    ) -> Self {
        let pools = match stores {
            Stores::Postgres(store) => Some(Arc::new(Pools(Arc::clone(store))) as _),
            Stores::Sqlite(_) => None,
        };
        Self {
            events: Arc::default(),
            parts: watch.figures(),
            hashing: Arc::new(Hashing(Arc::clone(hasher))),
            pools,
            disk: Arc::new(DataDisk(settings.data_dir.clone())),
        }
    }

    /// Counts what the audit log gets.
    pub(super) fn events(&self) -> Arc<dyn AuditWatch> {
        Arc::clone(&self.events) as _
    }

    /// Adds all of them, and those of the engine, to what `metrics` show.
    pub(crate) fn shown_by(&self, metrics: Metrics, engine: &Engine) -> Metrics {
        let metrics = metrics
            .with_audit(Arc::new(engine.trail.clone()))
            .with_events(&self.events)
            .with_parts(&self.parts)
            .with_hashing(Arc::clone(&self.hashing))
            .with_disk(Arc::clone(&self.disk));
        match &self.pools {
            Some(pools) => metrics.with_pools(Arc::clone(pools)),
            None => metrics,
        }
    }
}

/// Shows what the pool counts that hashes passwords.
struct Hashing(Arc<Argon2Hasher>);

impl HashSource for Hashing {
    fn figures(&self) -> HashFigures {
        let load = self.0.load();
        HashFigures {
            waiting: load.waiting,
            done: load.done,
            waited: load.waited,
            shed: load.shed,
            abandoned: load.abandoned,
        }
    }
}

/// Shows how connections to PostgreSQL are used.
struct Pools(Arc<PostgresStore>);

impl PoolSource for Pools {
    fn figures(&self) -> Vec<PoolFigures> {
        let of = |pool, store: &PostgresStore| {
            let load = store.load();
            PoolFigures { pool, max: load.max, size: load.size, idle: load.idle, waiting: load.waiting }
        };
        vec![of("requests", &self.0), of("reserved", &self.0.reserved())]
    }
}

/// Shows how full the disk is that has the data directory: with the embedded store, the database.
struct DataDisk(PathBuf);

impl DiskSource for DataDisk {
    fn figures(&self) -> Option<DiskFigures> {
        let disk = rustix::fs::statvfs(&self.0).ok()?;
        // What is kept for the system cannot be written by this process.
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(DiskFigures { free: bytes(disk.f_bavail), size: bytes(disk.f_blocks) })
    }
}
