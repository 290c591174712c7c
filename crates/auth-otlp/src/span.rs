//! What a span of `tracing` cannot do by itself.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Makes `span`, which nobody has entered yet, a part of the trace that a W3C `traceparent` names. A text that is none
/// begins no trace and ends none: the span is the first of its own.
pub fn adopt(span: &Span, traceparent: &str) {
    if let Some(parent) = read(traceparent) {
        // Where spans are not traced there is nothing to continue.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// Gives a span, which may have been entered, another name.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`; what follows in a later version is left alone.
fn read(text: &str) -> Option<SpanContext> {
    let mut parts = text.trim().split('-');
    let version = hex::<2>(parts.next()?)?;
    let trace = TraceId::from_hex(hex::<32>(parts.next()?)?).ok()?;
    let span = SpanId::from_hex(hex::<16>(parts.next()?)?).ok()?;
    let flags = u8::from_str_radix(hex::<2>(parts.next()?)?, 16).ok()?;
    let is_over = parts.next().is_none();
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    (context.is_valid() && version != "ff" && (is_over || version != "00")).then_some(context)
}

/// Exactly so many hexadecimal digits, lower case.
fn hex<const N: usize>(text: &str) -> Option<&str> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == N && text.bytes().all(is_digit)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_standard_allows_and_nothing_else() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let read_as = |version: &str, rest: &str| read(&format!("{version}-{trace}-{span}{rest}"));
        let sampled = read_as("00", "-01").unwrap();
        assert_eq!(
            (sampled.trace_id().to_string(), sampled.span_id().to_string()),
            (trace.into(), span.into())
        );
        assert!(sampled.is_sampled() && sampled.is_remote());
        assert!(!read_as("00", "-00").unwrap().is_sampled());
        assert!(read_as("cc", "-01-what-the-future-is-like").is_some());
        for (version, rest) in
            [("00", "-01-more"), ("ff", "-01"), ("0", "-01"), ("00", ""), ("00", "-1"), ("00", "-zz")]
        {
            assert!(read_as(version, rest).is_none(), "{version} {rest}");
        }
        let nothing = "0".repeat(32);
        for text in [
            "",
            &format!("00-{nothing}-{span}-01"),
            &format!("00-{trace}-{}-01", &nothing[..16]),
            &format!("00-{}-{span}-01", trace.to_uppercase()),
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
