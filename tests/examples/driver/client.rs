//! One connection of a client: HTTP/1.1, JSON, one request at a time.
//!
//! Written by hand, because the client runs on the cores it measures.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpSocket, TcpStream},
};

/// A client at an address of its own, which connects when it has to.
pub(crate) struct Client {
    server: SocketAddr,
    from: Ipv4Addr,
    connection: Option<BufReader<TcpStream>>,
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: String,
}

impl Client {
    /// The client of that number: each thousand has another loopback address.
    pub(crate) fn number(server: SocketAddr, number: u32) -> Self {
        let from = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + number);
        Self { server, from, connection: None }
    }

    pub(crate) async fn get(&mut self, path: &str, token: &str) -> io::Result<Answer> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: auth.test\r\nauthorization: Bearer {token}\r\n\r\n");
        self.exchange(head).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        let body = body.to_string();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: auth.test\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.exchange(head).await
    }

    pub(crate) async fn delete(&mut self, path: &str, token: &str, body: &Value) -> io::Result<Answer> {
        let body = body.to_string();
        let length = body.len();
        let head = format!(
            "DELETE {path} HTTP/1.1\r\nhost: auth.test\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.exchange(head).await
    }

    /// Sends a request, on a new connection where the server has closed the last one meanwhile.
    async fn exchange(&mut self, request: String) -> io::Result<Answer> {
        let kept = self.connection.is_some();
        match self.once(&request).await {
            Err(_) if kept => self.once(&request).await,
            outcome => outcome,
        }
    }

    async fn once(&mut self, request: &str) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::new(self.connect().await?),
        };
        connection.get_mut().write_all(request.as_bytes()).await?;
        let (answer, goes_on) = read(&mut connection).await?;
        self.connection = goes_on.then_some(connection);
        Ok(answer)
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_nodelay(true)?;
        socket.bind(SocketAddr::from((self.from, 0)))?;
        socket.connect(self.server).await
    }
}

impl Answer {
    /// The text of a member of the body.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        body.get(name)?.as_str().map(ToOwned::to_owned)
    }
}

/// Reads one answer; says whether another one may follow.
async fn read(connection: &mut BufReader<TcpStream>) -> io::Result<(Answer, bool)> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or(io::ErrorKind::UnexpectedEof)?;
    let (mut length, mut retry_after, mut goes_on) = (0, None, true);
    loop {
        line.clear();
        connection.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "retry-after" => retry_after = value.parse().ok(),
            "connection" => goes_on = !value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok((Answer { status, retry_after, body: String::from_utf8_lossy(&body).into_owned() }, goes_on))
}
