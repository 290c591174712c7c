//! Bytes that are meant to harm: each is refused or cut off, in time and in bounded memory (security
//! requirements IN-01, IN-02, IN-03, IN-06, IN-07, IN-08, IN-09 and IN-12).

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::harness::{
    Answer, TestServer,
    process::Process,
    raw::{connect, converse, drip},
};

/// How soon a connection that does not come to an end must be closed.
const CUT_OFF: Duration = Duration::from_secs(10);

const GET: &str = "GET /api/health HTTP/1.1\r\nhost: auth.test\r\n";
const LOGIN: &str = "POST /api/auth/login HTTP/1.1\r\nhost: auth.test\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn nobody_smuggles_a_request() {
    let server = TestServer::start().await;
    let chunked = "0\r\n\r\n";
    let table = [
        ("both lengths", "content-length: 4\r\ntransfer-encoding: chunked", chunked),
        ("two lengths", "content-length: 2\r\ncontent-length: 3", "{}"),
        ("the same length twice", "content-length: 2\r\ncontent-length: 2", "{}"),
        ("a list of lengths", "content-length: 2, 2", "{}"),
        ("a length with a sign", "content-length: +2", "{}"),
        ("a negative length", "content-length: -1", "{}"),
        ("a length beyond 64 bits", "content-length: 99999999999999999999999", "{}"),
        ("an unknown encoding", "transfer-encoding: xchunked", chunked),
        ("two encodings", "transfer-encoding: chunked\r\ntransfer-encoding: identity", chunked),
        ("chunked is not the last", "transfer-encoding: chunked, identity", chunked),
        ("compressed chunks", "transfer-encoding: gzip, chunked", chunked),
        ("a vertical tab", "transfer-encoding: \u{b}chunked", chunked),
        ("a space before the colon", "transfer-encoding : chunked", chunked),
        ("a folded line", "transfer-encoding:\r\n chunked", chunked),
        ("a lone carriage return", "x: a\rb", ""),
        ("a zero byte", "x: a\0b", ""),
        ("a chunk of no size", "transfer-encoding: chunked", "zz\r\n"),
        ("a chunk size beyond 64 bits", "transfer-encoding: chunked", "ffffffffffffffffff\r\n"),
        ("a chunk longer than it says", "transfer-encoding: chunked", "2\r\n{}XX0\r\n\r\n"),
    ];
    for (what, headers, body) in table {
        // Whatever follows must not be taken for a request.
        let bytes = format!("{LOGIN}{headers}\r\n\r\n{body}{GET}\r\n");
        let talk = converse(server.base(), bytes.as_bytes()).await;
        assert_eq!(talk.statuses(), [400], "{what}: {talk:?}");
        assert!(talk.closed_after.is_some(), "{what}: {talk:?}");
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = TestServer::start().await;
    let many = (0..200).map(|number| format!("x-{number}: y")).collect::<Vec<_>>().join("\r\n");
    let table = [
        ("200 headers", format!("{GET}{many}\r\n\r\n"), 431),
        ("100 kB of a header", format!("{GET}x: {}\r\nconnection: close\r\n\r\n", "a".repeat(100_000)), 431),
        ("200 kB of a header", format!("{GET}x: {}\r\n\r\n", "a".repeat(200_000)), 431),
        (
            "a target of 20 kB",
            format!("GET /{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "a".repeat(20_000)),
            414,
        ),
        ("a target of 100 kB", format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(100_000)), 400),
        ("no host", "GET /api/health HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400),
    ];
    for (what, bytes, status) in table {
        let talk = converse(server.base(), bytes.as_bytes()).await;
        assert_eq!(talk.statuses(), [status], "{what}");
        assert!(talk.closed_after.is_some_and(|after| after < CUT_OFF), "{what}: {talk:?}");
    }
}

/// Whatever never comes to its end is ended, and costs no memory worth speaking of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_ends_is_cut_off() {
    let directory = TempDir::new().expect("a temporary directory");
    let server = tokio::task::block_in_place(|| Process::start(directory.path(), &[]));
    let before = server.peak_memory();
    let chunked = "transfer-encoding: chunked\r\n\r\n";
    let kilobyte = format!("400\r\n{}\r\n", "a".repeat(1024));
    let (fast, slow) = (Duration::ZERO, Duration::from_secs(1));
    let large = "a".repeat(64 * 1024);
    let table = [
        ("a slow head", GET.to_owned(), "x: y\r\n", slow, 408),
        ("a head that stops", "GET ".to_owned(), "", slow, 408),
        ("a slow body", format!("{LOGIN}content-length: 50\r\n\r\n"), "a", slow, 408),
        ("a body that stops", format!("{LOGIN}content-length: 50\r\n\r\n{{"), "", slow, 408),
        ("slow chunks", format!("{LOGIN}{chunked}"), "1\r\na\r\n", slow, 408),
        ("chunks that stop", format!("{LOGIN}{chunked}1\r\n{{\r\n"), "", slow, 408),
        ("chunks without end", format!("{LOGIN}{chunked}"), &kilobyte, fast, 413),
        ("one chunk without end", format!("{LOGIN}{chunked}fffffffff\r\n"), &large, fast, 413),
        ("the extension of a chunk without end", format!("{LOGIN}{chunked}1;"), &large, fast, 408),
        ("trailers without end", format!("{LOGIN}{chunked}0\r\n"), "x: y\r\n", fast, 408),
        ("an absurd length", format!("{LOGIN}content-length: 9999999999\r\n\r\n"), &large, fast, 413),
        ("chunks that nobody reads", format!("{GET}{chunked}"), &kilobyte, fast, 200),
        ("slow chunks that nobody reads", format!("{GET}{chunked}"), "1\r\na\r\n", slow, 200),
        (
            "chunks for nobody",
            format!("POST /nowhere HTTP/1.1\r\nhost: a\r\n{chunked}"),
            &kilobyte,
            fast,
            404,
        ),
        ("compressed chunks", format!("{LOGIN}content-encoding: gzip\r\n{chunked}"), &kilobyte, fast, 415),
    ];
    let mut talks = tokio::task::JoinSet::new();
    for (what, first, piece, pause, status) in table {
        let (base, piece) = (server.base().to_owned(), piece.to_owned());
        talks.spawn(
            async move { (what, status, drip(&base, first.as_bytes(), piece.as_bytes(), pause).await) },
        );
    }
    for (what, status, talk) in talks.join_all().await {
        let after = talk.closed_after.unwrap_or_else(|| panic!("{what} goes on: {talk:?}"));
        eprintln!("{what}: {status}, closed after {} ms and {} kB", after.as_millis(), talk.sent / 1024);
        assert!(after < CUT_OFF, "{what}: {after:?}");
        // A reset that overtakes the answer takes it away from a client that only sends.
        assert!(talk.statuses() == [status] || talk.said.is_empty(), "{what}: {talk:?}");
    }
    let grown = server.peak_memory() - before;
    assert!(grown < 64, "{grown} MiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pipelined_requests_is_served_in_bounded_memory() {
    let directory = TempDir::new().expect("a temporary directory");
    let server = tokio::task::block_in_place(|| Process::start(directory.path(), &[]));
    let before = server.peak_memory();
    let requests = "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1000);
    // The client reads nothing: the server must cease to read, not keep what it would say.
    let connection = connect(server.base()).await;
    let (begun, mut last, mut sent) = (Instant::now(), Instant::now(), 0);
    while last.elapsed() < Duration::from_secs(1) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it reads on: {sent} bytes");
        let _ = timeout(Duration::from_millis(200), connection.writable()).await;
        if let Ok(taken) = connection.try_write(requests.as_bytes()) {
            (last, sent) = (Instant::now(), sent + taken);
        }
    }
    let grown = server.peak_memory() - before;
    eprintln!("{} kB of requests taken, memory grew by {grown} MiB", sent / 1024);
    assert!(grown < 100, "{grown} MiB");
    assert_given_up(&connection, &server).await;
    let talk = converse(server.base(), format!("{GET}connection: close\r\n\r\n").as_bytes()).await;
    assert_eq!(talk.statuses(), [200], "others are served");
}

/// A client that reads nothing keeps neither its connection nor a core.
async fn assert_given_up(connection: &TcpStream, server: &Process) {
    let (begun, before) = (Instant::now(), server.processor_time());
    while !matches!(connection.try_write(b"x"), Err(error) if error.kind() != ErrorKind::WouldBlock) {
        assert!(begun.elapsed() < CUT_OFF + CUT_OFF, "it is still open");
        sleep(Duration::from_millis(100)).await;
    }
    let used = server.processor_time().saturating_sub(before);
    assert!(used < Duration::from_secs(2), "{used:?}");
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let server = TestServer::with(&[("HTTP_MAX_CONNECTIONS_PER_ADDRESS", "4")]).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(connect(server.base()).await);
    }
    // All four are taken in before the fifth one comes.
    for connection in &mut open {
        connection.try_write(format!("{GET}\r\n").as_bytes()).expect("room for a request");
        let read = timeout(CUT_OFF, connection.read(&mut [0; 4096])).await;
        assert!(read.expect("an answer").expect("an answer") > 0);
    }
    let mut fifth = connect(server.base()).await;
    let mut said = String::new();
    timeout(CUT_OFF, fifth.read_to_string(&mut said)).await.expect("it is closed").expect("with an answer");
    for part in ["HTTP/1.1 429 ", "retry-after: 1", "x-request-id: ", "\"code\":\"rate_limited\""] {
        assert!(said.contains(part), "{said} lacks {part}");
    }
    drop(open);
    let begun = Instant::now();
    // Whoever closes makes room; the server hears of it a moment later.
    while converse(server.base(), format!("{GET}connection: close\r\n\r\n").as_bytes()).await.statuses()
        != [200]
    {
        assert!(begun.elapsed() < CUT_OFF, "no room");
    }
}

#[tokio::test]
async fn bodies_are_strict_json_of_bounded_shape() {
    let server = TestServer::start().await;
    let login = |body: Vec<u8>| {
        let request = server.request(Method::POST, "/api/auth/login");
        request.header("content-type", "application/json").body(body)
    };
    let email = r#""email":"ada@example.com","password":"#;
    let table: [(&str, Vec<u8>, u16); 11] = [
        ("too deep", format!("{{\"x\":{}", "[".repeat(60_000)).into(), 422),
        ("17 levels", format!("{}{}", "[".repeat(17), "]".repeat(17)).into(), 422),
        ("101 items", format!("{{\"x\":[{}0]}}", "0,".repeat(100)).into(), 422),
        ("one name twice", format!("{{{email}\"a\",\"password\":\"b\"}}").into(), 422),
        ("a number for a text", br#"{"email":1,"password":2}"#.to_vec(), 422),
        ("a list for a text", br#"{"email":["a@example.com","b@example.com"],"password":"x"}"#.to_vec(), 422),
        ("no UTF-8", [b"{\"email\":\"a@example.com\",\"password\":\"", &b"\xff\"}"[..]].concat(), 422),
        ("half a surrogate", format!("{{{email}\"\\ud800\"}}").into(), 422),
        ("a zero byte in an address", br#"{"email":"a\u0000@example.com","password":"x"}"#.to_vec(), 422),
        ("64 kB and a byte", format!("{{{email}\"{}\"}}", "a".repeat(65_500)).into(), 413),
        (
            "a comma list of addresses",
            br#"{"email":"a@example.com,b@example.com","password":"x"}"#.to_vec(),
            422,
        ),
    ];
    for (what, body, status) in table {
        let answer = Answer::of(login(body).send().await).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
    }
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-encoding", "br"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "multipart/form-data; boundary=x"),
    ] {
        let request = server.request(Method::POST, "/api/auth/login").header(name, value).body("{}");
        let answer = Answer::of(request.send().await).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{name}: {value}: {answer:?}");
    }
    let name = json!({"email": "ada@example.com", "password": "Tr0ubadour&Zebra", "full_name": "A\u{0}da"});
    let answer = server.post("/api/auth/register", &name).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
}

#[tokio::test]
async fn parameters_are_given_once_and_numbers_are_whole() {
    let server = TestServer::start().await;
    let twice = "/dev/messages?to=a@example.com&to=b@example.com";
    let answer = Answer::of(server.request(Method::GET, twice).send().await).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    let tokens = server.signed_in("ada@example.com").await;
    for id in ["NaN", "1e9", "1.5", "0x10", "9223372036854775808", "-9223372036854775809", "%00", "1;2"] {
        let path = format!("/api/auth/sessions/{id}");
        let answer = server.send(Method::DELETE, &path, &tokens.access, None).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{id}: {answer:?}");
    }
    for id in ["-1", "0", "9223372036854775807"] {
        let path = format!("/api/auth/sessions/{id}");
        let answer = server.send(Method::DELETE, &path, &tokens.access, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}: {answer:?}");
    }
}

/// No parser here goes back and tries anew: time grows with the length and no faster.
#[tokio::test]
async fn hostile_texts_are_refused_as_fast_as_harmless_ones() {
    let server = TestServer::start().await;
    let long = 60_000;
    for email in [
        format!("{}@example.com", "a.".repeat(long / 2)),
        format!("a@{}", "a-".repeat(long / 2)),
        format!("a@{}com", "a.".repeat(long / 2)),
        "@".repeat(long),
        format!("\"{}@example.com", "\\\" ".repeat(long / 8)),
    ] {
        let begun = Instant::now();
        let answer = server.login(&email, "x").await;
        let took = begun.elapsed();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        // Far more than it takes, and far less than anything quadratic would.
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}
