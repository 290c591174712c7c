//! Requests and their answers. What an operation is counted by is looked up when it is mounted: a request costs
//! a few additions.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix_web::http::StatusCode;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry};

use super::{counters, gauge, registered, show};

/// Upper ends of the classes of latency, in seconds: from a check of a token to a request that meets its deadline.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The statuses that this server answers with; any other is counted as the last.
const STATUSES: [(u16, &str); 34] = [
    (200, "200"),
    (401, "401"),
    (201, "201"),
    (202, "202"),
    (204, "204"),
    (301, "301"),
    (302, "302"),
    (303, "303"),
    (304, "304"),
    (307, "307"),
    (308, "308"),
    (400, "400"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (410, "410"),
    (411, "411"),
    (413, "413"),
    (414, "414"),
    (415, "415"),
    (417, "417"),
    (421, "421"),
    (422, "422"),
    (423, "423"),
    (428, "428"),
    (429, "429"),
    (431, "431"),
    (500, "500"),
    (502, "502"),
    (503, "503"),
    (0, "other"),
];

/// What requests are counted by.
pub(crate) struct Requests {
    answered: IntCounterVec,
    seconds: HistogramVec,
    under_way: IntGauge,
    nowhere: Arc<RouteFigures>,
}

impl Requests {
    pub(super) fn new(registry: &Registry) -> Self {
        let answered = counters(
            "auth_http_requests_total",
            "Requests that were answered, by route and status.",
            &["method", "route", "status"],
        );
        show(registry, &answered);
        let seconds = HistogramOpts::new(
            "auth_http_request_duration_seconds",
            "How long answers took, from the head of the request to that of the answer.",
        );
        let seconds = HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["method", "route"]);
        let seconds = registered(registry, seconds);
        let nowhere = Arc::new(RouteFigures::new(&answered, &seconds, "any", "unmatched"));
        let under_way = gauge(registry, "auth_http_requests_in_flight", "Requests that are being answered.");
        Self { answered, seconds, under_way, nowhere }
    }

    /// The figures of an operation.
    pub(crate) fn route(&self, method: &str, route: &'static str) -> RouteFigures {
        RouteFigures::new(&self.answered, &self.seconds, method, route)
    }

    /// The figures of everything that no operation saw: unknown paths and methods, and refusals at the door.
    pub(crate) fn unmatched(&self) -> &RouteFigures {
        &self.nowhere
    }

    /// Counts a request as being answered, until what it gives is dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        self.under_way.inc();
        UnderWay(self.under_way.clone())
    }
}

/// A request that is being answered.
pub(crate) struct UnderWay(IntGauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What the answers of one operation are counted by. A series begins with the first answer that belongs to it, so
/// that the page shows what happens and not everything that could.
#[derive(Debug)]
pub(crate) struct RouteFigures {
    method: String,
    route: &'static str,
    answered: IntCounterVec,
    durations: HistogramVec,
    by_status: [OnceLock<IntCounter>; STATUSES.len()],
    duration: OnceLock<Histogram>,
}

impl RouteFigures {
    fn new(answered: &IntCounterVec, durations: &HistogramVec, method: &str, route: &'static str) -> Self {
        Self {
            method: method.to_owned(),
            route,
            answered: answered.clone(),
            durations: durations.clone(),
            by_status: [const { OnceLock::new() }; STATUSES.len()],
            duration: OnceLock::new(),
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        let last = STATUSES.len() - 1;
        let place = STATUSES.iter().position(|(code, _)| *code == status.as_u16()).unwrap_or(last);
        let labels =
            || self.answered.with_label_values(&[self.method.as_str(), self.route, STATUSES[place].1]);
        self.by_status[place].get_or_init(labels).inc();
        let labels = || self.durations.with_label_values(&[self.method.as_str(), self.route]);
        self.duration.get_or_init(labels).observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use prometheus::TextEncoder;

    use super::*;

    fn page(registry: &Registry) -> String {
        TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    #[test]
    fn each_status_has_a_counter_and_strange_ones_share_one() {
        let registry = Registry::new();
        let route = Requests::new(&registry).route("GET", "/thing/{id}");
        for status in [200, 200, 503, 299, 418] {
            route.answered(StatusCode::from_u16(status).unwrap(), Duration::from_millis(3));
        }
        let page = page(&registry);
        for (status, count) in [("200", 2), ("503", 1), ("other", 2)] {
            let line = format!(
                "auth_http_requests_total{{method=\"GET\",route=\"/thing/{{id}}\",status=\"{status}\"}} {count}\n"
            );
            assert!(page.contains(&line), "{page}");
        }
        let class = |end: &str, count| {
            format!("_seconds_bucket{{method=\"GET\",route=\"/thing/{{id}}\",le=\"{end}\"}} {count}\n")
        };
        assert!(page.contains(&class("0.0025", 0)) && page.contains(&class("0.005", 5)), "{page}");
    }

    #[test]
    fn workers_share_the_counters_of_a_route() {
        let registry = Registry::new();
        let requests = Requests::new(&registry);
        for _ in 0..2 {
            requests.route("GET", "/thing").answered(StatusCode::OK, Duration::ZERO);
        }
        assert!(page(&registry).contains("route=\"/thing\",status=\"200\"} 2\n"));
    }

    #[test]
    fn a_request_is_under_way_until_it_is_dropped() {
        let registry = Registry::new();
        let requests = Requests::new(&registry);
        let (one, other) = (requests.begin(), requests.begin());
        drop(one);
        assert_eq!(requests.under_way.get(), 1);
        drop(other);
        assert_eq!(requests.under_way.get(), 0);
    }

    /// Every request pays this. A machine that is busy elsewhere is slower by more than tests can foresee, so the
    /// best of many rounds counts.
    #[test]
    fn counting_costs_less_than_two_microseconds() {
        let requests = Requests::new(&Registry::new());
        let route = requests.route("GET", "/api/auth/me");
        let round = || {
            let begun = Instant::now();
            for _ in 0..1_000 {
                let _under_way = requests.begin();
                route.answered(StatusCode::OK, Duration::from_micros(700));
            }
            begun.elapsed() / 1_000
        };
        let best = (0..50).map(|_| round()).min().unwrap();
        assert!(best < Duration::from_micros(2), "{best:?}");
    }
}
