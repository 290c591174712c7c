//! Whether somebody still waits for the answer that is being made.
//!
//! An operation that has begun runs to its end: what it has counted must be followed by what the count is for,
//! a lock by the letter about it, and an attempt by its entry in the audit log. So hanging up does not cut it
//! off. It may only shorten what nobody needs any more and what has no effect yet, as the computing of a hash:
//! whoever does such work asks [`nobody_waits`].

use std::{
    cell::RefCell,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream::FuturesUnordered};
use tokio::sync::{Notify, mpsc};

tokio::task_local! {
    static ANSWER: Arc<Answer>;
}

/// The answer that is being made.
#[derive(Default)]
struct Answer {
    given_up: AtomicBool,
    giving_up: Notify,
}

/// Comes back when the client of the present request has gone, or its time is over. Outside of a request, never.
pub async fn nobody_waits() {
    match ANSWER.try_with(Clone::clone) {
        Ok(answer) => {
            let giving_up = answer.giving_up.notified();
            if !answer.given_up.load(Ordering::Relaxed) {
                giving_up.await;
            }
        }
        Err(_) => std::future::pending().await,
    }
}

type Work<T> = LocalBoxFuture<'static, T>;

/// Work whose result somebody waits for. Dropped before its end, it knows that nobody waits, and goes on.
pub(super) struct Waited<T: 'static> {
    work: Option<Work<T>>,
    answer: Arc<Answer>,
}

impl<T> Waited<T> {
    /// Must be made where local tasks can be spawned.
    pub(super) fn new(work: impl Future<Output = T> + 'static) -> Self {
        keep_ready();
        let answer = Arc::<Answer>::default();
        let work = ANSWER.scope(Arc::clone(&answer), work).boxed_local();
        Self { work: Some(work), answer }
    }
}

impl<T> Future for Waited<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let result = ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(result)
    }
}

impl<T> Drop for Waited<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.answer.given_up.store(true, Ordering::Relaxed);
            self.answer.giving_up.notify_waiters();
            leave(work.map(drop).boxed_local());
        }
    }
}

thread_local! {
    /// Takes what was left on this thread to the task that ends it: where something is dropped, no task can be
    /// relied on to be spawned.
    static LEFT: RefCell<Option<mpsc::UnboundedSender<Work<()>>>> = const { RefCell::new(None) };
}

/// Sees to it that there is a task that ends what is left.
fn keep_ready() {
    LEFT.with_borrow_mut(|left| {
        if left.as_ref().is_none_or(mpsc::UnboundedSender::is_closed) {
            let (sender, receiver) = mpsc::unbounded_channel();
            *left = Some(sender);
            actix_web::rt::spawn(end_what_is_left(receiver));
        }
    });
}

fn leave(work: Work<()>) {
    // A thread that ends has nobody to end it; neither had it before.
    let _ = LEFT.try_with(|left| left.borrow().as_ref().map(|left| left.send(work)));
}

async fn end_what_is_left(mut left: mpsc::UnboundedReceiver<Work<()>>) {
    let mut works = FuturesUnordered::new();
    loop {
        tokio::select! {
            work = left.recv() => match work {
                Some(work) => works.push(work),
                None => return,
            },
            Some(()) = works.next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures_util::poll;
    use tokio::sync::Notify;

    use super::*;

    #[actix_web::test]
    async fn what_nobody_waits_for_any_more_knows_it_and_ends() {
        let ended = Rc::new(Notify::new());
        let (told, work) = (Rc::clone(&ended), nobody_waits());
        let mut waited = Waited::new(async move {
            work.await;
            told.notify_one();
        });
        assert_eq!(poll!(&mut waited), Poll::Pending);
        drop(waited);
        ended.notified().await;
    }

    #[actix_web::test]
    async fn what_is_waited_for_gives_its_result() {
        assert_eq!(Waited::new(async { 7 }).await, 7);
    }

    #[actix_web::test]
    async fn outside_of_a_request_nobody_goes() {
        assert_eq!(poll!(Box::pin(nobody_waits())), Poll::Pending);
    }
}
