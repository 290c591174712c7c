//! A connection that gives answers without a body their due, and ends when its client keeps it waiting.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    ConnectionLimits,
    conversation::Conversation,
    crowd::Place,
    farewell::Farewell,
    patience::{Lack, Patience, Room},
    refusal::Refusals,
};
use crate::metrics::OpenConnection;

/// Passes everything through, but for the bare refusals of the HTTP parser, which it replaces, and for what
/// comes after a [`Farewell`] or too late.
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
    conversation: Conversation,
    farewell: Farewell,
    patience: Patience,
    room: Room,
    /// Whether the client was given up: it is told the rest, and heard no more.
    given_up: bool,
}

impl AnsweringStream {
    pub(super) fn new(
        connection: TcpStream,
        limits: &ConnectionLimits,
        refusals: Refusals,
        place: Place,
        open: OpenConnection,
    ) -> Self {
        let conversation = Conversation::new();
        Self {
            connection,
            refusals,
            owed: Vec::new(),
            heard: false,
            _place: place,
            _open: open,
            farewell: Farewell::new(conversation.clone()),
            patience: Patience::new(conversation.clone(), limits.head_deadline, limits.idle),
            room: Room::default(),
            given_up: false,
            conversation,
        }
    }

    /// With this, requests follow and end the connection.
    pub(super) fn conversation(&self) -> Conversation {
        self.conversation.clone()
    }

    /// Hears nothing more: says that the client has come to its end.
    fn give_up(&mut self, lack: Lack) -> Poll<io::Result<()>> {
        // A client that opened a connection ahead of its need would take a 408 for the answer to the request
        // that it sends at this moment. It is told nothing, and sees the end.
        if lack == Lack::Head && self.heard {
            self.owed = self.refusals.request_timeout();
        }
        self.given_up = true;
        Poll::Ready(Ok(()))
    }

    /// Writes, to a client that takes something in time.
    fn poll_hand_over(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(cx, bytes);
        if written.is_ready() {
            self.room.made();
        } else if self.room.is_lacking(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }

    fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut owed = mem::take(&mut self.owed);
        while !owed.is_empty() {
            match self.poll_hand_over(cx, &owed) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => drop(owed.drain(..written)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.owed = owed;
                    return Poll::Pending;
                }
            }
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
        if self.given_up || self.farewell.is_over(cx) {
            // Nothing read stands for the end of what the client sends.
            return Poll::Ready(Ok(()));
        }
        let lack = self.patience.poll_lack(cx);
        if lack == Some(Lack::Head) {
            return self.give_up(Lack::Head);
        }
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        match (Pin::new(&mut self.connection).poll_read(cx, buffer), lack) {
            // A request that came in the last moment is served.
            (Poll::Pending, Some(lack)) => return self.give_up(lack),
            (Poll::Pending, None) => return Poll::Pending,
            (Poll::Ready(read), _) => read?,
        }
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.heard = true;
            self.patience.heard();
        }
        if room > 0 {
            self.farewell.read(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for AnsweringStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_owed(cx))?;
        match self.refusals.replace(bytes) {
            None => self.poll_hand_over(cx, bytes),
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
