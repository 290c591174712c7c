//! Threads of their own for slow work, behind a bounded queue and within a budget of memory.
//!
//! A thread keeps the memory of its last hash, because fresh memory is slow. What all threads keep and use
//! together stays within the budget: a job that needs more than is left waits at the head of the queue until
//! the others have given theirs back, which they do as soon as they come to the queue.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::Builder,
    time::{Duration, Instant},
};

use auth_domain::port::HashError;
use tokio::sync::oneshot;
use tracing::Span;

use super::{HasherConfig, priority, scratch::Scratch};

/// Shortest time to wait that is told to a caller.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// The threads. Dropping it forgets the jobs that wait and ends each thread after the job it is at,
/// without waiting for that: whoever drops it may be an async worker.
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    threads: u32,
    /// Blocks that a thread takes for whatever hash is not larger.
    usual: usize,
    /// Blocks that all threads may have together.
    budget: usize,
    queue_limit: usize,
    queue_deadline: Duration,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Waiting>,
    stopping: bool,
    /// Places that are taken, whether or not their jobs are in the queue yet.
    places: u32,
    /// Blocks that threads have: those they work with, and those they keep.
    held: usize,
    /// Moving averages of how long jobs of each kind take.
    mean: [Duration; Work::KINDS],
    load: HashLoad,
}

struct Waiting {
    since: Instant,
    deadline: Instant,
    work: Work,
    task: Box<dyn Task>,
    traced: Traced,
}

/// The spans of a job: the whole of it, and its wait until that is over.
struct Traced {
    job: Span,
    wait: Span,
}

impl Traced {
    fn waiting() -> Self {
        let job = tracing::info_span!(target: "auth_trace", "hash");
        let wait = tracing::info_span!(target: "auth_trace", parent: &job, "hash wait");
        Self { job, wait }
    }

    /// The wait is over.
    fn computing(self) -> Span {
        drop(self.wait);
        tracing::info_span!(target: "auth_trace", parent: &self.job, "hash compute")
    }
}

/// What kind of work a job is. Each kind has an average of its own: an estimate of strength takes a
/// fraction of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A hash, with the blocks of memory it takes; 0 for one that takes none worth counting.
    Hash(usize),
    /// An estimate of how hard a password is to guess.
    Estimate,
}

impl Work {
    const KINDS: usize = 2;

    const fn kind(self) -> usize {
        match self {
            Self::Hash(_) => 0,
            Self::Estimate => 1,
        }
    }

    /// The blocks a thread has once it does this work, when it had `kept` before.
    fn holds(self, kept: usize, usual: usize) -> usize {
        match self {
            Self::Hash(0) | Self::Estimate => kept,
            Self::Hash(blocks) => blocks.max(usual),
        }
    }
}

/// What the pool has to do, and what it has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashLoad {
    /// Jobs that wait now.
    pub waiting: usize,
    /// Jobs that were done.
    pub done: u64,
    /// How long those waited, all together.
    pub waited: Duration,
    /// Jobs that were refused: the queue was full, or the wait too long.
    pub shed: u64,
    /// Jobs that were not done because nobody waited for the answer any more.
    pub abandoned: u64,
}

/// A job with the way back to its caller.
trait Task: Send {
    /// Whether somebody still waits for the answer.
    fn is_wanted(&self) -> bool;
    /// Does the work and answers.
    fn run(self: Box<Self>, scratch: &mut Scratch);
    /// Answers without doing the work.
    fn refuse(self: Box<Self>, error: HashError);
}

struct Job<F, T> {
    work: F,
    answer: oneshot::Sender<Result<T, HashError>>,
}

impl<F, T> Task for Job<F, T>
where
    F: FnOnce(&mut Scratch) -> Result<T, HashError> + Send,
    T: Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(self: Box<Self>, scratch: &mut Scratch) {
        let Self { work, answer } = *self;
        // A panic in a library must cost one answer, not a thread of the pool. The scratch memory
        // is overwritten by the next job, whatever state this one left it in.
        let result = catch_unwind(AssertUnwindSafe(|| work(scratch))).unwrap_or(Err(HashError::Failed));
        // The caller may have gone meanwhile; then nobody needs the answer.
        let _ = answer.send(result);
    }

    fn refuse(self: Box<Self>, error: HashError) {
        let _ = self.answer.send(Err(error));
    }
}

impl Pool {
    /// Starts the threads.
    pub(super) fn start(config: &HasherConfig) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            threads: u32::try_from(config.threads.get()).unwrap_or(u32::MAX),
            usual: config.cost.memory_kib as usize,
            budget: config.memory_kib as usize,
            queue_limit: config.queue_limit,
            queue_deadline: config.queue_deadline,
        });
        // Made first: if a thread cannot be started, dropping the pool stops those before it.
        let pool = Self { shared };
        for number in 0..config.threads.get() {
            let shared = Arc::clone(&pool.shared);
            let blocks = config.cost.memory_kib as usize;
            Builder::new().name(format!("hash-{number}")).spawn(move || {
                priority::yield_to_others();
                shared.work_until_stopped(&mut Scratch::new(blocks));
            })?;
        }
        Ok(pool)
    }

    /// Whether there could ever be room for such work.
    pub(super) fn check(&self, work: Work) -> Result<(), HashError> {
        self.shared.check(work)
    }

    /// Runs `job` on one of the threads. Dropping the future gives a waiting job up.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: Work,
        job: impl FnOnce(&mut Scratch) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let (answer, result) = oneshot::channel();
        self.shared.enqueue(work, Box::new(Job { work: job, answer }))?;
        // The sender is dropped unused only when the pool stops.
        result.await.unwrap_or(Err(HashError::Failed))
    }

    /// Takes a place for a job that comes later: as many are given out as jobs may wait or run.
    pub(super) fn take_place(&self) -> Result<Place, HashError> {
        let mut state = self.shared.lock();
        self.shared.make_room(&mut state)?;
        let wait = state.mean[Work::Hash(0).kind()].saturating_mul(state.places) / self.shared.threads.max(1);
        let limit = self.shared.queue_limit + self.shared.threads as usize;
        if state.places as usize >= limit || wait > self.shared.queue_deadline {
            state.load.shed += 1;
            return Err(overloaded(wait));
        }
        state.places += 1;
        Ok(Place(Arc::clone(&self.shared)))
    }

    /// What there is to do, and what was done.
    pub(super) fn load(&self) -> HashLoad {
        let state = self.shared.lock();
        HashLoad { waiting: state.queue.len(), ..state.load }
    }
}

/// Somebody is going to ask for a hash.
pub(super) struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lock().places -= 1;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let forgotten = {
            let mut state = self.shared.lock();
            state.stopping = true;
            std::mem::take(&mut state.queue)
        };
        self.shared.wake.notify_all();
        drop(forgotten);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses what needs more memory than all threads together may have.
    fn check(&self, work: Work) -> Result<(), HashError> {
        if work.holds(0, self.usual) > self.budget { Err(HashError::TooDear) } else { Ok(()) }
    }

    fn enqueue(&self, work: Work, task: Box<dyn Task>) -> Result<(), HashError> {
        self.check(work)?;
        let mut state = self.lock();
        self.make_room(&mut state)?;
        let now = Instant::now();
        state.queue.push_back(Waiting {
            since: now,
            deadline: now + self.queue_deadline,
            work,
            task,
            traced: Traced::waiting(),
        });
        drop(state);
        if work.holds(0, self.usual) > self.usual {
            // Every idle thread has to give back what it keeps.
            self.wake.notify_all();
        } else {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Refuses when one more job would be one too many.
    fn make_room(&self, state: &mut State) -> Result<(), HashError> {
        let is_full = |state: &State| {
            state.queue.len() >= self.queue_limit || state.predicted_wait(self.threads) > self.queue_deadline
        };
        if is_full(state) {
            // Jobs whose caller has gone must not keep the living out.
            state.forget_the_gone();
        }
        if is_full(state) {
            state.load.shed += 1;
            return Err(overloaded(state.predicted_wait(self.threads)));
        }
        Ok(())
    }

    fn work_until_stopped(&self, scratch: &mut Scratch) {
        let mut held = 0;
        while let Some(waiting) = self.next(scratch, &mut held) {
            let started = Instant::now();
            if started > waiting.deadline {
                let mut state = self.lock();
                state.load.shed += 1;
                let wait = state.predicted_wait(self.threads);
                drop(state);
                waiting.task.refuse(overloaded(wait));
                continue;
            }
            let Waiting { work, since, task, traced, .. } = waiting;
            traced.computing().in_scope(|| task.run(scratch));
            self.lock().observe(work, started - since, started.elapsed());
        }
    }

    /// The next job somebody waits for, with the memory for it set aside; `None` once the pool stops.
    /// `held` is what this thread is counted with.
    fn next(&self, scratch: &mut Scratch, held: &mut usize) -> Option<Waiting> {
        let mut state = self.lock();
        loop {
            if state.stopping {
                return None;
            }
            let kept = scratch.len();
            // Also after a job that was refused, or failed before it took what was set aside for it.
            self.count(&mut state, held, kept);
            let first = state.queue.front().map(|first| (first.task.is_wanted(), first.work));
            match first {
                Some((false, _)) => {
                    state.queue.pop_front();
                    state.load.abandoned += 1;
                }
                Some((true, work)) => {
                    let needed = work.holds(kept, self.usual);
                    if state.held - kept + needed <= self.budget {
                        self.count(&mut state, held, needed);
                        return state.queue.pop_front();
                    } else if kept == 0 {
                        state = self.wait(state);
                    } else {
                        drop(state);
                        scratch.release();
                        state = self.lock();
                    }
                }
                // Idle: take the traces of the last password out of memory, which under load the
                // next job does by overwriting them.
                None if scratch.is_dirty() => {
                    drop(state);
                    scratch.wipe();
                    state = self.lock();
                }
                None => state = self.wait(state),
            }
        }
    }

    /// Counts a thread with `now` blocks instead of those it was counted with.
    fn count(&self, state: &mut State, held: &mut usize, now: usize) {
        state.held = state.held - *held + now;
        if now < *held {
            self.wake.notify_all();
        }
        *held = now;
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.wake.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn observe(&mut self, work: Work, waited: Duration, took: Duration) {
        let mean = &mut self.mean[work.kind()];
        *mean = if mean.is_zero() { took } else { (*mean * 7 + took) / 8 };
        self.load.done += 1;
        self.load.waited += waited;
    }

    fn forget_the_gone(&mut self) {
        let before = self.queue.len();
        self.queue.retain(|waiting| waiting.task.is_wanted());
        self.load.abandoned += (before - self.queue.len()) as u64;
    }

    /// How long a job that is added now will wait, given that all threads are busy.
    fn predicted_wait(&self, threads: u32) -> Duration {
        let work: Duration = self.queue.iter().map(|waiting| self.mean[waiting.work.kind()]).sum();
        work / threads.max(1)
    }
}

fn overloaded(wait: Duration) -> HashError {
    HashError::Overloaded { retry_after: wait.max(MIN_RETRY) }
}

#[cfg(test)]
mod tests;
