//! What becomes of jobs that wait, and how much memory there is at once.

use std::{
    num::NonZeroUsize,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use super::*;
use crate::hasher::Argon2Cost;

const HASH: Work = Work::Hash(8);

fn pool(change: impl FnOnce(&mut HasherConfig)) -> Pool {
    let mut config = HasherConfig::insecure_for_tests();
    change(&mut config);
    Pool::start(&config).unwrap()
}

/// Keeps one thread busy until the sender is dropped.
async fn occupy(pool: &Arc<Pool>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let pool = Arc::clone(pool);
    tokio::spawn(async move {
        let job = move |_: &mut Scratch| {
            begun.send(()).unwrap();
            let _ = released.recv();
            Ok(())
        };
        pool.run(Work::Estimate, job).await
    });
    has_begun.await.unwrap();
    release
}

/// Waits until so many jobs wait.
async fn until_waiting(pool: &Pool, count: usize) {
    while pool.load().waiting != count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_job_too_many_is_refused_at_once() {
    let pool = Arc::new(pool(|config| config.queue_limit = 2));
    let busy = occupy(&pool).await;
    let waiting: Vec<_> = (0..2).map(|_| tokio::spawn(run(&pool))).collect();
    until_waiting(&pool, 2).await;
    let refusal = HashError::Overloaded { retry_after: MIN_RETRY };
    assert_eq!(pool.take_place().err(), Some(refusal), "it is told before, too");
    assert_eq!(run(&pool).await, Err(refusal));
    drop(busy);
    for job in waiting {
        assert_eq!(job.await.unwrap(), Ok(()));
    }
    assert!(pool.take_place().is_ok());
    let load = pool.load();
    assert_eq!((load.waiting, load.shed, load.abandoned), (0, 2, 0));
}

/// Whoever has still to write something down before it hashes is counted with those who wait already.
#[test]
fn places_are_bounded_and_come_back() {
    let pool = pool(|config| config.queue_limit = 2);
    let places: Vec<_> = (0..3).map(|_| pool.take_place()).collect();
    assert!(places.iter().all(Result::is_ok), "two that wait and one that runs");
    assert_eq!(pool.take_place().err(), Some(HashError::Overloaded { retry_after: MIN_RETRY }));
    assert_eq!(pool.load().shed, 1);
    drop(places);
    assert!(pool.take_place().is_ok());
}

#[tokio::test]
async fn a_job_that_waited_too_long_is_refused_and_not_done() {
    let pool = Arc::new(pool(|config| config.queue_deadline = Duration::from_millis(20)));
    let busy = occupy(&pool).await;
    let done = Arc::new(AtomicUsize::new(0));
    let late = tokio::spawn(counting(&pool, &done));
    until_waiting(&pool, 1).await;
    std::thread::sleep(Duration::from_millis(30));
    drop(busy);
    assert!(matches!(late.await.unwrap(), Err(HashError::Overloaded { .. })));
    assert_eq!((done.load(Ordering::Relaxed), pool.load().shed), (0, 1));
}

#[tokio::test]
async fn a_job_nobody_waits_for_is_never_done_and_keeps_nobody_out() {
    let pool = Arc::new(pool(|config| config.queue_limit = 1));
    let busy = occupy(&pool).await;
    let done = Arc::new(AtomicUsize::new(0));
    let gone = tokio::spawn(counting(&pool, &done));
    until_waiting(&pool, 1).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    // The queue has one place, and whoever held it has left.
    let living = tokio::spawn(run(&pool));
    while pool.load().abandoned == 0 {
        tokio::task::yield_now().await;
    }
    drop(busy);
    assert_eq!(living.await.unwrap(), Ok(()));
    assert_eq!((done.load(Ordering::Relaxed), pool.load().abandoned), (0, 1));
}

/// An estimate is no hash: many of them in the queue are no reason to turn a login away.
#[test]
fn the_wait_is_predicted_for_each_kind_of_work() {
    let second = Duration::from_secs(1);
    let mut state = State::default();
    state.observe(HASH, Duration::ZERO, second);
    state.observe(Work::Estimate, Duration::ZERO, second / 1000);
    let waiting = |work| {
        let task = Box::new(Job { work: |_: &mut Scratch| Ok(()), answer: oneshot::channel().0 });
        Waiting { since: Instant::now(), deadline: Instant::now(), work, task, traced: Traced::waiting() }
    };
    state.queue.extend((0..10).map(|_| waiting(Work::Estimate)));
    assert_eq!(state.predicted_wait(1), second / 100);
    state.queue.push_back(waiting(HASH));
    assert_eq!(state.predicted_wait(2), (second + second / 100) / 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_hashes_together_stay_within_the_budget() {
    const BUDGET: usize = 100;
    let pool = Arc::new(pool(|config| {
        config.threads = NonZeroUsize::new(4).unwrap();
        config.cost = Argon2Cost::insecure_for_tests();
        config.memory_kib = u32::try_from(BUDGET).unwrap();
        config.queue_limit = 1000;
    }));
    let (used, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut jobs = tokio::task::JoinSet::new();
    for number in 0..400 {
        let blocks = [8, 90, 8, 40, 100, 8][number % 6];
        let (pool, used, most) = (Arc::clone(&pool), Arc::clone(&used), Arc::clone(&most));
        jobs.spawn(async move {
            let job = move |scratch: &mut Scratch| {
                // Some fail before they take their memory; that must not be counted for ever.
                if number % 7 == 0 {
                    return Ok(());
                }
                scratch.blocks(blocks);
                most.fetch_max(used.fetch_add(blocks, Ordering::SeqCst) + blocks, Ordering::SeqCst);
                std::thread::yield_now();
                used.fetch_sub(blocks, Ordering::SeqCst);
                Ok(())
            };
            pool.run(Work::Hash(blocks), job).await
        });
    }
    assert!(jobs.join_all().await.into_iter().all(|outcome| outcome.is_ok()), "none starves");
    assert!(most.load(Ordering::SeqCst) <= BUDGET, "{most:?}");
    assert!(pool.shared.lock().held <= BUDGET);
    let more = pool.run(Work::Hash(BUDGET + 1), |_| Ok(())).await;
    assert_eq!(more, Err(HashError::TooDear), "what never fits is refused, not kept waiting");
}

fn run(pool: &Arc<Pool>) -> impl Future<Output = Result<(), HashError>> + use<> {
    let pool = Arc::clone(pool);
    async move { pool.run(HASH, |_| Ok(())).await }
}

fn counting(
    pool: &Arc<Pool>,
    done: &Arc<AtomicUsize>,
) -> impl Future<Output = Result<(), HashError>> + use<> {
    let (pool, done) = (Arc::clone(pool), Arc::clone(done));
    async move {
        let job = move |_: &mut Scratch| {
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        pool.run(HASH, job).await
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn hashes_let_everything_else_go_first() {
    let priority = || rustix::process::getpriority_process(None).unwrap();
    let pool = pool(|_| {});
    let inside = pool.run(Work::Estimate, move |_| Ok(priority())).await.unwrap();
    assert!(inside > priority(), "{inside}");
}
