//! When a part is down: what goes on, what is refused, and how soon all is well again.
#![expect(clippy::print_stderr, reason = "tells what was measured")]

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Answer, Api, PASSWORD, Tokens,
    parts::{POSTGRES, REDIS, SECRET},
    process::{Process, run},
    proxy::{Line, Proxy},
};

/// The longest that any answer may take (invariant I8).
const DEADLINE: Duration = Duration::from_secs(10);
/// How soon after a fault the service must be as before (invariant I12).
const RECOVERY: Duration = Duration::from_secs(30);
/// How soon readiness must show a fault.
const NOTICED: Duration = Duration::from_secs(2);

/// A server whose lines to PostgreSQL and Redis can be cut.
struct Bench {
    api: Api,
    postgres: Proxy,
    redis: Proxy,
    database: String,
    numbers: u32,
    tokens: Tokens,
    _process: Process,
    _directory: TempDir,
}

impl Bench {
    async fn start(more: &[(&str, &str)]) -> Self {
        let (postgres, redis) = (Proxy::to(POSTGRES.port()).await, Proxy::to(REDIS.port()).await);
        let database = POSTGRES.database();
        let database_url = format!("postgres://postgres@127.0.0.1:{}/{database}", postgres.port());
        let redis_url = format!("redis://127.0.0.1:{}", redis.port());
        let prefix = format!("{database}:");
        let settings: Vec<(&str, &str)> = [
            ("DATABASE_URL", database_url.as_str()),
            ("REDIS_URL", &redis_url),
            ("REDIS_KEY_PREFIX", &prefix),
            ("SECRET_KEY", SECRET),
            ("PUBLIC_URL", "http://auth.test"),
        ]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
        let migrated = tokio::task::block_in_place(|| run(&["migrate"], &settings));
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let directory = TempDir::new().expect("a temporary directory");
        let process = tokio::task::block_in_place(|| Process::start(directory.path(), &settings));
        let api = Api::at(process.base());
        let tokens = api.signed_in("ada@example.com").await;
        Self { api, postgres, redis, database, numbers: 0, tokens, _process: process, _directory: directory }
    }

    /// Has the server make `connections` to PostgreSQL: so many calls at once that all are needed.
    async fn warm(&self, connections: usize) {
        let open = || {
            let sql = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            POSTGRES.sql(&self.database, sql).parse::<usize>().expect("a number")
        };
        let begun = Instant::now();
        // The reserved ones come on top.
        while open() < connections + 1 {
            assert!(begun.elapsed() < DEADLINE, "{} connections", open());
            let mut calls = tokio::task::JoinSet::new();
            for _ in 0..8 * connections {
                let (api, access) = (self.api.clone(), self.tokens.access.clone());
                calls.spawn(async move { api.get("/api/auth/sessions", &access).await });
            }
            calls.join_all().await;
            self.readiness().await;
        }
    }

    /// One call of every kind, with the answer and the time it took.
    async fn calls(&mut self) -> Vec<(&'static str, Answer, Duration)> {
        self.numbers += 1;
        let new = format!("new{}@example.com", self.numbers);
        let refresh = self.api.clone();
        let (api, access) = (&self.api, &self.tokens.access);
        let mut calls = Vec::new();
        let mut note = |name, (answer, took): (Answer, Duration)| calls.push((name, answer, took));
        note("register", timed(api.register(&new)).await);
        note("login", timed(api.login("ada@example.com", PASSWORD)).await);
        note(
            "forgot",
            timed(api.post("/api/auth/forgot-password", &json!({"email": "ada@example.com"}))).await,
        );
        let reset = json!({"token": "A".repeat(43), "new_password": "An0ther&Zebra&1"});
        note("reset", timed(api.post("/api/auth/reset-password", &reset)).await);
        let token = json!({"refresh_token": self.tokens.refresh});
        let refreshed = timed(refresh.post("/api/auth/refresh", &token)).await;
        if refreshed.0.status == StatusCode::OK {
            let next = refreshed.0.body["refresh_token"].as_str().expect("a token");
            next.clone_into(&mut self.tokens.refresh);
        }
        note("refresh", refreshed);
        note("me", timed(api.get("/api/auth/me", access)).await);
        note("sessions", timed(api.get("/api/auth/sessions", access)).await);
        for (name, path) in
            [("jwks", "/.well-known/jwks.json"), ("live", "/health/live"), ("ready", "/health/ready")]
        {
            let answer = async { Answer::of(api.request(Method::GET, path).send().await).await };
            note(name, timed(answer).await);
        }
        calls
    }

    /// Expects these statuses of all calls, in their order; prints what was measured.
    async fn expect(&mut self, state: &str, expected: [u16; 10]) {
        let calls = self.calls().await;
        let line: Vec<String> = calls
            .iter()
            .map(|(name, answer, took)| format!("{name} {} {} ms", answer.status.as_u16(), took.as_millis()))
            .collect();
        eprintln!("{state}: {}", line.join(", "));
        let statuses: Vec<u16> = calls.iter().map(|(_, answer, _)| answer.status.as_u16()).collect();
        assert_eq!(statuses, expected, "{state}");
        for (name, answer, took) in &calls {
            assert!(*took < DEADLINE, "{state}: {name} took {took:?}");
            if answer.status == StatusCode::SERVICE_UNAVAILABLE && *name != "ready" {
                assert!(answer.headers.contains_key("retry-after"), "{state}: {name} {answer:?}");
                assert_eq!(answer.body["code"], "unavailable", "{state}: {name} {answer:?}");
            }
        }
    }

    /// What the audit log tells of parts, oldest first, like `breaker.open redis`.
    fn events_of_parts(&self) -> Vec<String> {
        let sql = "SELECT event || ' ' || (details -> 0 ->> 1) FROM audit_events
                   WHERE event LIKE 'limits.%' OR event LIKE 'breaker.%' ORDER BY seq";
        POSTGRES.sql(&self.database, sql).lines().map(str::to_owned).collect()
    }

    async fn readiness(&self) -> Value {
        Answer::of(self.api.request(Method::GET, "/health/ready").send().await).await.body
    }

    /// Waits until readiness shows a fault that began just now.
    async fn shows(&self, fault: &str, is_shown: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        loop {
            let readiness = self.readiness().await;
            if is_shown(&readiness) {
                break;
            }
            assert!(begun.elapsed() < NOTICED, "{fault}: {readiness}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        eprintln!("{fault}: readiness shows it after {} ms", begun.elapsed().as_millis());
        assert!(begun.elapsed() < NOTICED, "{fault}");
    }

    /// Waits until everything works as before.
    async fn recovers(&mut self, fault: &str) {
        let begun = Instant::now();
        loop {
            let calls = self.calls().await;
            let statuses: Vec<u16> = calls.iter().map(|(_, answer, _)| answer.status.as_u16()).collect();
            let all_up = json!({"store": "up", "redis": "up"});
            if statuses == WELL && self.readiness().await["dependencies"] == all_up {
                break;
            }
            assert!(begun.elapsed() < RECOVERY, "{fault}: {statuses:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        eprintln!("{fault}: all well again after {} ms", begun.elapsed().as_millis());
    }
}

async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let answer = call.await;
    (answer, begun.elapsed())
}

/// What the calls answer when nothing is wrong.
const WELL: [u16; 10] = [201, 200, 200, 400, 200, 200, 200, 200, 200, 200];
/// What they answer without the store: nothing that would have to skip a check.
const NO_STORE: [u16; 10] = [503, 503, 503, 503, 503, 503, 503, 200, 200, 503];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_everything_goes_on_with_local_limits() {
    let mut bench = Bench::start(&[]).await;
    bench.expect("all well", WELL).await;
    for (fault, line) in [("redis gone", Line::Cut), ("redis silent", Line::Silent)] {
        bench.redis.set(line);
        bench.expect(fault, WELL).await;
        let parts = json!({"store": "up", "redis": "down"});
        let is_shown = |seen: &Value| seen["degraded"] == true && seen["dependencies"] == parts;
        bench.shows(fault, is_shown).await;
        bench.redis.set(Line::Open);
        bench.recovers(fault).await;
    }
    let begun = Instant::now();
    loop {
        // Limits count as shared once Redis has answered for a while.
        bench.calls().await;
        let events = bench.events_of_parts();
        assert_eq!(events.iter().find(|event| event.starts_with("limits")).unwrap(), "limits.degraded redis");
        assert_eq!(events.iter().find(|event| event.starts_with("breaker")).unwrap(), "breaker.open redis");
        let last = |kind| events.iter().rfind(|event| event.starts_with(kind)).unwrap().as_str();
        if (last("limits"), last("breaker")) == ("limits.restored redis", "breaker.closed redis") {
            break;
        }
        assert!(begun.elapsed() < RECOVERY, "{events:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_replica_admits_its_part() {
    let bench = Bench::start(&[("REPLICAS", "3"), ("RATE_LIMIT_LOGIN_PER_MINUTE", "9")]).await;
    bench.redis.set(Line::Cut);
    crate::replicas::early_in_a_minute().await;
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(bench.api.login(&format!("n{number}@example.com"), PASSWORD).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_store_calls_are_refused_in_time_and_no_check_is_skipped() {
    let mut bench = Bench::start(&[]).await;
    for (fault, line) in [("postgres gone", Line::Cut), ("postgres silent", Line::Silent)] {
        bench.postgres.set(line);
        bench.shows(fault, |seen| seen["status"] == "not_ready").await;
        bench.expect(fault, NO_STORE).await;
        bench.expect(fault, NO_STORE).await;
        bench.postgres.set(Line::Open);
        bench.recovers(fault).await;
    }
}

/// A host that loses its power sends no farewell. It, or its standby, is reachable anew at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_postgres_that_vanished_costs_one_wait_and_not_one_for_each_connection() {
    let mut bench = Bench::start(&[]).await;
    bench.warm(16).await;
    bench.postgres.vanish();
    let (begun, mut refused, mut last) = (Instant::now(), Vec::new(), Duration::ZERO);
    for _ in 0..40 {
        let answer = bench.api.get("/api/auth/sessions", &bench.tokens.access).await;
        if answer.status != StatusCode::OK {
            refused.push(answer.status.as_u16());
            last = begun.elapsed();
        }
    }
    eprintln!("postgres vanished: {} refused, the last after {} ms", refused.len(), last.as_millis());
    assert!(refused.len() <= 2 && refused.iter().all(|status| *status == 503), "{refused:?}");
    assert!(last < DEADLINE, "{last:?}");
    bench.recovers("postgres vanished").await;
    assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
}
