//! Traces for OpenTelemetry, handed to a collector over OTLP (HTTP, protobuf).
//!
//! * Spans of the target [`TARGET`] are traced and nothing else: neither other spans nor the lines of the log, so that
//!   what a trace holds is written down in few places. No span names a person, an address or a secret.
//! * **Nobody waits for the collector.** Finished spans go into a queue of limited length; a thread of its own, with
//!   a runtime of its own, hands them over. What does not fit is lost, and so is what a dead collector does not take.
//! * A trace that somebody else began is continued. Its mark *sampled* never makes this server keep more than
//!   [`OtlpConfig::ratio`] says; its absence is obeyed.
#![warn(missing_docs)]

mod client;
mod sampler;
mod span;

use std::{fmt, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider},
};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

pub use self::span::{adopt, rename};
use self::{client::Client, sampler::Ratio};

/// The target of spans that are traced.
pub const TARGET: &str = "auth_trace";

/// How long the collector may take for one batch.
const PATIENCE: Duration = Duration::from_secs(5);
/// Spans that wait for the collector at most; what comes beyond is lost.
const QUEUE: usize = 8_192;
/// Spans that are handed over at once.
const BATCH: usize = 512;
/// How long a span waits for others before it is handed over.
const PAUSE: Duration = Duration::from_secs(1);

/// Where traces go, and which.
#[derive(Clone, Debug)]
pub struct OtlpConfig {
    /// The collector, as `OTEL_EXPORTER_OTLP_ENDPOINT` names it: without `/v1/traces`.
    pub endpoint: String,
    /// What this server is called there.
    pub service: String,
    /// The version of this server.
    pub version: String,
    /// Which part of all traces is kept, from 0 to 1.
    pub ratio: f64,
}

/// Traces cannot be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// The address is none that a collector can have.
    #[error("the address of the collector cannot be used")]
    Endpoint(#[source] opentelemetry_otlp::ExporterBuildError),
    /// The part of the client that is not the network.
    #[error("the client of the collector cannot be prepared")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Traces under way to the collector.
pub struct Traces(SdkTracerProvider);

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

impl Traces {
    /// Hands over what waits, for `patience` at most, and ends. Blocks: not to be called where others wait for
    /// the thread.
    pub fn finish(self, patience: Duration) {
        // Whatever the collector did not take is lost; the client has logged why.
        let _ = self.0.shutdown_with_timeout(patience);
    }
}

/// Prepares tracing: a layer for the subscriber, and what has to be [finished](Traces::finish). Connects when the first
/// spans are handed over.
///
/// # Errors
/// [`OtlpError`] says what does not fit.
pub fn prepare<S>(config: &OtlpConfig) -> Result<(impl Layer<S> + Send + Sync + use<S>, Traces), OtlpError>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new(PATIENCE).map_err(OtlpError::Client)?)
        .with_endpoint(format!("{}/v1/traces", config.endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .map_err(OtlpError::Endpoint)?;
    let batch = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(PAUSE)
        .build();
    let resource = Resource::builder()
        .with_service_name(config.service.clone())
        .with_attribute(KeyValue::new("service.version", config.version.clone()))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batch).build())
        .with_sampler(Ratio::of(config.ratio))
        .with_resource(resource)
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("auth-server"))
        .with_context_activation(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target(TARGET, tracing::Level::INFO));
    Ok((layer, Traces(provider)))
}
