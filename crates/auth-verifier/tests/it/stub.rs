//! A server that answers what a test wants, over a real socket.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// What is answered next: a whole HTTP answer, or nothing at all.
#[derive(Clone)]
pub(crate) enum Reply {
    Json(String),
    Raw(String),
    Silence,
}

pub(crate) struct Stub {
    pub(crate) url: String,
    reply: Arc<Mutex<Reply>>,
    asked: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub(crate) async fn answering(reply: Reply) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (reply, asked) = (Arc::new(Mutex::new(reply)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (replies, count, log) = (Arc::clone(&reply), Arc::clone(&asked), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (replies, count, log) = (Arc::clone(&replies), Arc::clone(&count), Arc::clone(&log));
                tokio::spawn(async move {
                    let mut bytes = vec![0; 16 * 1024];
                    let length = socket.read(&mut bytes).await.unwrap_or(0);
                    log.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
                    count.fetch_add(1, Ordering::SeqCst);
                    let reply = replies.lock().unwrap().clone();
                    let text = match reply {
                        Reply::Json(body) => format!(
                            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                            body.len()
                        ),
                        Reply::Raw(text) => text,
                        Reply::Silence => std::future::pending().await,
                    };
                    let _ = socket.write_all(text.as_bytes()).await;
                });
            }
        });
        Self { url, reply, asked, seen }
    }

    pub(crate) fn now(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The requests as they came.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}
