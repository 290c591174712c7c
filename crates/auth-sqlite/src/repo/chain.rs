//! The chain over the audit log.

use async_trait::async_trait;
use auth_domain::{
    audit::{ChainHash, ChainHead, ChainLink, ChainedRow, Checkpoint, StoredRow, network_text},
    port::{AuditChain, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::{exists, not},
    prelude::*,
    sql_query,
    sql_types::BigInt,
};

use super::{count, entities, entity};
use crate::{
    error::{Fault, corrupt},
    row::{ChainLinkRow, CheckpointRow, LinkedRow, StoredAuditRow, chained, micros},
    runner::{Repositories, Runner},
    schema::{audit_chain, audit_checkpoints, audit_events},
};

#[async_trait]
impl<R: Runner> AuditChain for Repositories<R> {
    async fn take_turn(&mut self) -> Result<bool, StoreError> {
        Ok(true) // whoever has a transaction has the turn to write
    }

    async fn head(&mut self) -> Result<ChainHead, StoreError> {
        self.0.read(head).await
    }

    async fn newest(&mut self) -> Result<Option<i64>, StoreError> {
        let newest = audit_chain::table.select(audit_chain::seq).order(audit_chain::seq.desc());
        self.0.read(move |conn| Ok(newest.first(conn).optional()?)).await
    }

    async fn waiting(&mut self, after: i64, limit: u32) -> Result<Vec<StoredRow>, StoreError> {
        self.0.read(move |conn| waiting(conn, after, limit)).await
    }

    async fn backlog(&mut self) -> Result<u64, StoreError> {
        self.0.read(backlog).await
    }

    async fn extend(&mut self, links: &[ChainLink]) -> Result<(), StoreError> {
        let rows: Vec<ChainLinkRow> = links.iter().map(ChainLinkRow::from).collect();
        self.0.write(move |conn| extend(conn, &rows)).await
    }

    async fn page(&mut self, after: i64, limit: u32) -> Result<Vec<ChainedRow>, StoreError> {
        self.0.read(move |conn| page(conn, after, limit)).await
    }

    async fn first_since(&mut self, since: DateTime<Utc>) -> Result<Option<i64>, StoreError> {
        let since = audit_chain::table.filter(audit_chain::at.ge(micros(since)));
        let first = since.select(diesel::dsl::min(audit_chain::position));
        self.0.read(move |conn| Ok(first.first(conn)?)).await
    }

    async fn put_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let row = CheckpointRow::from(checkpoint);
        self.0.write(move |conn| put_checkpoint(conn, &row)).await
    }

    async fn checkpoints(&mut self, after: i64, limit: u32) -> Result<Vec<Checkpoint>, StoreError> {
        let page = audit_checkpoints::table
            .filter(audit_checkpoints::number.gt(after))
            .order(audit_checkpoints::number)
            .limit(i64::from(limit))
            .select(CheckpointRow::as_select());
        self.0.read(move |conn| entities(page.load::<CheckpointRow>(conn)?)).await
    }

    async fn last_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreError> {
        let last = audit_checkpoints::table
            .order(audit_checkpoints::number.desc())
            .select(CheckpointRow::as_select());
        self.0.read(move |conn| entity(last.first(conn).optional()?)).await
    }

    async fn prune(&mut self, checkpoint: &Checkpoint, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let row = CheckpointRow::from(checkpoint);
        let up_to = checkpoint.head.position;
        self.0.write(move |conn| prune(conn, &row, up_to, micros(before))).await
    }

    async fn erase_clients(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| erase_clients(conn, micros(before), limit)).await
    }
}

fn head(conn: &mut SqliteConnection) -> Result<ChainHead, Fault> {
    let last: Option<(i64, Vec<u8>)> = audit_chain::table
        .order(audit_chain::position.desc())
        .select((audit_chain::position, audit_chain::hash))
        .first(conn)
        .optional()?;
    let end = match last {
        Some(last) => Some(last),
        None => audit_checkpoints::table
            .filter(audit_checkpoints::kind.eq("pruned"))
            .order(audit_checkpoints::position.desc())
            .select((audit_checkpoints::position, audit_checkpoints::hash))
            .first(conn)
            .optional()?,
    };
    let Some((position, hash)) = end else { return Ok(ChainHead::GENESIS) };
    let hash = hash.try_into().map_err(|_| corrupt("audit_chain", &position))?;
    Ok(ChainHead { position, hash: ChainHash::from_bytes(hash) })
}

fn waiting(conn: &mut SqliteConnection, after: i64, limit: u32) -> Result<Vec<StoredRow>, Fault> {
    let link = audit_chain::table.filter(audit_chain::seq.eq(audit_events::seq));
    let rows = audit_events::table
        .filter(audit_events::seq.gt(after))
        .filter(not(exists(link)))
        .order(audit_events::seq)
        .limit(i64::from(limit))
        .select(StoredAuditRow::as_select())
        .load(conn)?;
    entities(rows)
}

fn backlog(conn: &mut SqliteConnection) -> Result<u64, Fault> {
    let link = audit_chain::table.filter(audit_chain::seq.eq(audit_events::seq));
    let rows: i64 = audit_events::table.filter(not(exists(link))).count().get_result(conn)?;
    Ok(rows.unsigned_abs())
}

fn extend(conn: &mut SqliteConnection, rows: &[ChainLinkRow]) -> Result<(), Fault> {
    for row in rows {
        diesel::insert_into(audit_chain::table).values(row).execute(conn)?;
    }
    Ok(())
}

fn page(conn: &mut SqliteConnection, after: i64, limit: u32) -> Result<Vec<ChainedRow>, Fault> {
    let rows: Vec<LinkedRow> = audit_chain::table
        .left_join(audit_events::table.on(audit_events::seq.eq(audit_chain::seq)))
        .filter(audit_chain::position.gt(after))
        .order(audit_chain::position)
        .limit(i64::from(limit))
        .select((ChainLinkRow::as_select(), Option::<StoredAuditRow>::as_select()))
        .load(conn)?;
    Ok(rows.into_iter().map(chained).collect::<Result<_, _>>()?)
}

fn put_checkpoint(conn: &mut SqliteConnection, row: &CheckpointRow) -> Result<(), Fault> {
    diesel::insert_into(audit_checkpoints::table).values(row).execute(conn)?;
    Ok(())
}

fn prune(conn: &mut SqliteConnection, row: &CheckpointRow, up_to: i64, before: i64) -> Result<u64, Fault> {
    // The rules of the tables let go of what is older than the horizon, of links without an entry, and of
    // checkpoints behind a pruned one: in this order.
    sql_query("UPDATE audit_retention SET horizon = ?1 WHERE one = 1 AND horizon < ?1")
        .bind::<BigInt, _>(before)
        .execute(conn)?;
    sql_query("DELETE FROM audit_events WHERE seq IN (SELECT seq FROM audit_chain WHERE position <= ?1)")
        .bind::<BigInt, _>(up_to)
        .execute(conn)?;
    let links =
        sql_query("DELETE FROM audit_chain WHERE position <= ?1").bind::<BigInt, _>(up_to).execute(conn)?;
    put_checkpoint(conn, row)?;
    sql_query(
        "DELETE FROM audit_checkpoints WHERE number < (SELECT number FROM audit_checkpoints
         WHERE kind = 'regular' AND position >= ?1 ORDER BY position, number LIMIT 1)",
    )
    .bind::<BigInt, _>(up_to)
    .execute(conn)?;
    Ok(count(links))
}

fn erase_clients(conn: &mut SqliteConnection, before: i64, limit: u32) -> Result<u64, Fault> {
    let old: Vec<(i64, i64, Option<String>)> = audit_chain::table
        .left_join(audit_events::table.on(audit_events::seq.eq(audit_chain::seq)))
        .filter(audit_chain::salt.is_not_null().and(audit_chain::at.lt(before)))
        .order((audit_chain::at, audit_chain::position))
        .limit(i64::from(limit))
        .select((audit_chain::position, audit_chain::seq, audit_events::ip.nullable()))
        .load(conn)?;
    for (position, seq, ip) in &old {
        let network = ip.as_deref().and_then(network_text);
        diesel::update(audit_events::table.find(seq))
            .set((audit_events::ip.eq(network), audit_events::user_agent.eq(None::<String>)))
            .execute(conn)?;
        diesel::update(audit_chain::table.find(position))
            .set(audit_chain::salt.eq(None::<Vec<u8>>))
            .execute(conn)?;
    }
    Ok(count(old.len()))
}
