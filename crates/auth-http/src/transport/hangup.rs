//! The ends of connections: of those whose client has gone, and of those whose client goes on without end.
//!
//! Whoever hangs up wants no answer: what it waited for is given up, and its hash never computed.
//!
//! The framework reads on after the answer, so that the next request can follow: for a body in chunks
//! whose end never comes, without end. Whoever sends one is given a moment to read the answer.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Sleep, sleep},
};

/// How long a client may go on after it was answered. To close at once could destroy the answer on its way.
const MOMENT: Duration = Duration::from_secs(2);
/// How much it may send meanwhile, in bytes.
const ALLOWANCE: usize = 256 * 1024;

/// What a request and its connection have to tell each other. Clones belong to the same connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hangup(Arc<State>);

#[derive(Debug, Default)]
struct State {
    soon: AtomicBool,
    gone: AtomicBool,
    going: Notify,
}

impl Hangup {
    /// Ends the connection a moment after the answer.
    pub(crate) fn soon(&self) {
        self.0.soon.store(true, Ordering::Relaxed);
    }

    /// Comes back when the client has hung up.
    pub(crate) async fn client_gone(&self) {
        let going = self.0.going.notified();
        if !self.0.gone.load(Ordering::Relaxed) {
            going.await;
        }
    }

    fn client_goes(&self) {
        self.0.gone.store(true, Ordering::Relaxed);
        self.0.going.notify_waiters();
    }
}

/// The same as the connection sees it.
pub(super) struct Farewell {
    hangup: Hangup,
    timer: Option<Pin<Box<Sleep>>>,
    left: usize,
}

impl Farewell {
    pub(super) fn new() -> Self {
        Self { hangup: Hangup::default(), timer: None, left: ALLOWANCE }
    }

    pub(super) fn hangup(&self) -> Hangup {
        self.hangup.clone()
    }

    /// Whether nothing more is read. Wakes the connection when the time has come.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.hangup.0.soon.load(Ordering::Relaxed) {
            return false;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(MOMENT)));
        self.left == 0 || timer.as_mut().poll(cx) == Poll::Ready(())
    }

    /// Counts what was read after all; nothing is the end of what the client sends.
    pub(super) fn read(&mut self, bytes: usize) {
        if bytes == 0 {
            self.hangup.client_goes();
        }
        if self.timer.is_some() {
            self.left = self.left.saturating_sub(bytes);
        }
    }
}
