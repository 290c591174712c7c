//! Clients that do not keep to the rules: bytes as they are, as fast or as slow as they please.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long anybody waits for the server to close. What is cut off in time is cut off long before.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a connection.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// Everything the server said, in lower case.
    pub(crate) said: String,
    /// When it closed, from the beginning; `None` if it did not.
    pub(crate) closed_after: Option<Duration>,
    /// Bytes that the client got rid of.
    pub(crate) sent: usize,
}

impl Conversation {
    /// The statuses of all answers.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let lines = self.said.split("\r\n").filter_map(|line| line.split("http/1.1 ").nth(1));
        lines.filter_map(|rest| rest.get(..3)?.parse().ok()).collect()
    }
}

pub(crate) async fn connect(base: &str) -> TcpStream {
    TcpStream::connect(base.trim_start_matches("http://")).await.expect("the server listens")
}

/// Sends bytes and reads until the server closes.
pub(crate) async fn converse(base: &str, bytes: &[u8]) -> Conversation {
    drip(base, bytes, b"", Duration::ZERO).await
}

/// Sends `first`, then `piece` again and again with a pause between, until the server closes.
pub(crate) async fn drip(base: &str, first: &[u8], piece: &[u8], pause: Duration) -> Conversation {
    let (mut reading, mut writing) = connect(base).await.into_split();
    let begun = Instant::now();
    let (first, piece) = (first.to_vec(), piece.to_vec());
    let sent = Arc::new(AtomicUsize::new(first.len()));
    let counter = Arc::clone(&sent);
    let sender = tokio::spawn(async move {
        // The server may refuse, and close, before it has read everything.
        let mut going = writing.write_all(&first).await.is_ok() && !piece.is_empty();
        while going {
            sleep(pause).await;
            going = writing.write_all(&piece).await.is_ok();
            counter.fetch_add(piece.len(), Ordering::Relaxed);
        }
        // Keeps its half open, as a client that waits does.
        pending::<()>().await;
    });
    let mut said = Vec::new();
    let closed = timeout(PATIENCE, reading.read_to_end(&mut said)).await;
    let closed_after = closed.is_ok().then(|| begun.elapsed());
    sender.abort();
    let sent = sent.load(Ordering::Relaxed);
    Conversation { said: String::from_utf8_lossy(&said).to_lowercase(), closed_after, sent }
}
