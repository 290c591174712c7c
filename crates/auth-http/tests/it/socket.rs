//! What only a real connection shows: heads that do not parse, bodies that are never read, draining.

use std::net::SocketAddr;

use actix_web::{HttpServer, dev::ServerHandle, rt};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::toy::Toy;

fn serve(toy: &Toy) -> (SocketAddr, ServerHandle) {
    let api = toy.api.clone();
    let server =
        HttpServer::new(move || api.app()).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let running = server.run();
    let handle = running.handle();
    rt::spawn(running);
    (address, handle)
}

/// Sends bytes and reads until the server closes the connection.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is how a server closes on a client that still talks.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[actix_web::test]
async fn refusals_reach_the_client_and_close_what_was_not_read() {
    let (address, handle) = serve(&Toy::new());
    let table = [
        ("content-length: 99999999\r\n\r\n{", "413"),
        ("content-length: 5\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nhello", "415"),
        ("content-length: 5\r\nconnection: close\r\n\r\n{", "408"),
        ("transfer-encoding: chunked\r\n\r\nzz\r\n", "400"),
    ];
    for (rest, status) in table {
        let request = format!("POST /toy/everything HTTP/1.1\r\nhost: toy\r\n{rest}");
        let answer = exchange(address, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{rest}: {answer}");
        assert!(
            answer.contains("\r\nx-request-id: ") && answer.contains("\r\nx-frame-options: deny"),
            "{answer}"
        );
    }
    handle.stop(false).await;
}

/// The one kind of answer that the shell cannot reach: there is no request yet, and `actix-http`
/// writes it. It has no body, says nothing about the server and ends the connection.
#[actix_web::test]
async fn a_head_that_does_not_parse_is_answered_bare() {
    let (address, handle) = serve(&Toy::new());
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(200_000));
    let smuggled =
        "POST /toy/free HTTP/1.1\r\nhost: toy\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}".to_owned();
    let table = [("rubbish\r\n\r\n".to_owned(), "400"), (smuggled, "400"), (long, "431")];
    for (bytes, status) in table {
        let answer = exchange(address, bytes.as_bytes()).await;
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.is_empty() && !head.contains("server:"), "{answer}");
    }
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_draining_server_says_so_and_closes() {
    let toy = Toy::new();
    let (address, handle) = serve(&toy);
    toy.drain.begin();
    let answer = exchange(address, b"GET /toy/who HTTP/1.1\r\nhost: toy\r\n\r\n").await;
    assert!(answer.starts_with("http/1.1 200 ") && answer.contains("\r\nconnection: close"), "{answer}");
    handle.stop(false).await;
}
