//! The chain over the audit log.

use async_trait::async_trait;
use auth_domain::{
    audit::{ChainHash, ChainHead, ChainLink, ChainedRow, Checkpoint, StoredRow, network_text},
    port::{AuditChain, StoreError},
};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use super::{entities, entity};
use crate::{
    error::corrupt,
    exchange::{Counted, Find, Nothing, Sum},
    row::{ChainRow, CheckpointRow, StoredAuditRow, chained, checkpoint_values, links_values},
    runner::{Access, Repositories, Runner},
    schema::{
        AuditChain as Links, AuditCheckpoints, StoredEvents, audit_chain, audit_checkpoints, stored_events,
    },
    statement::Statement,
};

#[async_trait]
impl<R: Runner> AuditChain for Repositories<R> {
    async fn take_turn(&mut self) -> Result<bool, StoreError> {
        let turn = Find::<Bool, bool>::new(Statement::new(TAKE_TURN));
        self.0.ask(Access::Write, Vec::new(), turn, |rows| Ok(rows == [true])).await
    }

    async fn head(&mut self) -> Result<ChainHead, StoreError> {
        for text in [LAST_LINK, LAST_PRUNED] {
            let end = Find::<(BigInt, Binary), (i64, Vec<u8>)>::new(Statement::new(text));
            if let Some(head) = self.0.ask(Access::Read, Vec::new(), end, head).await? {
                return Ok(head);
            }
        }
        Ok(ChainHead::GENESIS)
    }

    async fn newest(&mut self) -> Result<Option<i64>, StoreError> {
        let newest = Find::<BigInt, i64>::new(Statement::new(NEWEST));
        self.0.ask(Access::Read, Vec::new(), newest, |rows| Ok(rows.first().copied())).await
    }

    async fn waiting(&mut self, after: i64, limit: u32) -> Result<Vec<StoredRow>, StoreError> {
        let waiting = Statement::new(WAITING).with(after).with(after).with(limit);
        let waiting = Find::<StoredEvents, StoredAuditRow>::new(waiting);
        self.0.ask(Access::Read, Vec::new(), waiting, entities).await
    }

    async fn backlog(&mut self) -> Result<u64, StoreError> {
        let backlog = Find::<BigInt, i64>::new(Statement::new(BACKLOG));
        let first = |rows: Vec<i64>| Ok(rows.first().map_or(0, |rows| rows.unsigned_abs()));
        self.0.ask(Access::Read, Vec::new(), backlog, first).await
    }

    async fn extend(&mut self, links: &[ChainLink]) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(EXTEND).with_all(links_values(links))]).await
    }

    async fn page(&mut self, after: i64, limit: u32) -> Result<Vec<ChainedRow>, StoreError> {
        let page = Statement::new(PAGE).with(after).with(limit);
        let page = Find::<(Links, Nullable<StoredEvents>), (ChainRow, Option<StoredAuditRow>)>::new(page);
        let read = |rows: Vec<_>| rows.into_iter().map(chained).collect();
        self.0.ask(Access::Read, Vec::new(), page, read).await
    }

    async fn first_since(&mut self, since: DateTime<Utc>) -> Result<Option<i64>, StoreError> {
        let first = Find::<Nullable<BigInt>, Option<i64>>::new(Statement::new(FIRST_SINCE).with(since));
        self.0.ask(Access::Read, Vec::new(), first, |rows| Ok(rows.into_iter().next().flatten())).await
    }

    async fn put_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(PUT_CHECKPOINT).with_all(checkpoint_values(checkpoint))]).await
    }

    async fn checkpoints(&mut self, after: i64, limit: u32) -> Result<Vec<Checkpoint>, StoreError> {
        let page = Statement::new(CHECKPOINTS).with(after).with(limit);
        let page = Find::<AuditCheckpoints, CheckpointRow>::new(page);
        self.0.ask(Access::Read, Vec::new(), page, entities).await
    }

    async fn last_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreError> {
        let last = Find::<AuditCheckpoints, CheckpointRow>::new(Statement::new(LAST_CHECKPOINT));
        self.0.ask(Access::Read, Vec::new(), last, entity).await
    }

    async fn prune(&mut self, checkpoint: &Checkpoint, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let up_to = checkpoint.head.position;
        // The rules of the tables let go of what is older than the horizon, of links without an entry, and
        // of checkpoints behind a pruned one: in this order.
        let entries = vec![
            Statement::new(super::audit::HORIZON).with(before).with(before),
            Statement::new(PRUNE_ENTRIES).with(up_to),
        ];
        let quiet = |statement| Counted { statement, counts: false };
        let rest = Sum(vec![
            Counted { statement: Statement::new(PRUNE_LINKS).with(up_to), counts: true },
            quiet(Statement::new(PUT_CHECKPOINT).with_all(checkpoint_values(checkpoint))),
            quiet(Statement::new(PRUNE_CHECKPOINTS).with(up_to)),
        ]);
        self.0.ask(Access::Write, entries, rest, Ok).await
    }

    async fn erase_clients(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let old = Statement::new(OLD_CLIENTS).with(before).with(limit);
        let old = Find::<(BigInt, BigInt, Nullable<Text>), (i64, i64, Option<String>)>::new(old);
        let old = self.0.ask(Access::Read, Vec::new(), old, Ok).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let positions: Vec<i64> = old.iter().map(|(position, _, _)| *position).collect();
        let entries: Vec<i64> = old.iter().map(|(_, seq, _)| *seq).collect();
        let networks: Vec<Option<String>> =
            old.iter().map(|(_, _, ip)| ip.as_deref().and_then(network_text)).collect();
        let statements = vec![
            Statement::new(ERASE_CLIENTS).with(entries).with(networks),
            Statement::new(ERASE_SALTS).with(positions),
        ];
        self.0.ask(Access::Write, statements, Nothing, |()| Ok(old.len() as u64)).await
    }
}

fn head(rows: Vec<(i64, Vec<u8>)>) -> Result<Option<ChainHead>, StoreError> {
    let Some((position, hash)) = rows.into_iter().next() else { return Ok(None) };
    let hash = hash.try_into().map_err(|_| corrupt("audit_chain", &position))?;
    Ok(Some(ChainHead { position, hash: ChainHash::from_bytes(hash) }))
}

/// A lock of the schema's own table: installations that share a database do not meet.
const TAKE_TURN: &str = "SELECT pg_try_advisory_xact_lock(
     hashtextextended('audit_chain', 'audit_chain'::regclass::oid::bigint))";

const LAST_LINK: &str = "SELECT position, hash FROM audit_chain ORDER BY position DESC LIMIT 1";

const LAST_PRUNED: &str = "SELECT position, hash FROM audit_checkpoints WHERE kind = 'pruned'
     ORDER BY position DESC LIMIT 1";

const NEWEST: &str = "SELECT seq FROM audit_chain ORDER BY seq DESC LIMIT 1";

/// The bound stands twice, so that neither table is read from its beginning.
const WAITING: &str = concat!(
    "SELECT ",
    stored_events!(),
    " FROM audit_events e WHERE e.seq > ?
     AND NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.seq = e.seq AND c.seq > ?)
     ORDER BY e.seq LIMIT ?"
);

const BACKLOG: &str = "SELECT count(*) FROM audit_events e
     WHERE NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.seq = e.seq)";

const EXTEND: &str = "INSERT INTO audit_chain (position, seq, at, hash, client, salt)
     SELECT * FROM unnest(?, ?, ?, ?, ?, ?)";

const PAGE: &str = concat!(
    "SELECT ",
    audit_chain!(),
    ", ",
    stored_events!(),
    " FROM audit_chain c LEFT JOIN audit_events e ON e.seq = c.seq
     WHERE c.position > ? ORDER BY c.position LIMIT ?"
);

const FIRST_SINCE: &str = "SELECT min(position) FROM audit_chain WHERE at >= ?";

const PUT_CHECKPOINT: &str = "INSERT INTO audit_checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)";

const CHECKPOINTS: &str = concat!(
    "SELECT ",
    audit_checkpoints!(),
    " FROM audit_checkpoints WHERE number > ? ORDER BY number LIMIT ?"
);

const LAST_CHECKPOINT: &str =
    concat!("SELECT ", audit_checkpoints!(), " FROM audit_checkpoints ORDER BY number DESC LIMIT 1");

const PRUNE_ENTRIES: &str = "DELETE FROM audit_events WHERE seq = ANY (ARRAY(
         SELECT seq FROM audit_chain WHERE position <= ?
     ))";

const PRUNE_LINKS: &str = "DELETE FROM audit_chain WHERE position <= ?";

const PRUNE_CHECKPOINTS: &str = "DELETE FROM audit_checkpoints WHERE number < (
         SELECT number FROM audit_checkpoints WHERE kind = 'regular' AND position >= ?
         ORDER BY position, number LIMIT 1
     )";

const OLD_CLIENTS: &str = "SELECT c.position, c.seq, e.ip FROM audit_chain c
     LEFT JOIN audit_events e ON e.seq = c.seq
     WHERE c.salt IS NOT NULL AND c.at < ? ORDER BY c.at, c.position LIMIT ?";

pub(super) const ERASE_CLIENTS: &str = "UPDATE audit_events e SET ip = n.ip, user_agent = NULL
     FROM unnest(?, ?) n (seq, ip) WHERE e.seq = n.seq";

pub(super) const ERASE_SALTS: &str = "UPDATE audit_chain SET salt = NULL WHERE position = ANY (?)";
