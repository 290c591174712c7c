//! The first gate: what a flood from one address meets.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};

use crate::harness::{Answer, TestServer};

/// Sixty at once, as many as one route admits in a minute, and one a second after that.
const SLOW: [(&str, &str); 4] = [
    ("EDGE_REQUESTS_PER_SECOND", "1"),
    ("RATE_LIMIT_PER_MINUTE", "10"),
    ("RATE_LIMIT_LOGIN_PER_MINUTE", "5"),
    ("RATE_LIMIT_PASSWORD_RESET_PER_MINUTE", "3"),
];
const BURST: usize = 60;

async fn behind_a_proxy() -> TestServer {
    TestServer::with(&[&SLOW[..], &[("TRUSTED_PROXIES", "127.0.0.0/8")]].concat()).await
}

async fn answer(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await).await
}

/// How many of so many calls the gate let through.
async fn admitted(
    server: &TestServer,
    calls: usize,
    header: impl Fn(usize) -> (&'static str, String),
) -> usize {
    let mut admitted = 0;
    for call in 0..calls {
        let (name, value) = header(call);
        let answer = answer(server.request(Method::GET, "/nowhere").header(name, value)).await;
        admitted += usize::from(answer.status.as_u16() == 404);
    }
    admitted
}

#[tokio::test]
async fn a_flood_is_turned_away_in_our_own_form() {
    let server = TestServer::with(&SLOW).await;
    let begun = Instant::now();
    let refused = loop {
        let answer = answer(server.request(Method::GET, "/nowhere")).await;
        if answer.status.as_u16() == 429 {
            break answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "a client this fast is turned away");
    };
    refused.refused(429, "1 per 1 second");
    assert_eq!(refused.body["code"], "rate_limited");
    for name in ["x-request-id", "content-security-policy", "x-content-type-options", "cache-control"] {
        assert!(refused.headers.contains_key(name), "{refused:?} lacks {name}");
    }
    assert!(!refused.headers.keys().any(|name| name.as_str().starts_with("x-ratelimit")), "{refused:?}");

    let problem = server.request(Method::GET, "/nowhere").header("accept", "application/problem+json");
    let problem = answer(problem).await;
    assert_eq!(problem.headers["content-type"], "application/problem+json");
    assert_eq!((&problem.body["status"], &problem.body["code"]), (&429.into(), &"rate_limited".into()));

    for path in ["/health/live", "/health/ready", "/api/health", "/metrics", "/.well-known/jwks.json"] {
        for _ in 0..5 {
            let probe = answer(server.request(Method::GET, path)).await;
            assert_eq!(probe.status.as_u16(), 200, "{path} is exempt: {probe:?}");
        }
    }
    let figures = answer(server.request(Method::GET, "/metrics")).await.body;
    let figures = figures.as_str().expect("text").to_owned();
    assert!(
        figures.lines().any(|line| line.starts_with("auth_edge_refused_total ") && !line.ends_with(" 0"))
    );

    let wait = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    let again = answer(server.request(Method::GET, "/nowhere")).await;
    assert_eq!(again.status.as_u16(), 404, "waiting as long as it says is enough");
}

#[tokio::test]
async fn no_header_of_a_stranger_opens_the_gate() {
    let server = TestServer::with(&SLOW).await;
    let begun = Instant::now();
    let names = ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip"];
    let header = |call: usize| {
        let name = names[call % names.len()];
        let ip = format!("198.51.100.{}", call % 250);
        (name, if name == "forwarded" { format!("for={ip}") } else { ip })
    };
    let passed = admitted(&server, 3 * BURST, header).await;
    let refilled = usize::try_from(begun.elapsed().as_secs()).expect("seconds") + 1;
    assert!((BURST..=BURST + refilled).contains(&passed), "{passed}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_a_gate_of_its_own() {
    let server = behind_a_proxy().await;
    let by_itself =
        admitted(&server, 2 * BURST, |call| ("x-forwarded-for", format!("198.51.100.{call}"))).await;
    assert_eq!(by_itself, 2 * BURST);
    let begun = Instant::now();
    let network = |call: usize| ("x-forwarded-for", format!("2001:db8:0:7:{:x}::1", call % 40));
    let passed = admitted(&server, 3 * BURST, network).await;
    let refilled = usize::try_from(begun.elapsed().as_secs()).expect("seconds") + 1;
    assert!((BURST..=BURST + refilled).contains(&passed), "40 addresses of one /64 are one client: {passed}");
    let other = admitted(&server, 5, |_| ("x-forwarded-for", "2001:db8:0:8::1".to_owned())).await;
    assert_eq!(other, 5);
}
