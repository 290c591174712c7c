//! Messages that are owed.

use async_trait::async_trait;
use auth_domain::{
    id::OutboxId,
    outbox::{OutboxEntry, OutboxItem, OutboxState},
    port::{Outbox, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::{count, entities, entity};
use crate::{
    error::{Fault, corrupt},
    row::{EntryRow, OutboxRow, micros, time},
    runner::{Repositories, Runner},
    schema::outbox,
};

#[async_trait]
impl<R: Runner> Outbox for Repositories<R> {
    async fn put(&mut self, item: &OutboxItem) -> Result<(), StoreError> {
        let row = OutboxRow::from(item);
        self.0.write(move |conn| put(conn, &row)).await
    }

    async fn lease(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OutboxItem>, StoreError> {
        self.0.write(move |conn| lease(conn, micros(now), micros(until), limit)).await
    }

    async fn done(&mut self, id: OutboxId) -> Result<(), StoreError> {
        self.0.write(move |conn| done(conn, id)).await
    }

    async fn retry(&mut self, id: OutboxId, due_at: DateTime<Utc>, error: &str) -> Result<(), StoreError> {
        let error = storable(error);
        self.0.write(move |conn| retry(conn, id, micros(due_at), &error)).await
    }

    async fn bury(&mut self, id: OutboxId, at: DateTime<Utc>, error: &str) -> Result<(), StoreError> {
        let error = storable(error);
        self.0.write(move |conn| bury(conn, id, micros(at), &error)).await
    }

    async fn depth(&mut self) -> Result<u64, StoreError> {
        self.0.read(depth).await
    }

    async fn dead_letters(&mut self) -> Result<u64, StoreError> {
        self.0.read(dead_letters).await
    }

    async fn oldest_due(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.0.read(oldest_due).await
    }

    async fn list(
        &mut self,
        state: OutboxState,
        after: Option<OutboxId>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        self.0.read(move |conn| list(conn, state, after, limit)).await
    }

    async fn retry_now(
        &mut self,
        id: OutboxId,
        now: DateTime<Utc>,
    ) -> Result<Option<OutboxItem>, StoreError> {
        self.0.write(move |conn| retry_now(conn, id, micros(now))).await
    }

    async fn discard(&mut self, id: OutboxId, now: DateTime<Utc>) -> Result<Option<OutboxItem>, StoreError> {
        self.0.write(move |conn| discard(conn, id, micros(now))).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| purge(conn, before, limit)).await
    }
}

/// As PostgreSQL has it, which keeps no zero in a text.
fn storable(error: &str) -> String {
    error.replace('\0', "\u{fffd}")
}

fn put(conn: &mut SqliteConnection, row: &OutboxRow) -> Result<(), Fault> {
    diesel::insert_into(outbox::table).values(row).on_conflict(outbox::once).do_nothing().execute(conn)?;
    Ok(())
}

diesel::alias!(outbox as lent: Lent);

fn lease(conn: &mut SqliteConnection, now: i64, until: i64, limit: u32) -> Result<Vec<OutboxItem>, Fault> {
    let due = lent
        .filter(lent.field(outbox::buried_at).is_null())
        .filter(lent.field(outbox::due_at).le(now))
        .filter(lent.field(outbox::leased_until).is_null().or(lent.field(outbox::leased_until).le(now)))
        .order((lent.field(outbox::due_at), lent.field(outbox::id)))
        .limit(i64::from(limit))
        .select(lent.field(outbox::id));
    let rows: Vec<OutboxRow> = diesel::update(outbox::table.filter(outbox::id.eq_any(due)))
        .set((outbox::leased_until.eq(until), outbox::attempts.eq(outbox::attempts + 1i64)))
        .returning(OutboxRow::as_returning())
        .get_results(conn)?;
    let mut items: Vec<OutboxItem> = entities(rows)?;
    for item in &mut items {
        // This try is counted from the start, in case it takes the process down with it, but the item
        // tells how often it was tried *before*.
        item.attempts = item.attempts.saturating_sub(1);
    }
    items.sort_by_key(|item| (item.due_at, item.id)); // RETURNING gives rows in any order
    Ok(items)
}

fn done(conn: &mut SqliteConnection, id: OutboxId) -> Result<(), Fault> {
    diesel::delete(outbox::table.find(id.as_i64())).execute(conn)?;
    Ok(())
}

fn retry(conn: &mut SqliteConnection, id: OutboxId, due_at: i64, error: &str) -> Result<(), Fault> {
    let waiting = outbox::table.find(id.as_i64()).filter(outbox::buried_at.is_null());
    diesel::update(waiting)
        .set((outbox::due_at.eq(due_at), outbox::leased_until.eq(None::<i64>), outbox::last_error.eq(error)))
        .execute(conn)?;
    Ok(())
}

fn bury(conn: &mut SqliteConnection, id: OutboxId, at: i64, error: &str) -> Result<(), Fault> {
    diesel::update(outbox::table.find(id.as_i64()))
        .set((
            outbox::buried_at.eq(at),
            outbox::leased_until.eq(None::<i64>),
            outbox::last_error.eq(error),
            outbox::once.eq(None::<Vec<u8>>),
        ))
        .execute(conn)?;
    Ok(())
}

fn depth(conn: &mut SqliteConnection) -> Result<u64, Fault> {
    let waiting: i64 = outbox::table.filter(outbox::buried_at.is_null()).count().get_result(conn)?;
    Ok(u64::try_from(waiting).unwrap_or_default())
}

fn dead_letters(conn: &mut SqliteConnection) -> Result<u64, Fault> {
    let dead: i64 = outbox::table.filter(outbox::buried_at.is_not_null()).count().get_result(conn)?;
    Ok(u64::try_from(dead).unwrap_or_default())
}

fn oldest_due(conn: &mut SqliteConnection) -> Result<Option<DateTime<Utc>>, Fault> {
    let oldest: Option<(i64, i64)> = outbox::table
        .filter(outbox::buried_at.is_null())
        .order(outbox::due_at)
        .select((outbox::id, outbox::due_at))
        .first(conn)
        .optional()?;
    let due = oldest.map(|(id, due)| time(due).ok_or_else(|| corrupt("outbox", &id)));
    Ok(due.transpose()?)
}

fn list(
    conn: &mut SqliteConnection,
    state: OutboxState,
    after: Option<OutboxId>,
    limit: u32,
) -> Result<Vec<OutboxEntry>, Fault> {
    let page = outbox::table
        .filter(outbox::id.gt(after.map_or(i64::MIN, OutboxId::as_i64)))
        .order(outbox::id)
        .limit(i64::from(limit))
        .select(EntryRow::as_select());
    let rows: Vec<EntryRow> = match state {
        OutboxState::Waiting => page.filter(outbox::buried_at.is_null()).load(conn)?,
        OutboxState::Dead => page.filter(outbox::buried_at.is_not_null()).load(conn)?,
    };
    entities(rows)
}

fn retry_now(conn: &mut SqliteConnection, id: OutboxId, now: i64) -> Result<Option<OutboxItem>, Fault> {
    let idle = outbox::table
        .find(id.as_i64())
        .filter(outbox::leased_until.is_null().or(outbox::leased_until.le(now)));
    let row: Option<OutboxRow> = diesel::update(idle)
        .set((
            outbox::due_at.eq(now),
            outbox::attempts.eq(0i64),
            outbox::leased_until.eq(None::<i64>),
            outbox::buried_at.eq(None::<i64>),
            outbox::once.eq(None::<Vec<u8>>),
        ))
        .returning(OutboxRow::as_returning())
        .get_result(conn)
        .optional()?;
    entity(row)
}

fn discard(conn: &mut SqliteConnection, id: OutboxId, now: i64) -> Result<Option<OutboxItem>, Fault> {
    let idle = outbox::table
        .find(id.as_i64())
        .filter(outbox::leased_until.is_null().or(outbox::leased_until.le(now)));
    let row: Option<OutboxRow> =
        diesel::delete(idle).returning(OutboxRow::as_returning()).get_result(conn).optional()?;
    entity(row)
}

fn purge(conn: &mut SqliteConnection, before: DateTime<Utc>, limit: u32) -> Result<u64, Fault> {
    let deleted = sql_query(
        "DELETE FROM outbox WHERE id IN
         (SELECT id FROM outbox WHERE buried_at < ?1 ORDER BY buried_at LIMIT ?2)",
    )
    .bind::<BigInt, _>(micros(before))
    .bind::<BigInt, _>(i64::from(limit))
    .execute(conn)?;
    Ok(count(deleted))
}
