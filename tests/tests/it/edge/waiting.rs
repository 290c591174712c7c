//! Connections that stay open between requests: for whom they are kept, and for how long (security requirement IN-07).

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::harness::{TestServer, raw::connect};

const GET: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: auth.test\r\n\r\n";
/// How soon a connection that does not come to an end must be closed.
const CUT_OFF: Duration = Duration::from_secs(10);

/// Sends a whole request and reads its answer.
async fn ask(connection: &mut TcpStream) -> String {
    connection.write_all(GET).await.expect("an open connection");
    let mut said = [0; 4096];
    let read = timeout(CUT_OFF, connection.read(&mut said)).await.expect("an answer in time");
    String::from_utf8_lossy(&said[..read.expect("an open connection")]).to_lowercase()
}

/// What the server still says before it closes, and when it does.
async fn last_words(connection: &mut TcpStream) -> (String, Duration) {
    let (begun, mut said) = (Instant::now(), String::new());
    timeout(CUT_OFF, connection.read_to_string(&mut said)).await.expect("it is closed").expect("in peace");
    (said.to_lowercase(), begun.elapsed())
}

#[tokio::test]
async fn a_later_head_that_stops_is_cut_off_as_the_first_one_is() {
    let server = TestServer::start().await;
    for turns in 1..3 {
        let mut connection = connect(server.base()).await;
        for _ in 0..turns {
            assert!(ask(&mut connection).await.starts_with("http/1.1 200 "));
        }
        connection.write_all(&GET[..20]).await.expect("an open connection");
        let (said, after) = last_words(&mut connection).await;
        assert!(said.starts_with("http/1.1 408 ") && said.contains("\"code\":\"request_timeout\""), "{said}");
        assert!(after > Duration::from_secs(4), "{after:?}");
    }
}

#[tokio::test]
async fn a_later_head_that_drips_is_cut_off_too() {
    let server = TestServer::start().await;
    let mut connection = connect(server.base()).await;
    ask(&mut connection).await;
    let begun = Instant::now();
    for byte in GET {
        if connection.write_all(&[*byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(500)).await;
        assert!(begun.elapsed() < CUT_OFF, "it goes on");
    }
}

#[tokio::test]
async fn an_idle_connection_is_kept_as_long_as_it_is_told() {
    let server = TestServer::start().await;
    let mut connection = connect(server.base()).await;
    for _ in 0..2 {
        assert!(ask(&mut connection).await.starts_with("http/1.1 200 "));
        sleep(Duration::from_secs(7)).await;
    }
    assert!(ask(&mut connection).await.starts_with("http/1.1 200 "), "a head has 5 s, a pause has more");

    let hasty = TestServer::with(&[("HTTP_KEEP_ALIVE_SECONDS", "2")]).await;
    let mut connection = connect(hasty.base()).await;
    ask(&mut connection).await;
    let (said, after) = last_words(&mut connection).await;
    assert_eq!(said, "", "nobody asked");
    assert!(after > Duration::from_millis(1900) && after < Duration::from_secs(4), "{after:?}");
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_without_a_word() {
    let server = TestServer::start().await;
    let mut connection = connect(server.base()).await;
    let (said, _) = last_words(&mut connection).await;
    assert_eq!(said, "");
}
