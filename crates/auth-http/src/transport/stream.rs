//! A connection that gives answers without a body their due.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    crowd::Place,
    hangup::{Farewell, Hangup},
    refusal::Refusals,
};
use crate::metrics::OpenConnection;

/// Passes everything through, but for the bare refusals of the HTTP parser, which it replaces, and for what
/// comes after a [`Hangup`].
///
/// A refusal is the last thing written on a connection, and the parser writes its head in one piece:
/// so looking at the end of each write finds every one of them.
pub(super) struct AnsweringStream {
    connection: TcpStream,
    refusals: Refusals,
    /// What replaces the refusal, as far as it is not written yet.
    owed: Vec<u8>,
    /// Whether the client has said anything yet.
    heard: bool,
    /// Given back when the connection ends.
    _place: Place,
    _open: OpenConnection,
    farewell: Farewell,
}

impl AnsweringStream {
    pub(super) fn new(connection: TcpStream, refusals: Refusals, place: Place, open: OpenConnection) -> Self {
        Self {
            connection,
            refusals,
            owed: Vec::new(),
            heard: false,
            _place: place,
            _open: open,
            farewell: Farewell::new(),
        }
    }

    /// With this, requests end the connection.
    pub(super) fn hangup(&self) -> Hangup {
        self.farewell.hangup()
    }

    fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.owed.is_empty() {
            let written = ready!(Pin::new(&mut self.connection).poll_write(cx, &self.owed))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.owed.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for AnsweringStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.farewell.is_over(cx) {
            // Nothing read stands for the end of what the client sends.
            return Poll::Ready(Ok(()));
        }
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        ready!(Pin::new(&mut self.connection).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        self.heard |= read > 0;
        if room > 0 {
            self.farewell.read(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for AnsweringStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_owed(cx))?;
        if !self.heard {
            // A client that opened a connection ahead of its need would take a 408 for the answer to the request
            // that it sends at this moment. It is told nothing, and sees the end.
            return Poll::Ready(Ok(bytes.len()));
        }
        match self.refusals.replace(bytes) {
            None => Pin::new(&mut self.connection).poll_write(cx, bytes),
            Some(better) => {
                self.owed = better;
                // What the connection does not take now, the flush that follows hands over.
                if let Poll::Ready(Err(error)) = self.poll_owed(cx) {
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(bytes.len()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Begins the moment that a client has which says nothing more, too.
        self.farewell.is_over(cx);
        ready!(self.poll_owed(cx))?;
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_owed(cx))?;
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}
