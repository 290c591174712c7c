//! Who notices when parts stop answering: logged at once, and passed on for the audit log.

use std::{error::Error, sync::Arc};

use auth_domain::{
    audit::AuditEvent,
    guard::{BreakerWatch, LimiterWatch},
    port::LimiterError,
};
use auth_http::{error_chain, metrics::PartFigures};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// Something that happened to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartEvent {
    pub(crate) event: AuditEvent,
    pub(crate) part: &'static str,
}

/// Watches every part. Nobody may wait for the audit log here, so it is written elsewhere; a breaker opens once
/// in its rest at most, so little ever waits.
pub(super) struct PartWatch {
    sender: UnboundedSender<PartEvent>,
    figures: Arc<PartFigures>,
}

impl PartWatch {
    /// A watch, and what it passes on.
    pub(super) fn new() -> (Arc<Self>, UnboundedReceiver<PartEvent>) {
        let (sender, events) = mpsc::unbounded_channel();
        (Arc::new(Self { sender, figures: Arc::default() }), events)
    }

    /// What it counts.
    pub(super) fn figures(&self) -> Arc<PartFigures> {
        Arc::clone(&self.figures)
    }

    fn pass_on(&self, event: AuditEvent, part: &'static str) {
        // Nobody listens any more while the server stops.
        let _ = self.sender.send(PartEvent { event, part });
    }
}

impl BreakerWatch for PartWatch {
    fn opened(&self, part: &'static str, cause: &(dyn Error + 'static)) {
        tracing::warn!(part, error = %error_chain(cause), "a part does not answer and is given a rest");
        self.figures.opened(part);
        self.pass_on(AuditEvent::BreakerOpened, part);
    }

    fn closed(&self, part: &'static str) {
        tracing::info!(part, "a part answers again");
        self.figures.closed(part);
        self.pass_on(AuditEvent::BreakerClosed, part);
    }
}

impl LimiterWatch for PartWatch {
    fn degraded(&self, cause: &LimiterError) {
        tracing::warn!(error = %error_chain(cause), "Redis does not answer: limits are local and stricter");
        self.figures.degraded(true);
        self.pass_on(AuditEvent::LimitsDegraded, "redis");
    }

    fn restored(&self) {
        tracing::info!("Redis answers again: limits are shared");
        self.figures.degraded(false);
        self.pass_on(AuditEvent::LimitsRestored, "redis");
    }
}
