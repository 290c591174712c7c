//! Messages that are owed.

use async_trait::async_trait;
use auth_domain::{
    id::OutboxId,
    outbox::{OutboxEntry, OutboxItem, OutboxState},
    port::{Outbox, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::data_types::PgTimestamp,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};

use super::{entities, entity, storable};
use crate::{
    error::corrupt,
    exchange::{Count, Find},
    row::{EntryRow, OutboxRow, outbox_entry, outbox_values, time},
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
        self.count(DEPTH).await
    }

    async fn dead_letters(&mut self) -> Result<u64, StoreError> {
        self.count(DEAD_LETTERS).await
    }

    async fn oldest_due(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let oldest = Find::<(BigInt, Timestamptz), (i64, PgTimestamp)>::new(Statement::new(OLDEST_DUE));
        let first = |rows: Vec<(i64, PgTimestamp)>| {
            let due = rows.first().map(|(id, due)| time(*due).ok_or_else(|| corrupt("outbox", id)));
            due.transpose()
        };
        self.0.ask(Access::Read, Vec::new(), oldest, first).await
    }

    async fn list(
        &mut self,
        state: OutboxState,
        after: Option<OutboxId>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let text = match state {
            OutboxState::Waiting => LIST_WAITING,
            OutboxState::Dead => LIST_DEAD,
        };
        let after = after.map_or(i64::MIN, OutboxId::as_i64);
        let list = Find::<EntryColumns, EntryRow>::new(Statement::new(text).with(after).with(limit));
        let read = |rows: Vec<EntryRow>| rows.into_iter().map(outbox_entry).collect();
        self.0.ask(Access::Read, Vec::new(), list, read).await
    }

    async fn retry_now(
        &mut self,
        id: OutboxId,
        now: DateTime<Utc>,
    ) -> Result<Option<OutboxItem>, StoreError> {
        let retry = Statement::new(RETRY_NOW).with(now).with(id.as_i64()).with(now);
        let retry = Find::<Columns, OutboxRow>::new(retry);
        self.0.ask(Access::Write, Vec::new(), retry, entity).await
    }

    async fn discard(&mut self, id: OutboxId, now: DateTime<Utc>) -> Result<Option<OutboxItem>, StoreError> {
        let discard = Find::<Columns, OutboxRow>::new(Statement::new(DISCARD).with(id.as_i64()).with(now));
        self.0.ask(Access::Write, Vec::new(), discard, entity).await
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

type EntryColumns = (Columns, Nullable<Timestamptz>, Nullable<Timestamptz>, Nullable<Text>);

impl<R: Runner> Repositories<R> {
    async fn count(&mut self, text: &'static str) -> Result<u64, StoreError> {
        let count = Find::<BigInt, i64>::new(Statement::new(text));
        let only = |rows: Vec<i64>| Ok(rows.first().map_or(0, |rows| rows.unsigned_abs()));
        self.0.ask(Access::Read, Vec::new(), count, only).await
    }
}

/// Parallel calls for one message wait for each other, and one of them writes it.
const PUT: &str = "INSERT INTO outbox (id, tenant, user_id, kind, email, ip, user_agent, request_id,
     created_at, due_at, attempts, once, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (once) DO NOTHING";

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

const BURY: &str = "UPDATE outbox SET buried_at = ?, leased_until = NULL, last_error = ?, once = NULL
     WHERE id = ?";

const DEPTH: &str = "SELECT count(*) FROM outbox WHERE buried_at IS NULL";

const DEAD_LETTERS: &str = "SELECT count(*) FROM outbox WHERE buried_at IS NOT NULL";

const OLDEST_DUE: &str = "SELECT id, due_at FROM outbox WHERE buried_at IS NULL ORDER BY due_at, id LIMIT 1";

macro_rules! list {
    ($state:literal) => {
        concat!(
            "SELECT ",
            outbox!(),
            ", o.leased_until, o.buried_at, o.last_error FROM outbox o WHERE o.buried_at ",
            $state,
            " AND o.id > ? ORDER BY o.id LIMIT ?"
        )
    };
}

const LIST_WAITING: &str = list!("IS NULL");
const LIST_DEAD: &str = list!("IS NOT NULL");

const RETRY_NOW: &str = concat!(
    "UPDATE outbox o SET due_at = ?, attempts = 0, leased_until = NULL, buried_at = NULL, once = NULL
     WHERE o.id = ? AND (o.leased_until IS NULL OR o.leased_until <= ?) RETURNING ",
    outbox!()
);

const DISCARD: &str = concat!(
    "DELETE FROM outbox o WHERE o.id = ? AND (o.leased_until IS NULL OR o.leased_until <= ?) RETURNING ",
    outbox!()
);

const PURGE: &str = "DELETE FROM outbox WHERE id = ANY (ARRAY(
         SELECT id FROM outbox WHERE buried_at < ? ORDER BY buried_at LIMIT ?
     ))";
