//! Who was let in, and who was turned away.

use auth_domain::port::Admission;
use prometheus::{IntCounter, IntGauge, Registry};

use super::{counter, counters, gauge, show};
use crate::operation::Limit;

/// The limits that are counted by address and route, and by key.
const COUNTED: [(Limit, &str); 5] = [
    (Limit::General, "general"),
    (Limit::Login, "login"),
    (Limit::PasswordReset, "password_reset"),
    (Limit::Default, "default"),
    (Limit::ApiKey, "api_key"),
];

/// What limits are counted by.
pub(crate) struct Limits {
    #[cfg(feature = "edge-limit")]
    edge_refused: IntCounter,
    connections_refused: IntCounter,
    connections: IntCounter,
    open: IntGauge,
    verdicts: [Verdicts; COUNTED.len()],
}

struct Verdicts {
    limit: Limit,
    admitted: IntCounter,
    refused: IntCounter,
    failed: IntCounter,
}

impl Limits {
    pub(super) fn new(registry: &Registry) -> Self {
        let verdicts = counters(
            "auth_limit_verdicts_total",
            "What limits by address or by key said of calls: admitted, refused, or failed when nobody could count.",
            &["limit", "verdict"],
        );
        show(registry, &verdicts);
        let of = |(limit, name): (Limit, &str)| {
            let verdict = |verdict| verdicts.with_label_values(&[name, verdict]);
            Verdicts {
                limit,
                admitted: verdict("admitted"),
                refused: verdict("refused"),
                failed: verdict("failed"),
            }
        };
        let refused = "Connections beyond what one address may have.";
        Self {
            #[cfg(feature = "edge-limit")]
            edge_refused: counter(
                registry,
                "auth_edge_refused_total",
                "Requests that the first gate turned away.",
            ),
            connections_refused: counter(registry, "auth_connections_refused_total", refused),
            connections: counter(registry, "auth_connections_total", "Connections that were accepted."),
            open: gauge(registry, "auth_connections_open", "Connections that are open."),
            verdicts: COUNTED.map(of),
        }
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

    /// Counts a connection as open, until what it gives is dropped.
    pub(crate) fn accepted(&self) -> OpenConnection {
        self.connections.inc();
        self.open.inc();
        OpenConnection(self.open.clone())
    }

    /// Counts what a limit said of a call.
    pub(crate) fn judged<E>(&self, limit: Limit, verdict: &Result<Admission, E>) {
        let Some(verdicts) = self.verdicts.iter().find(|verdicts| verdicts.limit == limit) else { return };
        match verdict {
            Ok(Admission::Admitted) => verdicts.admitted.inc(),
            Ok(Admission::Refused { .. }) => verdicts.refused.inc(),
            Err(_) => verdicts.failed.inc(),
        }
    }
}

/// A connection that is open.
pub(crate) struct OpenConnection(IntGauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
