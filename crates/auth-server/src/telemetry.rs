//! Logs: structured, on standard error, without secrets.

mod json;

use std::{
    io::{self, IsTerminal as _},
    panic::{self, PanicHookInfo},
    time::Duration,
};

use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::{SubscriberInitExt as _, TryInitError},
};

use self::json::FlatJson;
use crate::{
    settings::{LogFormat, Settings},
    wire::traces::{self, Traces},
};

/// The crates of this server, by the beginning of their names. Everything else is a library.
const OURS: &str = "auth_";
/// What is traced, and no part of the log.
const TRACES: &str = "auth_trace";
/// How long the collector may take for what waits when the server stops.
const LAST_TRACES: Duration = Duration::from_secs(3);
/// What is written down so that a copy of it lives outside of the database.
const AUDIT: &str = "audit";

/// Starts logging for the whole process, and logs panics from now on.
///
/// # Errors
/// Something else logs for this process already.
pub fn start(settings: &Settings) -> Result<(), TryInitError> {
    begin(settings, None)
}

/// The same, and traces where the settings name a collector. Whoever is given something back
/// [finishes](finish) it.
///
/// # Errors
/// Something else logs for this process already, or traces cannot be handed over.
pub(crate) fn start_with_traces(settings: &Settings) -> anyhow::Result<Option<Traces>> {
    let Some(wish) = &settings.traces else {
        start(settings)?;
        return Ok(None);
    };
    let (layer, traces) = traces::layer(wish)?;
    begin(settings, Some(layer.boxed()))?;
    Ok(Some(traces))
}

/// Hands over the last traces. Blocks.
pub(crate) fn finish(traces: Option<Traces>) {
    if let Some(traces) = traces {
        traces.finish(LAST_TRACES);
    }
}

fn begin(settings: &Settings, traces: Option<TraceLayer>) -> Result<(), TryInitError> {
    let colours = io::stderr().is_terminal();
    subscriber(settings.log_level, settings.log_format, colours, io::stderr, traces).try_init()?;
    log_panics(!settings.is_production());
    Ok(())
}

type TraceLayer = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

/// A subscriber that writes records of `level` and above to `writer`.
fn subscriber<W>(
    level: Level,
    format: LogFormat,
    colours: bool,
    writer: W,
    traces: Option<TraceLayer>,
) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer);
    let layer = match format {
        LogFormat::Human => layer.compact().with_ansi(colours).boxed(),
        // One flat object a line: what log collectors read without being taught.
        LogFormat::Json => layer.event_format(FlatJson).fmt_fields(FlatJson).with_ansi(false).boxed(),
    };
    Registry::default().with(traces).with(layer.with_filter(filter(level)))
}

/// Lets records of `level` and above pass, of libraries only warnings: below, they write headers and
/// statements down, and so secrets. Records of the audit log pass at every level.
fn filter(level: Level) -> Targets {
    let libraries = LevelFilter::from_level(level).min(LevelFilter::WARN);
    Targets::new()
        .with_default(libraries)
        .with_target(OURS, level)
        .with_target(TRACES, LevelFilter::OFF)
        .with_target(AUDIT, level.max(Level::INFO))
}

/// Logs panics instead of printing them.
///
/// The message of a panic may hold anything, `unwrap` puts whole values into it. Only texts fixed at
/// compile time are logged, unless `verbose`.
fn log_panics(verbose: bool) {
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let message = message(info, verbose);
        tracing::error!(target: "auth_server::panic", place, thread = thread.name(), "panicked: {message}");
    }));
}

fn message<'a>(info: &'a PanicHookInfo<'_>, verbose: bool) -> &'a str {
    match (info.payload().downcast_ref::<&'static str>(), info.payload().downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) if verbose => text,
        _ => "the message is left out, because it may hold a secret",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(level: Level, format: LogFormat, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        tracing::subscriber::with_default(
            subscriber(level, format, false, move || writer.clone(), None),
            log,
        );
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_is_one_object_a_line() {
        let lines = written(Level::INFO, LogFormat::Json, || {
            tracing::info!(target: "auth_http", status = 200, "answered\nin two lines");
        });
        assert_eq!(lines.lines().count(), 1, "{lines}");
        let record: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!(record["level"], "INFO");
        assert_eq!(record["message"], "answered\nin two lines");
        assert_eq!(record["status"], 200);
        assert_eq!(record["target"], "auth_http");
    }

    #[test]
    fn json_has_the_fields_of_spans_beside_those_of_the_event() {
        let lines = written(Level::INFO, LogFormat::Json, || {
            let outer = tracing::info_span!(target: "auth_http", "request", request_id = "r-1", late = tracing::field::Empty);
            let _entered = outer.enter();
            outer.record("late", 7);
            let inner = tracing::info_span!(target: "auth_http", "step", odd = %"\"\\\u{1}\t ü");
            let _inner = inner.enter();
            let error = io::Error::other("a\nb");
            tracing::info!(target: "auth_http", r#type = ?Some(1), share = 0.5, endless = f64::NAN, less = -1,
                well = true, error = &error as &dyn std::error::Error, "answered {}", "\"so\"");
        });
        let mut record: serde_json::Value = serde_json::from_str(&lines).unwrap();
        record.as_object_mut().unwrap().remove("timestamp").unwrap();
        let wanted = serde_json::json!({"level": "INFO", "target": "auth_http", "message": "answered \"so\"",
            "type": "Some(1)", "share": 0.5, "endless": null, "less": -1, "well": true, "error": "a\nb",
            "odd": "\"\\\u{1}\t ü", "request_id": "r-1", "late": 7});
        assert_eq!(record, wanted);
    }

    #[test]
    fn human_logs_have_no_colours_away_from_a_terminal() {
        let lines =
            written(Level::INFO, LogFormat::Human, || tracing::info!(target: "auth_http", "answered"));
        assert!(lines.contains("INFO auth_http: answered") && !lines.contains('\u{1b}'), "{lines:?}");
    }

    #[test]
    fn libraries_keep_quiet_at_every_level() {
        let log = || {
            tracing::trace!(target: "auth_server::wire", "ours");
            tracing::info!(target: "actix_server", "theirs");
            tracing::warn!(target: "actix_server", "warning");
            tracing::error!(target: "auth_trace", "a trace");
        };
        let lines = written(Level::TRACE, LogFormat::Human, log);
        assert!(lines.contains("ours") && lines.contains("warning") && !lines.contains("theirs"), "{lines}");
        assert!(!lines.contains("a trace"), "{lines}");
        assert_eq!(written(Level::ERROR, LogFormat::Human, log), "");
    }

    #[test]
    fn copies_of_the_audit_log_are_written_at_every_level() {
        let log = || tracing::info!(target: "audit", position = 7, "checkpoint");
        let lines = written(Level::ERROR, LogFormat::Json, log);
        assert!(lines.contains("\"position\":7"), "{lines}");
    }

    #[test]
    fn panics_are_logged_without_what_they_carry() {
        let secret = "hunter2";
        let fixed = "fixed at compile time";
        let quiet = |verbose| {
            written(Level::INFO, LogFormat::Json, || {
                log_panics(verbose);
                let _ = panic::catch_unwind(|| panic!("{secret}", secret = String::from(secret)));
                let _ = panic::catch_unwind(|| panic!("fixed at compile time"));
                let _ = panic::take_hook();
            })
        };
        let production = quiet(false);
        assert!(production.contains(fixed) && !production.contains(secret), "{production}");
        assert!(production.contains("telemetry.rs:"), "{production}");
        assert!(quiet(true).contains(secret));
    }
}
