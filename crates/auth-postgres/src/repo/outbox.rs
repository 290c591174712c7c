//! Messages that are owed.

use async_trait::async_trait;
use auth_domain::{
    id::OutboxId,
    outbox::OutboxItem,
    port::{Outbox, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::sql_types::BigInt;

use super::{entities, storable};
use crate::{
    exchange::{Count, Find},
    row::{OutboxRow, outbox_values},
    runner::{Access, Repositories, Runner},
    schema::{Outbox as Columns, outbox},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> Outbox for Repositories<R> {
    async fn put(&mut self, item: &OutboxItem) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(PUT).with_all(outbox_values(item))]).await
    }

    async fn lease(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OutboxItem>, StoreError> {
        let lease = Statement::new(LEASE).with(now).with(now).with(limit).with(until);
        let lease = Find::<Columns, OutboxRow>::new(lease);
        self.0.ask(Access::Write, Vec::new(), lease, leased).await
    }

    async fn done(&mut self, id: OutboxId) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(DONE).with(id.as_i64())]).await
    }

    async fn retry(&mut self, id: OutboxId, due_at: DateTime<Utc>, error: &str) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(RETRY).with(due_at).with(storable(error)).with(id.as_i64())]).await
    }

    async fn bury(&mut self, id: OutboxId, at: DateTime<Utc>, error: &str) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(BURY).with(at).with(storable(error)).with(id.as_i64())]).await
    }

    async fn depth(&mut self) -> Result<u64, StoreError> {
        let depth = Find::<BigInt, i64>::new(Statement::new(DEPTH));
        let waiting = |rows: Vec<i64>| Ok(rows.first().map_or(0, |rows| rows.unsigned_abs()));
        self.0.ask(Access::Read, Vec::new(), depth, waiting).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let purge = Statement::new(PURGE).with(before).with(limit);
        self.0.ask(Access::Write, Vec::new(), Count(purge), Ok).await
    }
}

fn leased(rows: Vec<OutboxRow>) -> Result<Vec<OutboxItem>, StoreError> {
    let mut items: Vec<OutboxItem> = entities(rows)?;
    for item in &mut items {
        // This try is counted from the start, in case it takes the process down with it, but the item
        // tells how often it was tried *before*.
        item.attempts = item.attempts.saturating_sub(1);
    }
    items.sort_by_key(|item| (item.due_at, item.id)); // RETURNING gives rows in any order
    Ok(items)
}

const PUT: &str = "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// What another worker is leasing at this moment is passed over, not waited for.
const LEASE: &str = concat!(
    "WITH due AS (
         SELECT id FROM outbox
         WHERE buried_at IS NULL AND due_at <= ? AND (leased_until IS NULL OR leased_until <= ?)
         ORDER BY due_at, id LIMIT ? FOR UPDATE SKIP LOCKED
     )
     UPDATE outbox o SET leased_until = ?, attempts = o.attempts + 1 FROM due WHERE o.id = due.id
     RETURNING ",
    outbox!()
);

const DONE: &str = "DELETE FROM outbox WHERE id = ?";

const RETRY: &str = "UPDATE outbox SET due_at = ?, leased_until = NULL, last_error = ?
     WHERE id = ? AND buried_at IS NULL";

const BURY: &str = "UPDATE outbox SET buried_at = ?, leased_until = NULL, last_error = ? WHERE id = ?";

const DEPTH: &str = "SELECT count(*) FROM outbox WHERE buried_at IS NULL";

const PURGE: &str = "DELETE FROM outbox WHERE id = ANY (ARRAY(
         SELECT id FROM outbox WHERE buried_at < ? ORDER BY buried_at LIMIT ?
     ))";
