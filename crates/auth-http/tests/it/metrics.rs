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
    metrics::{BacklogSource, HashFigures, HashSource},
    settings::MetricsAccess,
};
use chrono::TimeDelta;
use futures_util::future::join_all;

use crate::toy::{Answer, Toy, get};

const TOKEN: &str = "0123456789abcdef";

const FIGURES: &str = "\
# HELP auth_build_info The version that runs; always 1.
# TYPE auth_build_info gauge
auth_build_info{version=\"1.2.3\"} 1
# HELP auth_connections_refused_total Connections beyond what one address may have.
# TYPE auth_connections_refused_total counter
auth_connections_refused_total 0
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
# HELP auth_store_up Whether the store answered: 1, or 0.
# TYPE auth_store_up gauge
auth_store_up 1
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

/// A pool that has done a little.
pub(crate) struct ToyPool;

impl HashSource for ToyPool {
    fn figures(&self) -> HashFigures {
        HashFigures { waiting: 7, done: 40, waited: Duration::from_millis(1_500), shed: 2, abandoned: 3 }
    }
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
    assert_eq!(answer.text, FIGURES);
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
    assert_eq!(toy.send(sending(&format!("Bearer {TOKEN}"))).await.text, FIGURES);
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
