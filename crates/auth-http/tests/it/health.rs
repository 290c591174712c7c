//! Whether the server is ready: what it says, and what asking costs.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use auth_http::Probe;
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::timeout};

use crate::toy::{Toy, get};

const READY: &str = "/health/ready";
const HEALTH: &str = "/api/health";

/// Counts how often it is asked, and says what it is told to, or nothing.
pub(crate) struct ToyPart {
    asked: AtomicU32,
    is_down: AtomicBool,
    /// A place for each answer, as many as it likes unless it is silent.
    answers: Semaphore,
}

impl Default for ToyPart {
    fn default() -> Self {
        let answers = Semaphore::new(1000);
        Self { asked: AtomicU32::default(), is_down: AtomicBool::default(), answers }
    }
}

impl ToyPart {
    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    fn goes(&self, down: bool) {
        self.is_down.store(down, Ordering::Relaxed);
    }

    fn falls_silent(&self) {
        self.answers.forget_permits(1000);
    }

    fn speaks_again(&self) {
        self.answers.add_permits(1000);
    }
}

#[async_trait]
impl Probe for ToyPart {
    async fn is_up(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        // Whoever else asks at the same time gets to.
        tokio::task::yield_now().await;
        let _place = self.answers.acquire().await.expect("it is never closed");
        !self.is_down.load(Ordering::Relaxed)
    }
}

fn toy() -> Toy {
    Toy::whole_server(|_| {})
}

async fn statuses(toy: &Toy) -> [u16; 2] {
    [toy.send(get(READY)).await.status, toy.send(get(HEALTH)).await.status]
}

fn second(toy: &Toy) {
    toy.clock.advance(TimeDelta::seconds(1));
}

#[actix_web::test]
async fn however_many_probes_ask_each_part_is_asked_once_in_a_second() {
    let toy = toy();
    for round in 1..=3 {
        let paths = (0..40).map(|number| if number % 2 == 0 { READY } else { HEALTH });
        let answers = join_all(paths.map(|path| toy.send(get(path)))).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        toy.clock.advance(TimeDelta::milliseconds(999));
        assert_eq!(statuses(&toy).await, [200, 200]);
        assert_eq!((toy.store.asked(), toy.redis.asked()), (round, round));
        toy.clock.advance(TimeDelta::milliseconds(1));
    }
    for path in [READY, HEALTH] {
        assert_eq!(
            toy.limiter.admitted(&format!("http:GET {path}:unknown")),
            0,
            "no limit stands in the way"
        );
    }
}

#[actix_web::test]
async fn what_is_down_shows_within_a_second_and_so_does_its_return() {
    let toy = toy();
    assert_eq!(statuses(&toy).await, [200, 200]);
    toy.store.goes(true);
    second(&toy);
    let answer = toy.send(get(READY)).await;
    let parts = json!({ "store": "down", "redis": "up" });
    let expected = json!({ "status": "not_ready", "degraded": false, "dependencies": parts });
    assert_eq!((answer.status, answer.json()), (503, expected));
    let answer = toy.send(get(HEALTH)).await;
    assert_eq!((answer.status, answer.json()["code"].clone()), (503, Value::from("unavailable")));
    assert!(!answer.header("retry-after").is_empty());
    toy.store.goes(false);
    toy.redis.goes(true);
    second(&toy);
    assert_eq!(statuses(&toy).await, [200, 200]);
    let parts = json!({ "store": "up", "redis": "down" });
    let expected = json!({ "status": "ready", "degraded": true, "dependencies": parts });
    assert_eq!(toy.send(get(READY)).await.json(), expected);
}

#[actix_web::test]
async fn a_part_that_is_silent_is_down_in_time_and_asked_no_more_meanwhile() {
    let toy = toy();
    assert_eq!(statuses(&toy).await, [200, 200]);
    toy.store.falls_silent();
    second(&toy);
    for _ in 0..2 {
        let begun = Instant::now();
        let answers = join_all((0..20).map(|_| toy.send(get(READY)))).await;
        assert!(answers.iter().all(|answer| answer.status == 503));
        // One second more, in which an answer is kept, and it is two at most.
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        second(&toy);
    }
    assert_eq!((toy.store.asked(), toy.redis.asked()), (2, 3), "the question is still open");
    toy.store.speaks_again();
    assert_eq!(statuses(&toy).await, [200, 200]);
}

#[actix_web::test]
async fn whoever_hangs_up_has_nothing_asked_anew() {
    let toy = toy();
    toy.store.falls_silent();
    for _ in 0..5 {
        let gone = timeout(Duration::from_millis(5), toy.send(get(READY))).await;
        assert!(gone.is_err());
    }
    assert_eq!(toy.store.asked(), 1);
    // It answers when nobody listens, and then falls.
    toy.store.speaks_again();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    toy.store.goes(true);
    assert_eq!(toy.store.asked(), 1);
    second(&toy);
    assert_eq!(statuses(&toy).await, [503, 503]);
    assert_eq!(toy.store.asked(), 2);
}

#[actix_web::test]
async fn a_server_that_drains_says_so_at_once() {
    let toy = toy();
    assert_eq!(statuses(&toy).await, [200, 200]);
    toy.drain.begin();
    let answer = toy.send(get(READY)).await;
    assert_eq!((answer.status, answer.json()["status"].clone()), (503, Value::from("draining")));
    assert_eq!(toy.store.asked(), 1);
}
