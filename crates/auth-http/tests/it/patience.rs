//! Handlers whose clients go away: they learn of it, and run to their end.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, rt, test::TestRequest};
use auth_http::{ConnectionLimits, Limit, Operation, nobody_waits};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::toy::{Toy, services};

/// Waits until nobody waits for it, and then has something left to do.
async fn thorough(done: &AtomicBool) -> HttpResponse {
    nobody_waits().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    done.store(true, Ordering::Relaxed);
    HttpResponse::Ok().finish()
}

fn toy(handler: Operation, deadline: Duration) -> Toy {
    let change = |settings: &mut auth_http::HttpSettings| settings.request_deadline = deadline;
    Toy::serving(change, |_| vec![handler.limit(Limit::Exempt)])
}

async fn until(done: &AtomicBool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !done.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("the handler runs to its end");
}

#[actix_web::test]
async fn whoever_hangs_up_does_not_cut_the_work_off() {
    static DONE: AtomicBool = AtomicBool::new(false);
    let handler = Operation::get("/toy/thorough", async |_: HttpRequest| thorough(&DONE).await);
    let toy = toy(handler, Duration::from_mins(1));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (address, api) = (listener.local_addr().unwrap(), toy.api.clone());
    let app = move || services(&api);
    let server = auth_http::serve(listener, &ConnectionLimits::default(), &toy.api, app).unwrap();
    let handle = server.handle();
    rt::spawn(server);
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /toy/thorough HTTP/1.1\r\nhost: toy\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!DONE.load(Ordering::Relaxed), "somebody waits");
    drop(client);
    until(&DONE).await;
    handle.stop(false).await;
}

#[actix_web::test]
async fn neither_does_the_deadline() {
    static DONE: AtomicBool = AtomicBool::new(false);
    let handler = Operation::get("/toy/thorough", async |_: HttpRequest| thorough(&DONE).await);
    let toy = toy(handler, Duration::from_millis(20));
    let answer = toy.send(TestRequest::get().uri("/toy/thorough")).await;
    assert_eq!(answer.status, 503);
    until(&DONE).await;
}
