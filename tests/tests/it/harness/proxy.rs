//! A line to a part that can be cut.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It arrives.
    Open,
    /// It is taken and goes nowhere, and nobody says so.
    Silent,
    /// Whoever is connected is cut off, whoever connects is turned away.
    Cut,
}

/// The line, and how often what was on it was forsaken.
#[derive(Clone, Copy)]
struct State {
    line: Line,
    age: u32,
}

/// Passes connections on to a port, as long as the line is open.
pub(crate) struct Proxy {
    address: SocketAddr,
    line: Arc<watch::Sender<State>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let line = Arc::new(watch::Sender::new(State { line: Line::Open, age: 0 }));
        let state = Arc::clone(&line);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, port, state.subscribe()));
            }
        });
        Self { address, line, task }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_modify(|state| state.line = line);
    }

    /// The host vanishes without a word and is reachable anew: on the connections there are nothing
    /// arrives any more, for good, and nobody says so; new ones are passed on.
    pub(crate) fn vanish(&self) {
        self.line.send_modify(|state| state.age += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut client: TcpStream, port: u16, mut line: watch::Receiver<State>) {
    let State { line: first, age } = *line.borrow();
    if first == Line::Cut {
        return;
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    // Small messages must not wait for each other.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut up, mut down) = ([0; 16 * 1024], [0; 16 * 1024]);
    loop {
        let State { line: state, age: now } = *line.borrow_and_update();
        if now != age {
            // Both ends stay open.
            return std::future::pending().await;
        }
        tokio::select! {
            changed = line.changed() => {
                if changed.is_err() || line.borrow().line == Line::Cut {
                    return;
                }
            }
            // A silent line loses nothing: what is said meanwhile arrives once it is open again.
            read = client.read(&mut up), if state == Line::Open => match read {
                Ok(length @ 1..) if server.write_all(&up[..length]).await.is_ok() => {}
                _ => return,
            },
            read = server.read(&mut down), if state == Line::Open => match read {
                Ok(length @ 1..) if client.write_all(&down[..length]).await.is_ok() => {}
                _ => return,
            },
            // So that a silent line notices a client that has gone.
            () = tokio::time::sleep(Duration::from_mins(1)), if state == Line::Silent => {}
        }
    }
}
