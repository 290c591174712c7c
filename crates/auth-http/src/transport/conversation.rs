//! What a request and its connection have to tell each other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// Clones belong to the same connection.
#[derive(Clone, Debug)]
pub(crate) struct Conversation(Arc<State>);

#[derive(Debug)]
struct State {
    start: Instant,
    ends_soon: AtomicBool,
    gone: AtomicBool,
    going: Notify,
    begun: AtomicUsize,
    answered: AtomicUsize,
    /// When the last answer was ready, in milliseconds from the start.
    answered_at: AtomicU64,
}

/// How far a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turns {
    /// How many requests have arrived.
    pub(super) begun: usize,
    /// Whether one of them waits for its answer.
    pub(super) under_way: bool,
    /// When the last answer was ready.
    pub(super) answered_at: Instant,
}

/// A request that waits for its answer, until this is dropped.
pub(super) struct UnderWay(Conversation);

impl Conversation {
    pub(super) fn new() -> Self {
        Self(Arc::new(State {
            start: Instant::now(),
            ends_soon: AtomicBool::default(),
            gone: AtomicBool::default(),
            going: Notify::new(),
            begun: AtomicUsize::default(),
            answered: AtomicUsize::default(),
            answered_at: AtomicU64::default(),
        }))
    }

    /// Ends the connection a moment after the answer.
    pub(crate) fn end_soon(&self) {
        self.0.ends_soon.store(true, Ordering::Relaxed);
    }

    /// Comes back when the client has hung up.
    pub(crate) async fn client_gone(&self) {
        let going = self.0.going.notified();
        if !self.0.gone.load(Ordering::Relaxed) {
            going.await;
        }
    }

    pub(super) fn begin(&self) -> UnderWay {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    pub(super) fn turns(&self) -> Turns {
        let State { start, begun, answered, answered_at, .. } = &*self.0;
        let begun = begun.load(Ordering::Relaxed);
        Turns {
            begun,
            under_way: begun != answered.load(Ordering::Relaxed),
            answered_at: *start + Duration::from_millis(answered_at.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn ends_soon(&self) -> bool {
        self.0.ends_soon.load(Ordering::Relaxed)
    }

    pub(super) fn client_goes(&self) {
        self.0.gone.store(true, Ordering::Relaxed);
        self.0.going.notify_waiters();
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let state = &*self.0.0;
        let at = state.start.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        state.answered_at.store(at, Ordering::Relaxed);
        state.answered.fetch_add(1, Ordering::Relaxed);
    }
}
