//! What happens to a connection when its caller goes away, its work panics or its turn does not come.

use std::sync::mpsc;

use diesel::{RunQueryDsl, dsl::sql, sql_types::Integer};

use super::*;
use crate::config::Location;

/// Long enough for any statement; nothing waits this long unless a test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A pool of one writer with an empty table `t`.
async fn writer(acquire_timeout: Duration) -> Arc<Pool> {
    let database = Arc::new(Database::prepare(Location::Memory, PATIENCE).unwrap());
    let pool = Pool::new(database, Access::Write, 1, None, acquire_timeout);
    let create = |lease: &mut Lease| Ok(lease.conn()?.batch_execute("CREATE TABLE t (x INTEGER) STRICT")?);
    pool.lease().await.unwrap().run(create).await.1.unwrap();
    pool
}

/// Begins a transaction and writes a row.
fn begin_and_insert(lease: &mut Lease) -> Result<(), Fault> {
    lease.begin()?;
    Ok(lease.conn()?.batch_execute("INSERT INTO t VALUES (1)")?)
}

/// How many rows the next caller sees, who must also be able to begin.
async fn rows(pool: &Arc<Pool>) -> i32 {
    let count = |lease: &mut Lease| {
        lease.begin()?;
        let rows = sql::<Integer>("SELECT count(*) FROM t").get_result(lease.conn()?)?;
        lease.commit()?;
        Ok(rows)
    };
    pool.lease().await.unwrap().run(count).await.1.unwrap()
}

fn idle(pool: &Pool) -> usize {
    pool.idle().len()
}

#[tokio::test]
async fn a_caller_that_goes_away_in_the_middle_leaves_nothing_behind() {
    let pool = writer(PATIENCE).await;
    let (inserted, was_inserted) = tokio::sync::oneshot::channel();
    let (open, gate) = mpsc::channel::<()>();
    let lease = pool.lease().await.unwrap();
    let call = tokio::spawn(lease.run(move |lease| {
        begin_and_insert(lease)?;
        let _ = inserted.send(());
        let _ = gate.recv();
        Ok(())
    }));
    was_inserted.await.unwrap();
    call.abort();
    assert!(call.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(pool.turns.available_permits(), 0, "the work still runs and keeps its turn");
    open.send(()).unwrap();
    assert_eq!(rows(&pool).await, 0);
    assert_eq!(idle(&pool), 1, "the connection was kept");
}

#[tokio::test]
async fn a_caller_that_goes_away_while_waiting_gives_its_place_up() {
    let pool = writer(PATIENCE).await;
    let held = pool.lease().await.unwrap();
    let mut waiting = Box::pin(pool.lease());
    assert!(futures_pending(&mut waiting).await);
    drop(waiting);
    drop(held);
    assert_eq!(pool.turns.available_permits(), 1);
    assert_eq!(rows(&pool).await, 0);
}

/// Whether the future does not finish when polled once.
async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending()))
        .await
}

#[tokio::test]
async fn a_panic_costs_the_connection_but_not_the_turn() {
    let pool = writer(PATIENCE).await;
    let lease = pool.lease().await.unwrap();
    let (lease, result) = lease
        .run(|lease| -> Result<(), Fault> {
            begin_and_insert(lease)?;
            panic!("part of the test: the work panics");
        })
        .await;
    assert!(lease.is_none());
    assert!(matches!(result, Err(StoreError::Internal(_))));
    assert_eq!(idle(&pool), 0, "the connection was closed");
    assert_eq!(rows(&pool).await, 0);
    assert_eq!(idle(&pool), 1, "another one was opened");
}

#[tokio::test]
async fn a_failed_step_rolls_back_and_keeps_the_connection() {
    let pool = writer(PATIENCE).await;
    let lease = pool.lease().await.unwrap();
    let (lease, result) = lease
        .run(|lease| {
            begin_and_insert(lease)?;
            Ok(lease.conn()?.batch_execute("INSERT INTO t VALUES ('text')")?)
        })
        .await;
    assert!(matches!(result, Err(StoreError::Internal(_))));
    drop(lease);
    assert_eq!((idle(&pool), rows(&pool).await), (1, 0));
}

#[tokio::test]
async fn a_connection_that_cannot_roll_back_is_closed() {
    let pool = writer(PATIENCE).await;
    let lease = pool.lease().await.unwrap();
    let (lease, result) = lease
        .run(|lease| {
            begin_and_insert(lease)?;
            // Behind the back of the lease: as after an error upon which SQLite rolls back by itself.
            Ok(lease.conn()?.batch_execute("ROLLBACK")?)
        })
        .await;
    result.unwrap();
    drop(lease);
    assert_eq!(idle(&pool), 0);
    assert_eq!(rows(&pool).await, 0);
}

#[tokio::test]
async fn whoever_does_not_get_a_turn_in_time_is_told_so() {
    let pool = writer(Duration::from_millis(1)).await;
    let held = pool.lease().await.unwrap();
    assert!(matches!(pool.lease().await, Err(StoreError::Unavailable(_))));
    drop(held);
    assert!(pool.lease().await.is_ok());
}

#[test]
fn a_runtime_that_shuts_down_gives_the_connection_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = runtime.block_on(async {
        let pool = writer(PATIENCE).await;
        let (lease, begun) = pool.lease().await.unwrap().run(begin_and_insert).await;
        begun.unwrap();
        tokio::spawn(async move {
            let _lease = lease;
            std::future::pending::<()>().await;
        });
        pool
    });
    drop(runtime);
    assert_eq!((idle(&pool), pool.turns.available_permits()), (1, 1));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert_eq!(runtime.block_on(rows(&pool)), 0);
}
