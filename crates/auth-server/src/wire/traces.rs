//! Where traces go.

use std::time::Duration;

use auth_http::Tracer;
use tracing::Span;
use tracing_subscriber::{Layer, Registry};

use crate::settings::TraceSettings;

/// Traces under way, to be [finished](Traces::finish).
pub(crate) struct Traces(auth_otlp::Traces);

impl Traces {
    /// Hands over what waits, for `patience` at most.
    pub(crate) fn finish(self, patience: Duration) {
        self.0.finish(patience);
    }
}

/// The layer that traces, and what it has under way.
///
/// # Errors
/// One sentence about what cannot be used.
pub(crate) fn layer(
    settings: &TraceSettings,
) -> anyhow::Result<(Box<dyn Layer<Registry> + Send + Sync>, Traces)> {
    let config = auth_otlp::OtlpConfig {
        endpoint: settings.endpoint.to_string(),
        service: settings.service.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ratio: settings.ratio,
    };
    let (layer, traces) = auth_otlp::prepare(&config)?;
    Ok((layer.boxed(), Traces(traces)))
}

/// Does with spans what the HTTP face asks for.
pub(crate) struct Otlp;

impl Tracer for Otlp {
    fn adopt(&self, span: &Span, traceparent: &str) {
        auth_otlp::adopt(span, traceparent);
    }

    fn rename(&self, span: &Span, name: String) {
        auth_otlp::rename(span, name);
    }
}
