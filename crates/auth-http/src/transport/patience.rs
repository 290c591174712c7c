//! How long a client may keep its connection waiting: for a request, for the rest of its head, and for room to
//! write an answer.
//!
//! The framework watches the first head of a connection alone. A later one that stops halfway would hold the
//! connection for ever, and so would a client that asks on and on and reads no answer: with its buffers full, the
//! framework even asks without a pause whether there is room.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use super::conversation::{Conversation, Turns};

/// How long a client may take none of an answer. Answers are short: most fit into what the system keeps anyway.
const UNREAD: Duration = Duration::from_secs(10);
/// How often the framework may ask for room meanwhile. It is woken a few times by what goes on in a request; thousands
/// of times only if it wakes itself.
const QUESTIONS: u32 = 10_000;

/// Waits for what the client sends.
pub(super) struct Patience {
    conversation: Conversation,
    head: Duration,
    idle: Duration,
    waiting: Waiting,
    since: Instant,
    begun: usize,
    /// Fires at the earliest moment at which a wait may be over. What was waited for may have come meanwhile: it is
    /// set anew then, not with each request.
    timer: Pin<Box<Sleep>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// For the first byte of the next request.
    Request,
    /// For the rest of a head.
    Head,
    /// For the server itself.
    Answer,
}

/// What was waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    Request,
    Head,
}

impl Patience {
    /// A new connection is made for a request: it may take as long as a head does.
    pub(super) fn new(conversation: Conversation, head: Duration, idle: Duration) -> Self {
        let timer = Box::pin(sleep(head.min(idle)));
        Self { conversation, head, idle, waiting: Waiting::Head, since: Instant::now(), begun: 0, timer }
    }

    /// What the client has failed to send in time. Wakes the connection when that may be so.
    pub(super) fn poll_lack(&mut self, cx: &mut Context<'_>) -> Option<Lack> {
        self.follow(self.conversation.turns());
        while self.timer.as_mut().poll(cx).is_ready() {
            let deadline = match self.waiting {
                Waiting::Request => self.since + self.idle,
                Waiting::Head => self.since + self.head,
                Waiting::Answer => Instant::now() + self.head.min(self.idle),
            };
            if deadline <= Instant::now() {
                return Some(if self.waiting == Waiting::Head { Lack::Head } else { Lack::Request });
            }
            // A head may begin at any time, and has a deadline of its own.
            self.timer.as_mut().reset(deadline.min(Instant::now() + self.head));
        }
        None
    }

    /// The client has sent something.
    pub(super) fn heard(&mut self) {
        if self.waiting == Waiting::Request {
            self.waiting = Waiting::Head;
            self.since = Instant::now();
        }
    }

    fn follow(&mut self, turns: Turns) {
        if turns.under_way {
            self.waiting = Waiting::Answer;
        } else if turns.begun != self.begun || self.waiting == Waiting::Answer {
            self.waiting = Waiting::Request;
            self.since = turns.answered_at;
        }
        self.begun = turns.begun;
    }
}

/// Waits for a client to take what is written to it.
#[derive(Default)]
pub(super) struct Room {
    wait: Option<Wait>,
}

struct Wait {
    timer: Pin<Box<Sleep>>,
    questions: u32,
}

impl Room {
    /// The client has taken something.
    pub(super) fn made(&mut self) {
        self.wait = None;
    }

    /// Whether the client has taken nothing for too long. Wakes the connection when that is so.
    pub(super) fn is_lacking(&mut self, cx: &mut Context<'_>) -> bool {
        let wait = self.wait.get_or_insert_with(|| Wait { timer: Box::pin(sleep(UNREAD)), questions: 0 });
        wait.questions += 1;
        wait.questions > QUESTIONS || wait.timer.as_mut().poll(cx) == Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::time::advance;

    use super::*;

    const HEAD: Duration = Duration::from_secs(5);
    const IDLE: Duration = Duration::from_secs(75);

    fn begun() -> (Patience, Conversation) {
        let conversation = Conversation::new();
        (Patience::new(conversation.clone(), HEAD, IDLE), conversation)
    }

    impl Patience {
        fn lack(&mut self) -> Option<Lack> {
            self.poll_lack(&mut Context::from_waker(Waker::noop()))
        }
    }

    async fn seconds(seconds: u64) {
        advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_has_a_deadline_and_later_ones_have_it_too() {
        let (mut patience, conversation) = begun();
        seconds(4).await;
        assert_eq!(patience.lack(), None);
        patience.heard();
        drop(conversation.begin());
        assert_eq!(patience.lack(), None);
        seconds(60).await;
        assert_eq!(patience.lack(), None, "idle");
        patience.heard();
        seconds(4).await;
        assert_eq!(patience.lack(), None);
        patience.heard();
        seconds(2).await;
        assert_eq!(patience.lack(), Some(Lack::Head), "more of it does not help");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_ends() {
        let (mut patience, _) = begun();
        seconds(6).await;
        assert_eq!(patience.lack(), Some(Lack::Head));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_its_time_and_idleness_counts_from_it() {
        let (mut patience, conversation) = begun();
        patience.heard();
        let request = conversation.begin();
        for _ in 0..20 {
            seconds(10).await;
            assert_eq!(patience.lack(), None);
        }
        drop(request);
        assert_eq!(patience.lack(), None);
        seconds(74).await;
        assert_eq!(patience.lack(), None);
        seconds(6).await;
        assert_eq!(patience.lack(), Some(Lack::Request));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_may_end_before_a_head_would() {
        let conversation = Conversation::new();
        let mut patience = Patience::new(conversation.clone(), HEAD, Duration::from_secs(1));
        drop(conversation.begin());
        assert_eq!(patience.lack(), None);
        seconds(2).await;
        assert_eq!(patience.lack(), Some(Lack::Request));
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_waited_for_so_long_and_so_often() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut room = Room::default();
        assert!(!room.is_lacking(cx));
        seconds(9).await;
        room.made();
        assert!(!room.is_lacking(cx));
        seconds(9).await;
        assert!(!room.is_lacking(cx));
        seconds(2).await;
        assert!(room.is_lacking(cx));
        room.made();
        assert!((0..QUESTIONS).all(|_| !room.is_lacking(cx)));
        assert!(room.is_lacking(cx));
    }
}
