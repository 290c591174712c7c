//! A proxy that puts PostgreSQL far away and counts round trips.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::SERVER;

/// A round trip begins with the first bytes a client sends after an answer has reached it.
#[derive(Clone)]
pub(crate) struct Proxy {
    address: SocketAddr,
    trips: Arc<AtomicU64>,
    /// How often the line was cut. A connection from before a cut is dead and does not know it.
    cuts: Arc<AtomicU64>,
    /// Whether a connection from before a cut stays open, with nothing arriving any more.
    mute: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self { address, trips: Arc::default(), cuts: Arc::default(), mute: Arc::default() };
        let line = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, line.clone()));
            }
        });
        proxy
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}?sslmode=disable", self.address)
    }

    /// Makes every connection there is die with the next thing the client says on it.
    pub(crate) fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }

    /// Makes every connection there is silent for good, as if the host had vanished. New ones are passed.
    pub(crate) fn vanish(&self) {
        self.mute.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Round trips since the last call.
    pub(crate) fn take(&self) -> u64 {
        self.trips.swap(0, Ordering::SeqCst)
    }
}

/// How far away the server seems to be. Long against the time in which a client that waits for nothing
/// has sent everything it has to send.
const DISTANCE: Duration = Duration::from_millis(20);

async fn carry(client: TcpStream, line: Proxy) {
    let Proxy { trips, cuts, mute, .. } = line;
    let born = cuts.load(Ordering::SeqCst);
    let Ok(server) = TcpStream::connect(("127.0.0.1", SERVER.port())).await else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let answered = Arc::new(AtomicBool::new(true));
    let heard = Arc::clone(&answered);
    let back = tokio::spawn(async move {
        let mut buffer = vec![0; 65536];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            tokio::time::sleep(DISTANCE).await;
            heard.store(true, Ordering::SeqCst);
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        if cuts.load(Ordering::SeqCst) != born {
            if mute.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            back.abort(); // both halves go, and the client sees the end
            return;
        }
        if answered.swap(false, Ordering::SeqCst) {
            trips.fetch_add(1, Ordering::SeqCst);
        }
        if to_server.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
