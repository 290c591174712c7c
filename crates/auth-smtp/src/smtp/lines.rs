//! A socket that is read one line at a time.
//!
//! lettre reads through a buffer and keeps that buffer when the connection becomes encrypted. Somebody in
//! the middle could put answers behind the server's `220` to STARTTLS, and they would be taken for the
//! encrypted server's. Handing over no more than a line leaves that buffer empty whenever lettre has read
//! an answer of one line, so what was put behind it reaches TLS, which refuses it.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// As much as is read at once.
const CHUNK: usize = 4096;

#[derive(Debug)]
pub(super) struct Lines {
    socket: TcpStream,
    /// What was read and not yet handed over.
    held: Vec<u8>,
}

impl Lines {
    pub(super) const fn new(socket: TcpStream) -> Self {
        Self { socket, held: Vec::new() }
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut chunk = [0; CHUNK];
        let mut chunk = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.socket).poll_read(context, &mut chunk))?;
        self.held.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Lines {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.held.is_empty() {
            ready!(self.poll_fill(context))?;
        }
        let line = self.held.iter().position(|byte| *byte == b'\n').map_or(self.held.len(), |end| end + 1);
        let handed: Vec<u8> = self.held.drain(..line.min(buffer.remaining())).collect();
        buffer.put_slice(&handed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Lines {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn hands_over_one_line_at_a_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"220 go\r\n250 forged\r\nrest").await.unwrap();
        drop(server);
        let mut lines = Lines::new(socket);
        let mut buffer = [0; 64];
        for expected in ["220 go\r\n", "250 forged\r\n", "rest", ""] {
            let count = lines.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..count], expected.as_bytes());
        }
    }

    #[tokio::test]
    async fn loses_nothing_in_a_small_buffer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let sent: Vec<u8> = (0..20_000_u32).flat_map(u32::to_be_bytes).collect();
        let copy = sent.clone();
        let writing = tokio::spawn(async move { server.write_all(&copy).await });
        let mut lines = Lines::new(socket);
        let (mut got, mut buffer) = (Vec::new(), [0; 7]);
        while got.len() < sent.len() {
            let count = lines.read(&mut buffer).await.unwrap();
            got.extend_from_slice(&buffer[..count]);
        }
        writing.await.unwrap().unwrap();
        assert!(got == sent);
    }
}
