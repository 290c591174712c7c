//! What became of the parts that the server works with.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::{counters, made, show};

/// The parts that are behind a breaker.
const PARTS: [&str; 4] = ["breach", "cognito", "redis", "sns"];

/// What is told of breakers and of the limits that replicas share. Whoever watches them records it here.
pub struct PartFigures {
    open: IntGaugeVec,
    opened: IntCounterVec,
    degraded: IntGauge,
}

impl PartFigures {
    /// Every breaker is closed, and limits are shared.
    pub fn new() -> Self {
        let opened = "How often a part failed so often in a row that it is not asked for a while.";
        let figures = Self {
            open: made(IntGaugeVec::new(
                Opts::new("auth_breaker_open", "Whether a part is not asked for a while: 1, or 0."),
                &["part"],
            )),
            opened: counters("auth_breaker_opened_total", opened, &["part"]),
            degraded: made(IntGauge::new(
                "auth_limits_degraded",
                "Whether limits are counted by each replica for itself, because Redis does not answer: 1, or 0.",
            )),
        };
        for part in PARTS {
            figures.open.with_label_values(&[part]);
            figures.opened.with_label_values(&[part]);
        }
        figures
    }

    pub(super) fn register(&self, registry: &Registry) {
        show(registry, &self.open);
        show(registry, &self.opened);
        show(registry, &self.degraded);
    }

    /// The breaker of `part` opened.
    pub fn opened(&self, part: &'static str) {
        self.open.with_label_values(&[part]).set(1);
        self.opened.with_label_values(&[part]).inc();
    }

    /// The breaker of `part` closed.
    pub fn closed(&self, part: &'static str) {
        self.open.with_label_values(&[part]).set(0);
    }

    /// Whether limits are local from now on.
    pub fn degraded(&self, are: bool) {
        self.degraded.set(are.into());
    }
}

impl Default for PartFigures {
    fn default() -> Self {
        Self::new()
    }
}
