//! What is no request still gets a whole answer.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::harness::TestServer;

/// Sends bytes as they are and reads until the server closes.
async fn converse(server: &TestServer, bytes: &[u8]) -> String {
    let address = server.base().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(address).await.expect("the server listens");
    // The server may refuse, and close, before it has read everything.
    let _ = connection.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(10), connection.read_to_end(&mut answer)).await;
    let _ = read.expect("the server closes the connection");
    String::from_utf8(answer).expect("an answer in text")
}

fn assert_whole(answer: &str, status: u16, code: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    for name in [
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none'",
        "cache-control: no-store",
        "content-type: application/json",
        "connection: close",
        "x-request-id: ",
        &format!("content-length: {}", body.len()),
    ] {
        assert!(head.contains(name), "{answer} lacks {name}");
    }
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["code"], code);
    assert!(body["detail"].is_string() && body["request_id"].is_string(), "{body}");
}

#[tokio::test]
async fn bytes_that_do_not_parse() {
    let server = TestServer::start().await;
    for bytes in [
        &b"BAD\r\n\r\n"[..],
        b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nno colon here\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting\r\n\r\n",
    ] {
        assert_whole(&converse(&server, bytes).await, 400, "bad_request");
    }
}

#[tokio::test]
async fn a_head_without_end() {
    let server = TestServer::start().await;
    let head =
        format!("GET /api/health HTTP/1.1\r\nHost: localhost\r\nx-long: {}\r\n\r\n", "a".repeat(200_000));
    assert_whole(&converse(&server, head.as_bytes()).await, 431, "headers_too_large");
}

#[tokio::test]
async fn a_head_that_does_not_come() {
    let server = TestServer::start().await;
    let answer = converse(&server, b"GET /api/health HTTP/1.1\r\nHost: loc").await;
    assert_whole(&answer, 408, "request_timeout");
}

#[tokio::test]
async fn rubbish_after_a_request() {
    let server = TestServer::start().await;
    let answer = converse(&server, b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\nBAD\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let second = answer.rfind("HTTP/1.1 400 ").expect("a second answer");
    assert_whole(&answer[second..], 400, "bad_request");
}
