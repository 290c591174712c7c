//! The ends of connections: of those whose client has gone, and of those whose client goes on without end.
//!
//! Whoever hangs up wants no answer: what it waited for is given up, and its hash never computed.
//!
//! The framework reads on after the answer, so that the next request can follow: for a body in chunks
//! whose end never comes, without end. Whoever sends one is given a moment to read the answer.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use super::conversation::Conversation;

/// How long a client may go on after it was answered. To close at once could destroy the answer on its way.
const MOMENT: Duration = Duration::from_secs(2);
/// How much it may send meanwhile, in bytes.
const ALLOWANCE: usize = 256 * 1024;

/// The end of a conversation as the connection sees it.
pub(super) struct Farewell {
    conversation: Conversation,
    timer: Option<Pin<Box<Sleep>>>,
    left: usize,
}

impl Farewell {
    pub(super) fn new(conversation: Conversation) -> Self {
        Self { conversation, timer: None, left: ALLOWANCE }
    }

    /// Whether nothing more is read. Wakes the connection when the time has come.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.conversation.ends_soon() {
            return false;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(MOMENT)));
        self.left == 0 || timer.as_mut().poll(cx) == Poll::Ready(())
    }

    /// Counts what was read after all; nothing is the end of what the client sends.
    pub(super) fn read(&mut self, bytes: usize) {
        if bytes == 0 {
            self.conversation.client_goes();
        }
        if self.timer.is_some() {
            self.left = self.left.saturating_sub(bytes);
        }
    }
}
