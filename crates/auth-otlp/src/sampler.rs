//! Which traces are kept.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt as _, TraceId},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// Keeps a part of all traces, chosen by their ids, so that servers with the same ratio keep the same ones.
///
/// Strangers can mark what they send as *sampled*. That does not make this server keep more: of what is marked, too,
/// a part is kept. What is marked as not sampled is not.
#[derive(Clone, Debug)]
pub(crate) struct Ratio(Sampler);

impl Ratio {
    pub(crate) const fn of(ratio: f64) -> Self {
        Self(Sampler::TraceIdRatioBased(ratio))
    }
}

impl ShouldSample for Ratio {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let own = || self.0.should_sample(None, trace, name, kind, attributes, links);
        let Some(parent) = parent.filter(|parent| parent.has_active_span()) else { return own() };
        let parent = parent.span().span_context().clone();
        if parent.is_remote() && parent.is_sampled() {
            return own();
        }
        let decision =
            if parent.is_sampled() { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult { decision, attributes: Vec::new(), trace_state: parent.trace_state().clone() }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};

    use super::*;

    fn kept(ratio: f64, parent: Option<(TraceFlags, bool)>) -> bool {
        let trace = TraceId::from(u128::MAX / 2);
        let parent = parent.map(|(flags, is_remote)| {
            let span = SpanContext::new(trace, SpanId::from(7), flags, is_remote, TraceState::NONE);
            Context::new().with_remote_span_context(span)
        });
        let sampled =
            Ratio::of(ratio).should_sample(parent.as_ref(), trace, "span", &SpanKind::Server, &[], &[]);
        sampled.decision == SamplingDecision::RecordAndSample
    }

    #[test]
    fn strangers_cannot_have_more_kept_than_the_ratio_says() {
        let (marked, unmarked) = (TraceFlags::SAMPLED, TraceFlags::default());
        assert!(kept(1.0, None) && !kept(0.0, None));
        assert!(kept(1.0, Some((marked, true))) && !kept(0.0, Some((marked, true))));
        assert!(!kept(1.0, Some((unmarked, true))), "what others do not keep is not kept in pieces");
        assert!(kept(0.0, Some((marked, false))), "a trace that was begun is kept whole");
        assert!(!kept(1.0, Some((unmarked, false))));
    }
}
