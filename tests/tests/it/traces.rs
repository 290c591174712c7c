//! Traces: what a collector is told of a login, and that nobody needs one.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

use auth_testkit::part::free_port;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    cognito::{self, PoolSettings},
    harness::{
        Answer, Api, PASSWORD,
        collector::{Collector, Span},
        process::Process,
    },
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A server that hands traces to `endpoint`.
fn server(directory: &tempfile::TempDir, endpoint: &str, more: &[(&str, &str)]) -> Process {
    let traces = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_SERVICE_NAME", "auth-test")];
    Process::start(directory.path(), &[&traces, more].concat())
}

async fn login(api: &Api, flags: &str) {
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let request = api.request(Method::POST, "/api/auth/login").json(&body);
    let request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-{flags}"));
    Answer::of(request.send().await).await.expect(StatusCode::OK);
}

/// The children of a span by that name.
fn children<'a>(spans: &'a [Span], parent: &str, name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.parent == parent && span.name == name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_sees_a_login_as_part_of_its_callers_trace() {
    let (collector, directory) = (Collector::start(), tempfile::tempdir().expect("a directory"));
    let mut server = server(&directory, &collector.endpoint(), &[]);
    let api = Api::at(server.base());
    let tokens = api.signed_in("ada@example.com").await;
    login(&api, "01").await;
    assert!(server.stop().success(), "{}", server.log());
    // Nothing is asked for again: what was under way when the server stopped has come.
    let all = collector.spans();
    let spans: Vec<Span> = all.iter().filter(|span| span.trace == TRACE).cloned().collect();
    let one = |parent: &str, name: &str| match children(&spans, parent, name).as_slice() {
        [span] => span.id.clone(),
        other => panic!("{name} of {parent}: {other:?} of {spans:#?}"),
    };
    let request = one(CALLER, "POST /api/auth/login");
    let use_case = one(&request, "login");
    let hash = one(&use_case, "hash");
    one(&hash, "hash wait");
    one(&hash, "hash compute");
    assert_eq!(children(&spans, &use_case, "store transaction").len(), 2, "{spans:#?}");
    // The other requests began traces of their own.
    let registering = all.iter().find(|span| span.name == "POST /api/auth/register").expect("a registration");
    assert!(registering.parent.is_empty() && registering.trace != TRACE, "{registering:?}");
    let told = String::from_utf8_lossy(&collector.received()).into_owned();
    assert!(told.contains("auth-test"), "the service has the name that was set");
    for personal in ["ada@", "example.com", PASSWORD, "127.0.0.1", &tokens.access, &tokens.refresh] {
        assert!(!told.contains(personal), "{personal} left the server");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_are_asked_for_is_a_span() {
    let (collector, directory) = (Collector::start(), tempfile::tempdir().expect("a directory"));
    let cognito = PoolSettings::new();
    cognito.add("ada@example.com").await;
    let mut server = server(&directory, &collector.endpoint(), &cognito.values());
    let api = Api::at(server.base());
    cognito::signed_in(&api, "ada@example.com").await;
    assert!(server.stop().success(), "{}", server.log());
    let spans = collector.spans();
    let call = spans.iter().find(|span| span.name == "cognito call").expect("a call to Cognito");
    let caller = spans.iter().find(|span| span.id == call.parent).expect("somebody who asked");
    assert_eq!(caller.name, "cognito::login", "{spans:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sampled_stays_here() {
    let (collector, directory) = (Collector::start(), tempfile::tempdir().expect("a directory"));
    let mut sampling_none = server(&directory, &collector.endpoint(), &[("OTEL_TRACES_SAMPLER_ARG", "0")]);
    let api = Api::at(sampling_none.base());
    api.signed_in("ada@example.com").await;
    login(&api, "01").await;
    assert!(sampling_none.stop().success());
    assert!(collector.received().is_empty(), "a stranger's mark does not have it kept");
    let mut sampling_all = server(&directory, &collector.endpoint(), &[]);
    let api = Api::at(sampling_all.base());
    login(&api, "00").await;
    api.login("ada@example.com", PASSWORD).await.expect(StatusCode::OK);
    assert!(sampling_all.stop().success());
    let spans = collector.spans();
    assert!(!spans.is_empty() && spans.iter().all(|span| span.trace != TRACE), "{spans:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_harms_nobody() {
    // Takes connections, and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let ports = [free_port(), silent.local_addr().expect("a bound listener").port()];
    for port in ports {
        let directory = tempfile::tempdir().expect("a directory");
        let mut server = server(&directory, &format!("http://127.0.0.1:{port}"), &[]);
        let api = Api::at(server.base());
        let tokens = api.signed_in("ada@example.com").await;
        for _ in 0..500 {
            api.get("/api/auth/me", &tokens.access).await.expect(StatusCode::OK);
        }
        let begun = Instant::now();
        assert!(server.stop().success(), "{}", server.log());
        // Those that wait may take three seconds at the end, and a machine under load some more.
        assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_anything_unless_it_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Process::start(directory.path(), &[]);
    let api = Api::at(server.base());
    api.signed_in("ada@example.com").await;
    login(&api, "01").await;
    assert!(server.stop().success());
    assert!(!server.log().contains("auth_trace") && !server.log().contains(TRACE), "{}", server.log());
}
