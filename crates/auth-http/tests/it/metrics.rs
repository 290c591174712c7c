//! Figures for monitoring: what they say, who may read them, what reading costs.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use actix_web::test::TestRequest;
use async_trait::async_trait;
use auth_domain::{
    port::StoreError,
    secret::Digest,
    usecase::{Backlog, Fault},
};
use auth_http::{
    metrics::{
        AuditSource, BacklogSource, DiskFigures, DiskSource, HashFigures, HashSource, PartFigures,
        PoolFigures, PoolSource,
    },
    settings::{MetricsAccess, Quotas},
};
use auth_testkit::builder;
use chrono::TimeDelta;
use futures_util::future::join_all;

use crate::toy::{Answer, Toy, get, good, post};

const TOKEN: &str = "0123456789abcdef";

const FIGURES: &str = "\
# HELP auth_breaker_open Whether a part is not asked for a while: 1, or 0.
# TYPE auth_breaker_open gauge
auth_breaker_open{part=\"breach\"} 0
auth_breaker_open{part=\"cognito\"} 0
auth_breaker_open{part=\"redis\"} 1
auth_breaker_open{part=\"sns\"} 0
# HELP auth_breaker_opened_total How often a part failed so often in a row that it is not asked for a while.
# TYPE auth_breaker_opened_total counter
auth_breaker_opened_total{part=\"breach\"} 0
auth_breaker_opened_total{part=\"cognito\"} 0
auth_breaker_opened_total{part=\"redis\"} 1
auth_breaker_opened_total{part=\"sns\"} 1
# HELP auth_build_info The version that runs; always 1.
# TYPE auth_build_info gauge
auth_build_info{version=\"1.2.3\"} 1
# HELP auth_connections_open Connections that are open.
# TYPE auth_connections_open gauge
auth_connections_open 0
# HELP auth_connections_refused_total Connections beyond what one address may have.
# TYPE auth_connections_refused_total counter
auth_connections_refused_total 0
# HELP auth_connections_total Connections that were accepted.
# TYPE auth_connections_total counter
auth_connections_total 0
# HELP auth_dependency_up Whether a part answered: 1, or 0.
# TYPE auth_dependency_up gauge
auth_dependency_up{part=\"redis\"} 1
auth_dependency_up{part=\"store\"} 1
# HELP auth_disk_free_bytes What can still be written to the disk with the data directory.
# TYPE auth_disk_free_bytes gauge
auth_disk_free_bytes 3000
# HELP auth_disk_size_bytes Size of the disk with the data directory.
# TYPE auth_disk_size_bytes gauge
auth_disk_size_bytes 4000
# HELP auth_edge_refused_total Requests that the first gate turned away.
# TYPE auth_edge_refused_total counter
auth_edge_refused_total 0
# HELP auth_hash_abandoned_total Password hashes whose client had gone.
# TYPE auth_hash_abandoned_total counter
auth_hash_abandoned_total 3
# HELP auth_hash_jobs_total Password hashes and estimates that were computed.
# TYPE auth_hash_jobs_total counter
auth_hash_jobs_total 40
# HELP auth_hash_shed_total Password hashes that were refused: too many waited.
# TYPE auth_hash_shed_total counter
auth_hash_shed_total 2
# HELP auth_hash_wait_seconds_total How long the jobs that were done had waited, all together.
# TYPE auth_hash_wait_seconds_total counter
auth_hash_wait_seconds_total 1.5
# HELP auth_hash_waiting Password hashes that wait to be computed.
# TYPE auth_hash_waiting gauge
auth_hash_waiting 7
# HELP auth_http_requests_in_flight Requests that are being answered.
# TYPE auth_http_requests_in_flight gauge
auth_http_requests_in_flight 1
# HELP auth_limit_verdicts_total What limits by address or by key said of calls: admitted, refused, or failed when nobody could count.
# TYPE auth_limit_verdicts_total counter
auth_limit_verdicts_total{limit=\"api_key\",verdict=\"admitted\"} 0
auth_limit_verdicts_total{limit=\"api_key\",verdict=\"failed\"} 0
auth_limit_verdicts_total{limit=\"api_key\",verdict=\"refused\"} 0
auth_limit_verdicts_total{limit=\"default\",verdict=\"admitted\"} 0
auth_limit_verdicts_total{limit=\"default\",verdict=\"failed\"} 0
auth_limit_verdicts_total{limit=\"default\",verdict=\"refused\"} 0
auth_limit_verdicts_total{limit=\"general\",verdict=\"admitted\"} 0
auth_limit_verdicts_total{limit=\"general\",verdict=\"failed\"} 0
auth_limit_verdicts_total{limit=\"general\",verdict=\"refused\"} 0
auth_limit_verdicts_total{limit=\"login\",verdict=\"admitted\"} 0
auth_limit_verdicts_total{limit=\"login\",verdict=\"failed\"} 0
auth_limit_verdicts_total{limit=\"login\",verdict=\"refused\"} 0
auth_limit_verdicts_total{limit=\"password_reset\",verdict=\"admitted\"} 0
auth_limit_verdicts_total{limit=\"password_reset\",verdict=\"failed\"} 0
auth_limit_verdicts_total{limit=\"password_reset\",verdict=\"refused\"} 0
# HELP auth_limits_degraded Whether limits are counted by each replica for itself, because Redis does not answer: 1, or 0.
# TYPE auth_limits_degraded gauge
auth_limits_degraded 0
# HELP auth_pool_connections Connections to PostgreSQL that are open.
# TYPE auth_pool_connections gauge
auth_pool_connections{pool=\"requests\",state=\"idle\"} 3
auth_pool_connections{pool=\"requests\",state=\"used\"} 9
# HELP auth_pool_max_connections Connections that there may be.
# TYPE auth_pool_max_connections gauge
auth_pool_max_connections{pool=\"requests\"} 16
# HELP auth_pool_waiting Callers that wait for a connection to PostgreSQL.
# TYPE auth_pool_waiting gauge
auth_pool_waiting{pool=\"requests\"} 5
# HELP auth_store_up Whether the store gave its figures: 1, or 0.
# TYPE auth_store_up gauge
auth_store_up 1
# HELP process_start_time_seconds When the process started, in seconds since 1970.
# TYPE process_start_time_seconds gauge
process_start_time_seconds START
# HELP auth_audit_unsigned_seconds How long the oldest entry of the audit log that is not signed has waited for that.
# TYPE auth_audit_unsigned_seconds gauge
auth_audit_unsigned_seconds 12
# HELP auth_outbox_dead Messages that were given up and are kept.
# TYPE auth_outbox_dead gauge
auth_outbox_dead 2
# HELP auth_outbox_late_seconds For how long the message to be tried next has been due; 0 when nothing is late.
# TYPE auth_outbox_late_seconds gauge
auth_outbox_late_seconds 0
# HELP auth_outbox_oldest_age_seconds Age of the oldest message that waits; 0 when none does.
# TYPE auth_outbox_oldest_age_seconds gauge
auth_outbox_oldest_age_seconds 90.5
# HELP auth_outbox_waiting Messages that wait to be sent.
# TYPE auth_outbox_waiting gauge
auth_outbox_waiting 1
";

/// Counts how often it is asked, and fails when told to.
#[derive(Default)]
pub(crate) struct ToyBacklog {
    pub(crate) asked: AtomicU32,
    pub(crate) is_down: AtomicBool,
}

#[async_trait]
impl BacklogSource for ToyBacklog {
    async fn backlog(&self) -> Result<Backlog, Fault> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        // Whoever else asks at the same time gets to.
        tokio::task::yield_now().await;
        if self.is_down.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("secret-host:5432 refused".into()).into());
        }
        Ok(Backlog {
            waiting: asked.into(),
            dead: 2,
            oldest_age: TimeDelta::milliseconds(90_500),
            oldest_due_for: TimeDelta::zero(),
        })
    }
}

#[async_trait]
impl AuditSource for ToyBacklog {
    async fn unsigned_for(&self) -> Result<TimeDelta, Fault> {
        Ok(TimeDelta::seconds(12))
    }
}

/// Pools that have done a little, and a disk that is used a little.
pub(crate) struct ToyPool;

impl PoolSource for ToyPool {
    fn figures(&self) -> Vec<PoolFigures> {
        vec![PoolFigures { pool: "requests", max: 16, size: 12, idle: 3, waiting: 5 }]
    }
}

impl DiskSource for ToyPool {
    fn figures(&self) -> Option<DiskFigures> {
        Some(DiskFigures { free: 3_000, size: 4_000 })
    }
}

/// One breaker that is open, and one that was.
pub(crate) fn toy_parts() -> PartFigures {
    let parts = PartFigures::new();
    parts.opened("redis");
    parts.opened("sns");
    parts.closed("sns");
    parts
}

impl HashSource for ToyPool {
    fn figures(&self) -> HashFigures {
        HashFigures { waiting: 7, done: 40, waited: Duration::from_millis(1_500), shed: 2, abandoned: 3 }
    }
}

/// What does not depend on the machine, and on when this runs.
fn fixed(page: &str) -> String {
    let of_the_machine = |line: &&str| {
        let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        !name.starts_with("process_") || name.starts_with("process_start_time")
    };
    let lines: Vec<&str> = page.lines().filter(of_the_machine).collect();
    let started = builder::noon().timestamp().to_string();
    lines.join("\n").replace(&started, "START") + "\n"
}

fn with_token() -> Toy {
    Toy::with(|settings| {
        settings.metrics = MetricsAccess::Token(Digest::of(TOKEN.as_bytes()));
        settings.allowed_hosts = vec!["auth.example.com".to_owned()];
    })
}

fn sending(authorization: &str) -> TestRequest {
    get("/metrics").insert_header(("authorization", authorization))
}

fn waiting(answer: &Answer) -> &str {
    let line = answer.text.lines().find_map(|line| line.strip_prefix("auth_outbox_waiting "));
    line.unwrap_or_else(|| panic!("no figure: {}", answer.text))
}

#[actix_web::test]
async fn the_figures_are_text_that_prometheus_reads() {
    let answer = Toy::new().send(get("/metrics")).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(fixed(&answer.text), FIGURES);
}

#[actix_web::test]
async fn the_store_is_asked_once_in_five_seconds() {
    let toy = Toy::new();
    for _ in 0..3 {
        assert_eq!(waiting(&toy.send(get("/metrics")).await), "1");
    }
    toy.clock.advance(TimeDelta::milliseconds(4_999));
    assert_eq!(waiting(&toy.send(get("/metrics")).await), "1");
    toy.clock.advance(TimeDelta::milliseconds(1));
    let at_once = join_all((0..20).map(|_| toy.send(get("/metrics")))).await;
    assert!(at_once.iter().all(|answer| waiting(answer) == "2"));
    assert_eq!(toy.backlog.asked.load(Ordering::Relaxed), 2);
    assert_eq!(toy.limiter.admitted("http:GET /metrics:unknown"), 0, "no limit stands in the way");
}

#[actix_web::test]
async fn without_the_store_the_process_still_speaks() {
    let toy = Toy::new();
    toy.send(get("/metrics")).await;
    toy.clock.advance(TimeDelta::seconds(5));
    toy.backlog.is_down.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        let answer = toy.send(get("/metrics")).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text.contains("auth_build_info") && answer.text.contains("\nauth_store_up 0\n"));
        assert!(!answer.text.contains("auth_outbox") && !answer.text.contains("secret-host"));
    }
    assert_eq!(toy.backlog.asked.load(Ordering::Relaxed), 2, "nor is a store that is down asked more");
    toy.clock.advance(TimeDelta::seconds(5));
    toy.backlog.is_down.store(false, Ordering::Relaxed);
    assert_eq!(waiting(&toy.send(get("/metrics")).await), "3");
}

#[actix_web::test]
async fn only_the_token_opens_what_has_one() {
    let toy = with_token();
    for wrong in ["Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer ", "Bearer good"] {
        let answer = toy.send(sending(wrong)).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{wrong}");
        assert_eq!(answer.detail(), "Could not validate credentials");
    }
    for none in [get("/metrics"), sending("Basic 0123456789abcdef")] {
        let answer = toy.send(none).await;
        assert_eq!((answer.status, answer.detail().as_str()), (401, Some("Not authenticated")));
    }
    assert_eq!(toy.backlog.asked.load(Ordering::Relaxed), 0, "a stranger costs the store nothing");
    assert_eq!(waiting(&toy.send(sending(&format!("Bearer {TOKEN}"))).await), "1");
}

/// A replica behind a load balancer is scraped at an address of its own.
#[actix_web::test]
async fn any_host_will_do_for_the_figures_alone() {
    let toy = with_token();
    let host = ("host", "10.1.2.3:8000");
    let scraped = toy.send(sending(&format!("Bearer {TOKEN}")).insert_header(host)).await;
    assert_eq!(scraped.status, 200);
    for path in ["/toy/who", "/metrics/more"] {
        assert_eq!(toy.send(get(path).insert_header(host)).await.status, 400, "{path}");
    }
}

#[actix_web::test]
async fn closed_means_there_is_none() {
    let toy = Toy::with(|settings| settings.metrics = MetricsAccess::Closed);
    let answer = toy.send(sending(&format!("Bearer {TOKEN}"))).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("not_found")));
}

#[actix_web::test]
async fn answers_are_counted_by_route_and_limits_by_verdict() {
    let toy = Toy::with(|settings| settings.quotas = Quotas::per_minute(100, 1, 100));
    for _ in 0..2 {
        toy.send(get("/toy/me").insert_header(("authorization", "Bearer good"))).await;
    }
    toy.send(get("/toy/me")).await;
    let signed = || {
        let request = post("/toy/signed").insert_header(("authorization", "Bearer good"));
        toy.send(request.set_json(good()))
    };
    assert_eq!((signed().await.status, signed().await.status), (200, 429));
    toy.send(get("/toy/nowhere/eve@example.com")).await;
    toy.send(post("/toy/me")).await;
    toy.send(get("/toy/store-down")).await;
    let page = toy.send(get("/metrics")).await.text;
    for line in [
        "auth_http_requests_total{method=\"GET\",route=\"/toy/me\",status=\"200\"} 2",
        "auth_http_requests_total{method=\"GET\",route=\"/toy/me\",status=\"401\"} 1",
        "auth_http_requests_total{method=\"POST\",route=\"/toy/signed\",status=\"200\"} 1",
        "auth_http_requests_total{method=\"POST\",route=\"/toy/signed\",status=\"429\"} 1",
        "auth_http_requests_total{method=\"GET\",route=\"/toy/store-down\",status=\"503\"} 1",
        "auth_http_requests_total{method=\"any\",route=\"unmatched\",status=\"404\"} 1",
        "auth_http_requests_total{method=\"any\",route=\"unmatched\",status=\"405\"} 1",
        "auth_http_request_duration_seconds_count{method=\"GET\",route=\"/toy/me\"} 3",
        "auth_http_requests_in_flight 1",
        "auth_limit_verdicts_total{limit=\"default\",verdict=\"admitted\"} 2",
        "auth_limit_verdicts_total{limit=\"login\",verdict=\"admitted\"} 1",
        "auth_limit_verdicts_total{limit=\"login\",verdict=\"refused\"} 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is missing:\n{page}");
    }
    assert!(!page.contains("eve"), "nothing that a caller chose is on the page");
}

/// Nobody answers while the client hangs up, a handler panics or a deadline ends: all are counted as answered.
#[actix_web::test]
async fn what_ends_early_is_not_under_way_for_ever() {
    let toy = Toy::new();
    assert_eq!(toy.send(get("/toy/panic")).await.status, 500);
    assert_eq!(toy.send(get("/toy/slow")).await.status, 503);
    let page = toy.send(get("/metrics")).await.text;
    assert!(page.contains("auth_http_requests_in_flight 1\n"), "{page}");
    for (route, status) in [("panic", 500), ("slow", 503)] {
        let line = format!("route=\"/toy/{route}\",status=\"{status}\"}} 1\n");
        assert!(page.contains(&line), "{page}");
    }
}
