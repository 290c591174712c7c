//! The service, well and ill.

use std::time::{Duration, Instant};

use auth_breach::{RangeApi, RangeConfig};
use auth_domain::port::BreachedPasswords as _;
use auth_testkit::part::ranges::{RangeMode, RangeServer, sha1};

use crate::{chain, password};

const KNOWN: &str = "Tr0ubador&3";
const FRESH: &str = "nobody ever had this one";

fn api(server: &RangeServer) -> RangeApi {
    RangeApi::new(&RangeConfig { url: server.url(), ca_file: None }).expect("an address that can be asked")
}

#[tokio::test]
async fn knows_what_the_service_lists_and_nothing_else() {
    let server = RangeServer::start(&[KNOWN, "caf\u{e9} au lait"]);
    let api = api(&server);
    assert!(api.contains(&password(KNOWN)).await.unwrap());
    assert!(!api.contains(&password(FRESH)).await.unwrap());
    assert!(api.contains(&password("cafe\u{301} au lait")).await.unwrap(), "another spelling of it");
}

#[tokio::test]
async fn tells_the_service_twenty_bits_and_asks_for_padding() {
    let server = RangeServer::start(&[KNOWN]);
    api(&server).contains(&password(KNOWN)).await.unwrap();
    let questions = server.questions();
    assert_eq!(questions.len(), 1);
    let (prefix, suffix) = (&sha1(KNOWN)[..5], &sha1(KNOWN)[5..]);
    assert!(questions[0].starts_with(&format!("GET /range/{prefix} HTTP/1.1\r\n")), "{questions:?}");
    assert!(questions[0].to_ascii_lowercase().contains("\r\nadd-padding: true\r\n"), "{questions:?}");
    assert!(!questions[0].contains(suffix) && !questions[0].contains(KNOWN));
}

#[tokio::test]
async fn an_ill_service_is_an_error_in_time_and_the_error_does_not_name_the_range() {
    let elsewhere = RangeServer::start(&[KNOWN]);
    let away = format!("{}/{}", elsewhere.url(), &sha1(KNOWN)[..5]);
    for mode in [
        RangeMode::Silent,
        RangeMode::Drips,
        RangeMode::Redirects(away),
        RangeMode::Garbage,
        RangeMode::Endless,
        RangeMode::Fails(500),
        RangeMode::Fails(404),
        RangeMode::Fails(429),
    ] {
        let server = RangeServer::start(&[KNOWN]);
        server.set(mode.clone());
        let begun = Instant::now();
        let error = api(&server).contains(&password(KNOWN)).await.expect_err("no answer");
        assert!(begun.elapsed() < Duration::from_millis(1200), "{mode:?}: {:?}", begun.elapsed());
        let text = chain(&error);
        assert!(!text.contains(&sha1(KNOWN)[..5]) && !text.contains("range/"), "{mode:?}: {text}");
    }
    assert_eq!(elsewhere.questions(), [""; 0], "a redirect was followed");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error() {
    let gone = RangeConfig { url: "http://127.0.0.1:1/range".to_owned(), ca_file: None };
    assert!(RangeApi::new(&gone).unwrap().contains(&password(KNOWN)).await.is_err());
}

#[tokio::test]
async fn a_black_hole_is_left_alone_after_three_questions() {
    let server = RangeServer::start(&[KNOWN]);
    let api = api(&server);
    server.set(RangeMode::Silent);
    for _ in 0..3 {
        api.contains(&password(KNOWN)).await.expect_err("no answer");
    }
    let begun = Instant::now();
    for _ in 0..100 {
        api.contains(&password(KNOWN)).await.expect_err("no answer");
    }
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    assert_eq!(server.questions().len(), 3);
}

#[tokio::test]
async fn one_failure_between_answers_changes_nothing() {
    let server = RangeServer::start(&[KNOWN]);
    let api = api(&server);
    for _ in 0..4 {
        server.set(RangeMode::Fails(500));
        api.contains(&password(KNOWN)).await.expect_err("no answer");
        server.set(RangeMode::Answers);
        assert!(api.contains(&password(KNOWN)).await.unwrap());
    }
}
