//! What is read from the store.

use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::usecase::{AuditTrail, Backlog, Fault, Messages};
use chrono::{DateTime, TimeDelta, Utc};
use prometheus::{Gauge, IntGauge, Registry, proto::MetricFamily};

use super::{gauge, seconds, whole};
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

/// Knows how far the signing of the audit log is behind. The one real implementor is the use case
/// [`AuditTrail`].
#[async_trait]
pub trait AuditSource: Send + Sync {
    /// How long the oldest entry has been waiting for a signature.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    async fn unsigned_for(&self) -> Result<TimeDelta, Fault>;
}

#[async_trait]
impl AuditSource for AuditTrail {
    async fn unsigned_for(&self) -> Result<TimeDelta, Fault> {
        Self::unsigned_for(self).await
    }
}

pub(super) struct StoreFigures {
    registry: Registry,
    waiting: IntGauge,
    dead: IntGauge,
    oldest_age: Gauge,
    late: Gauge,
    audit: Option<(Gauge, Arc<dyn AuditSource>)>,
    source: Arc<dyn BacklogSource>,
    /// Of the process: whether the store gave the figures.
    up: IntGauge,
    read_at: Option<DateTime<Utc>>,
}

impl StoreFigures {
    pub(super) fn new(process: &Registry, source: Arc<dyn BacklogSource>) -> Self {
        let registry = Registry::new();
        let oldest = "Age of the oldest message that waits; 0 when none does.";
        let late = "For how long the message to be tried next has been due; 0 when nothing is late.";
        Self {
            waiting: gauge(&registry, "auth_outbox_waiting", "Messages that wait to be sent."),
            dead: gauge(&registry, "auth_outbox_dead", "Messages that were given up and are kept."),
            oldest_age: seconds(&registry, "auth_outbox_oldest_age_seconds", oldest),
            late: seconds(&registry, "auth_outbox_late_seconds", late),
            audit: None,
            source,
            up: gauge(process, "auth_store_up", "Whether the store gave its figures: 1, or 0."),
            registry,
            read_at: None,
        }
    }

    pub(super) fn with_audit(&mut self, source: Arc<dyn AuditSource>) {
        let unsigned = "How long the oldest entry of the audit log that is not signed has waited for that.";
        self.audit = Some((seconds(&self.registry, "auth_audit_unsigned_seconds", unsigned), source));
    }

    /// The figures; none while the store does not answer.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        if self.up.get() == 1 { self.registry.gather() } else { Vec::new() }
    }

    pub(super) async fn refresh(&mut self, now: DateTime<Utc>) {
        // A clock that was set back makes the figures old, not young.
        let fresh = |read_at: DateTime<Utc>| (read_at..read_at + KEPT).contains(&now);
        if self.read_at.is_some_and(fresh) {
            return;
        }
        let read = self.read().await;
        if let Err(fault) = &read {
            tracing::warn!(error = %error_chain(fault), "cannot read the figures of the store");
        }
        self.up.set(read.is_ok().into());
        self.read_at = Some(now);
    }

    async fn read(&self) -> Result<(), Fault> {
        let backlog = self.source.backlog().await?;
        if let Some((unsigned, source)) = &self.audit {
            unsigned.set(source.unsigned_for().await?.as_seconds_f64());
        }
        self.waiting.set(whole(backlog.waiting));
        self.dead.set(whole(backlog.dead));
        self.oldest_age.set(backlog.oldest_age.as_seconds_f64());
        self.late.set(backlog.oldest_due_for.as_seconds_f64());
        Ok(())
    }
}
