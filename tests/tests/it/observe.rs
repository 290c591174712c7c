//! What an operator sees: figures, alerts, a dashboard, logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use auth_testkit::part::free_port;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    cognito::{self, PoolSettings},
    harness::{
        Answer, Api, PASSWORD, TestServer,
        parts::{REDIS, Replicas, database},
        process::Process,
    },
};

/// The series of a page and their values.
struct Page(BTreeMap<String, f64>);

impl Page {
    async fn of(api: &Api) -> Self {
        let answer = Answer::of(api.request(Method::GET, "/metrics").send().await).await;
        let Value::String(text) = answer.expect(StatusCode::OK).body else { panic!("no text") };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            (name.to_owned(), value.parse().expect("a number"))
        });
        Self(series.collect())
    }

    /// Names as they stand before labels.
    fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(|series| series.split('{').next().expect("a name")).collect()
    }

    /// Names of metrics: a histogram has one.
    fn families(&self) -> BTreeSet<&str> {
        let is_histogram = |name: &str| self.names().contains(format!("{name}_bucket").as_str());
        let family = |name| {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| str::strip_suffix(name, end));
            base.filter(|base| is_histogram(base)).unwrap_or(name)
        };
        self.names().into_iter().map(family).collect()
    }

    /// The series of `name` that are not zero, without the name.
    fn counted(&self, name: &str) -> BTreeMap<String, u64> {
        let of = |(series, value): (&String, &f64)| {
            let labels = series.strip_prefix(name)?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            (labels.starts_with('{') && *value > 0.0).then(|| (labels.to_owned(), *value as u64))
        };
        self.0.iter().filter_map(of).collect()
    }
}

fn counts<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<String, u64> {
    expected.into_iter().map(|(labels, count)| (labels.to_owned(), count)).collect()
}

fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("auth_") || word.starts_with("process_")).collect()
}

/// Somebody registers, mistypes, signs in, looks around, and has a token stolen.
async fn live_through_a_story(api: &Api) {
    let tokens = api.signed_in("ada@example.com").await;
    for password in ["wrong", "wrong as well"] {
        api.login("ada@example.com", password).await.expect(StatusCode::UNAUTHORIZED);
    }
    api.login("nobody@example.com", PASSWORD).await.expect(StatusCode::UNAUTHORIZED);
    for _ in 0..3 {
        api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    }
    api.get("/api/auth/me", "nonsense").await.expect(StatusCode::UNAUTHORIZED);
    let spent = json!({"refresh_token": tokens.refresh});
    let next = api.post("/api/auth/refresh", &spent).await.tokens();
    let next = json!({"refresh_token": next.refresh});
    api.post("/api/auth/refresh", &next).await.tokens();
    api.post("/api/auth/refresh", &spent).await.expect(StatusCode::UNAUTHORIZED);
    api.get("/api/nowhere/eve@example.com?token=x", &tokens.access).await.expect(StatusCode::NOT_FOUND);
    api.post("/api/auth/register", &json!({"email": "nonsense"}))
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn every_counter_tells_what_happened() {
    let server = TestServer::with(&[("REFRESH_GRACE_SECONDS", "0")]).await;
    live_through_a_story(&server).await;
    let page = Page::of(&server).await;
    let mut requests = page.counted("auth_http_requests_total");
    // How often the mailbox is looked into depends on how fast the mail comes.
    requests.retain(|labels, _| !labels.contains("/dev/messages"));
    let expected = counts([
        ("{method=\"GET\",route=\"/api/auth/me\",status=\"200\"}", 3),
        ("{method=\"GET\",route=\"/api/auth/me\",status=\"401\"}", 1),
        ("{method=\"POST\",route=\"/api/auth/login\",status=\"200\"}", 1),
        ("{method=\"POST\",route=\"/api/auth/login\",status=\"401\"}", 3),
        ("{method=\"POST\",route=\"/api/auth/refresh\",status=\"200\"}", 2),
        ("{method=\"POST\",route=\"/api/auth/refresh\",status=\"401\"}", 1),
        ("{method=\"POST\",route=\"/api/auth/register\",status=\"201\"}", 1),
        ("{method=\"POST\",route=\"/api/auth/register\",status=\"422\"}", 1),
        ("{method=\"POST\",route=\"/api/auth/verify-email\",status=\"200\"}", 1),
        ("{method=\"any\",route=\"unmatched\",status=\"404\"}", 1),
    ]);
    assert_eq!(requests, expected);
    let mut timed = page.counted("auth_http_request_duration_seconds_count");
    timed.retain(|labels, _| !labels.contains("/dev/messages"));
    let answered: BTreeMap<&str, u64> = requests.iter().fold(BTreeMap::new(), |mut sums, (labels, count)| {
        *sums.entry(labels.split(",status").next().unwrap_or_default()).or_default() += count;
        sums
    });
    let timed: BTreeMap<&str, u64> =
        timed.iter().map(|(labels, count)| (labels.trim_end_matches('}'), *count)).collect();
    assert_eq!(timed, answered, "every answer is timed");

    let logins =
        counts([("{outcome=\"fail\",provider=\"native\"}", 3), ("{outcome=\"ok\",provider=\"native\"}", 1)]);
    assert_eq!(page.counted("auth_logins_total"), logins);
    let events = counts([
        ("{event=\"config.loaded\"}", 1),
        ("{event=\"email.verified\"}", 1),
        ("{event=\"key.rotated\"}", 1),
        ("{event=\"login.fail\"}", 3),
        ("{event=\"login.ok\"}", 1),
        ("{event=\"refresh.ok\"}", 2),
        ("{event=\"refresh.reuse\"}", 1),
        ("{event=\"register\"}", 1),
    ]);
    assert_eq!(page.counted("auth_events_total"), events);
    let mut verdicts = page.counted("auth_limit_verdicts_total");
    // The mailbox again.
    verdicts.remove("{limit=\"default\",verdict=\"admitted\"}");
    let expected = counts([
        ("{limit=\"general\",verdict=\"admitted\"}", 1),
        ("{limit=\"login\",verdict=\"admitted\"}", 4),
    ]);
    assert_eq!(verdicts, expected);
    let figure = |name: &str| page.0[name];
    // A password is judged and hashed once, and compared four times; nobody was turned away.
    assert!((figure("auth_hash_jobs_total") - 6.0).abs() < 0.1, "{}", figure("auth_hash_jobs_total"));
    for nothing in [
        "auth_hash_shed_total",
        "auth_hash_abandoned_total",
        "auth_edge_refused_total",
        "auth_connections_refused_total",
        "auth_limits_degraded",
        "auth_outbox_dead",
    ] {
        assert!(figure(nothing) == 0.0, "{nothing}: {}", figure(nothing));
    }
    assert_eq!(page.counted("auth_breaker_opened_total"), counts([]));
    assert_eq!(page.counted("auth_dependency_up"), counts([("{part=\"store\"}", 1)]));
    assert!(figure("auth_http_requests_in_flight") >= 1.0 && figure("auth_connections_open") >= 1.0);
    assert!(figure("auth_connections_total") >= figure("auth_connections_open"));
    assert!(figure("process_resident_memory_bytes") > 1e6 && figure("process_open_fds") > 3.0);
    assert!(figure("auth_disk_size_bytes") > figure("auth_disk_free_bytes"));
    assert!(figure("auth_audit_unsigned_seconds") < 120.0);
    for chosen in ["eve@", "ada@", "nobody@", "token=x"] {
        assert!(!page.0.keys().any(|series| series.contains(chosen)), "{chosen} is on the page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_at_cognito_are_told_from_those_here() {
    let cognito = PoolSettings::new();
    let api = cognito.serve().await;
    cognito.add("ada@example.com").await;
    let tokens = cognito::signed_in(&api, "ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        cognito::login(&api, email, "Another-w0rd").await.expect(StatusCode::UNAUTHORIZED);
    }
    api.login("ada@example.com", PASSWORD).await.expect(StatusCode::UNAUTHORIZED);
    api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    let logins = counts([
        ("{outcome=\"fail\",provider=\"cognito\"}", 2),
        ("{outcome=\"fail\",provider=\"native\"}", 1),
        ("{outcome=\"ok\",provider=\"cognito\"}", 1),
    ]);
    assert_eq!(Page::of(&api).await.counted("auth_logins_total"), logins);
}

/// The page of a server with everything there is, after somebody has used it.
async fn whole_page() -> Page {
    let replicas = Replicas::start(1, &database(), &REDIS.url(), &[]);
    let api = replicas.api(0);
    let tokens = api.signed_in("ada@example.com").await;
    api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
    Page::of(&api).await
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_alerts_and_dashboard_name_what_there_is() {
    let page = whole_page().await;
    let documents = read("docs/operations.md");
    let (_, monitoring) = documents.split_once("\n## Monitoring\n").expect("a chapter on monitoring");
    let (monitoring, rest) = monitoring.split_once("\n## Alerts\n").expect("a chapter on alerts");
    let documented: BTreeSet<&str> =
        monitoring.lines().filter(|line| line.starts_with("| `")).flat_map(names).collect();
    assert_eq!(documented, page.families(), "the table in docs/operations.md, and the page");

    let alerts = read("config/alerts.yml");
    let rules: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    let called = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let called: BTreeSet<&str> = called.collect();
    assert!(rules.len() > 15 && rules.len() == called.len(), "one line of rule for each alert");
    let (table, _) = rest.split_once("\n## Logs\n").expect("a chapter on logs");
    let told: BTreeSet<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(told, called, "the alerts in docs/operations.md, and those in config/alerts.yml");

    let dashboard: Value = serde_json::from_str(&read("config/grafana-dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let shown: Vec<&str> = targets.map(|target| target["expr"].as_str().expect("an expression")).collect();
    assert!(shown.len() > 30, "{}", shown.len());
    for expression in rules.into_iter().chain(shown) {
        for name in names(expression) {
            assert!(page.names().contains(name), "{name} of {expression} is not on the page");
        }
        for value in exact_values(expression).filter(|value| *value != "job=\"auth-server\"") {
            assert!(page.0.keys().any(|series| series.contains(value)), "{value} of {expression}");
        }
    }
}

/// Labels that an expression compares with one value.
fn exact_values(expression: &str) -> impl Iterator<Item = &str> {
    let selectors = expression.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    selectors.flat_map(|labels| labels.split(',')).filter(|label| label.contains("=\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_away_shows() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let nowhere = format!("redis://127.0.0.1:{}", free_port());
    let server = Process::start(directory.path(), &[("REDIS_URL", &nowhere)]);
    let api = Api::at(server.base());
    let before = Page::of(&api).await;
    assert_eq!(before.counted("auth_breaker_open"), counts([]));
    assert_eq!(before.counted("auth_dependency_up"), counts([("{part=\"store\"}", 1)]));
    for number in 0..6 {
        api.login(&format!("nobody-{number}@example.com"), PASSWORD).await.expect(StatusCode::UNAUTHORIZED);
    }
    let page = Page::of(&api).await;
    let redis = || counts([("{part=\"redis\"}", 1)]);
    assert_eq!(
        (page.counted("auth_breaker_open"), page.counted("auth_breaker_opened_total")),
        (redis(), redis())
    );
    assert!(page.0["auth_limits_degraded"] > 0.5 && page.0["auth_dependency_up{part=\"redis\"}"] == 0.0);
    let throttled = page.counted("auth_limit_verdicts_total");
    assert_eq!(throttled.get("{limit=\"login\",verdict=\"admitted\"}"), Some(&6), "limits go on");
}

/// The log of a server, once the answer to a request of this id is in it.
async fn logged(server: &Process, request: &str) -> String {
    for _ in 0..200 {
        let log = server.log();
        if log.lines().any(|line| line.contains("\"answered\"") && line.contains(request)) {
            return log;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("nothing of {request} is logged:\n{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_line_of_the_log() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let server = Process::start(directory.path(), &[]);
    let api = Api::at(server.base());
    let tokens = api.signed_in("ada@example.com").await;
    Answer::of(api.request(Method::GET, "/health/live").send().await).await.expect(StatusCode::OK);
    let me = api.request(Method::GET, "/api/auth/me?token=hunter2").header("x-request-id", "asked-for-me");
    Answer::of(me.bearer_auth(&tokens.access).send().await).await.expect(StatusCode::OK);
    let log = logged(&server, "asked-for-me").await;
    let answered = || {
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == "answered")
    };
    let of_me: Vec<Value> = answered().filter(|line| line["request_id"] == "asked-for-me").collect();
    let [line] = of_me.as_slice() else { panic!("{of_me:?}") };
    let fields = ["level", "tenant", "method", "route", "status", "network"];
    let shown: Vec<&Value> = fields.iter().map(|name| &line[name]).collect();
    assert_eq!(json!(shown), json!(["INFO", "default", "GET", "/api/auth/me", 200, "127.0.0.0"]), "{line}");
    let login = answered().find(|line| line["route"] == "/api/auth/login").expect("a line of the login");
    assert!(line["user"].is_i64() && login["user"] == line["user"], "who signed in is known: {login}");
    assert!(!answered().any(|line| line["route"] == "/health/live"), "probes are not written");
    for secret in ["hunter2", "ada@example.com", &tokens.access, &tokens.refresh, PASSWORD] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
