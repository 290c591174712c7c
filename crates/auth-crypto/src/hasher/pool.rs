//! Threads of their own for slow work, behind a bounded queue.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::Builder,
    time::{Duration, Instant},
};

use auth_domain::port::HashError;
use tokio::sync::oneshot;

use super::{HasherConfig, scratch::Scratch};

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
    queue_limit: usize,
    queue_deadline: Duration,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Waiting>,
    stopping: bool,
    /// Moving average of how long a job takes.
    mean: Duration,
}

struct Waiting {
    deadline: Instant,
    task: Box<dyn Task>,
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
            queue_limit: config.queue_limit,
            queue_deadline: config.queue_deadline,
        });
        // Made first: if a thread cannot be started, dropping the pool stops those before it.
        let pool = Self { shared };
        for number in 0..config.threads.get() {
            let shared = Arc::clone(&pool.shared);
            let blocks = config.cost.memory_kib as usize;
            Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || shared.work_until_stopped(&mut Scratch::new(blocks)))?;
        }
        Ok(pool)
    }

    /// Runs `work` on one of the threads. Dropping the future gives a waiting job up.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Scratch) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let (answer, result) = oneshot::channel();
        self.shared.enqueue(Box::new(Job { work, answer }))?;
        // The sender is dropped unused only when the pool stops.
        result.await.unwrap_or(Err(HashError::Failed))
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

    fn enqueue(&self, task: Box<dyn Task>) -> Result<(), HashError> {
        let mut state = self.lock();
        let wait = state.predicted_wait(self.threads);
        if state.queue.len() >= self.queue_limit {
            // Jobs whose caller has gone must not keep the living out.
            state.queue.retain(|waiting| waiting.task.is_wanted());
        }
        if state.queue.len() >= self.queue_limit || wait > self.queue_deadline {
            return Err(overloaded(wait));
        }
        state.queue.push_back(Waiting { deadline: Instant::now() + self.queue_deadline, task });
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    fn work_until_stopped(&self, scratch: &mut Scratch) {
        while let Some(waiting) = self.next(scratch) {
            let started = Instant::now();
            if started > waiting.deadline {
                let wait = self.lock().predicted_wait(self.threads);
                waiting.task.refuse(overloaded(wait));
                continue;
            }
            waiting.task.run(scratch);
            self.lock().observe(started.elapsed());
        }
    }

    /// The next job somebody waits for; `None` once the pool stops.
    fn next(&self, scratch: &mut Scratch) -> Option<Waiting> {
        let mut state = self.lock();
        loop {
            if state.stopping {
                return None;
            }
            if let Some(waiting) = state.queue.pop_front() {
                if waiting.task.is_wanted() {
                    return Some(waiting);
                }
            } else if scratch.is_dirty() {
                // Idle: take the traces of the last password out of memory, which under load the
                // next job does by overwriting them.
                drop(state);
                scratch.wipe();
                state = self.lock();
            } else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl State {
    fn observe(&mut self, took: Duration) {
        self.mean = if self.mean.is_zero() { took } else { (self.mean * 7 + took) / 8 };
    }

    /// How long a job that is added now will wait, given that all threads are busy.
    fn predicted_wait(&self, threads: u32) -> Duration {
        let waiting = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        self.mean.saturating_mul(waiting) / threads.max(1)
    }
}

fn overloaded(wait: Duration) -> HashError {
    HashError::Overloaded { retry_after: wait.max(MIN_RETRY) }
}
